// SPDX-License-Identifier: Apache-2.0
#include "app/desk/request_stops.h"

namespace kvlink::desk {

std::stop_token RequestStops::begin(RequestId id) {
  const std::lock_guard lock(mutex_);
  return requests_.insert_or_assign(id, std::stop_source()).first->second.get_token();
}

void RequestStops::end(RequestId id) {
  const std::lock_guard lock(mutex_);
  requests_.erase(id);
}

void RequestStops::stop(RequestId id) {
  const std::lock_guard lock(mutex_);
  const auto found = requests_.find(id);
  if (found != requests_.end()) found->second.request_stop();
}

void RequestStops::stop_all() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, stop] : requests_) stop.request_stop();
}

std::stop_token LatestStop::begin() {
  const std::lock_guard lock(mutex_);
  stop_ = std::stop_source();
  return stop_.get_token();
}

void LatestStop::stop() {
  const std::lock_guard lock(mutex_);
  stop_.request_stop();
}

}  // namespace kvlink::desk
