// SPDX-License-Identifier: Apache-2.0
#include "inference/device/device_trace.h"

#include <algorithm>

namespace kvlink::inference {

using cuda::Api;
using cuda::Lane;

namespace {
constexpr std::size_t kMostMarks = 4096;
}  // namespace

void DeviceTrace::begin() {
  drop();
  is_on_ = true;
  began_ = std::chrono::steady_clock::now();
  mark(Lane::kCompute);
}

std::size_t DeviceTrace::mark(Lane lane) {
  if (n_marks_ == events_.size()) events_.push_back(cuda::make_event(backend_));
  backend_.run(&Api::record_event, lane, events_[n_marks_].get());
  if (n_marks_ + 1 >= kMostMarks) is_on_ = false;
  return n_marks_++;
}

void DeviceTrace::add(DeviceSpan::Work work, std::size_t from, std::size_t to, std::int64_t bytes) {
  pieces_.push_back({work, from, to, bytes});
}

float DeviceTrace::milliseconds_at(std::size_t mark) {
  float milliseconds = 0.0F;
  backend_.run(&Api::elapsed, events_.front().get(), events_[mark].get(), &milliseconds);
  return milliseconds;
}

std::vector<DeviceSpan> DeviceTrace::end() {
  is_on_ = false;
  const auto at = [this](std::size_t mark) {
    const std::chrono::duration<double, std::milli> behind(milliseconds_at(mark));
    return began_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(behind);
  };
  std::vector<DeviceSpan> spans;
  for (const Piece& piece : pieces_) {
    spans.push_back({piece.work, at(piece.from), at(piece.to), piece.bytes});
  }
  std::stable_sort(spans.begin(), spans.end(),
                   [](const DeviceSpan& a, const DeviceSpan& b) { return a.begin < b.begin; });
  return spans;
}

}  // namespace kvlink::inference
