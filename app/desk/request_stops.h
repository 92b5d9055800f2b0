// SPDX-License-Identifier: Apache-2.0
// How what was asked of a worker is stopped from another thread.
#pragma once

#include <map>
#include <mutex>
#include <stop_token>

#include "app/desk/messages.h"

namespace kvlink::desk {

/// The requests that wait or run. Thread-safe.
class RequestStops {
 public:
  /// Before the request is put into its queue.
  std::stop_token begin(RequestId id);
  /// Once it has been answered.
  void end(RequestId id);
  /// Of a request that has ended: nothing.
  void stop(RequestId id);
  void stop_all();

 private:
  std::mutex mutex_;
  std::map<RequestId, std::stop_source> requests_;  // guarded by mutex_
};

/// Of work that there is once at a time. Thread-safe.
class LatestStop {
 public:
  /// stop() concerns what began last.
  std::stop_token begin();
  void stop();

 private:
  std::mutex mutex_;
  std::stop_source stop_;  // guarded by mutex_
};

}  // namespace kvlink::desk
