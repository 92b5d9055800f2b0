// SPDX-License-Identifier: Apache-2.0
// Telling of progress often enough, and not more often.
#pragma once

#include <chrono>

namespace kvlink::app {

/// Lets one call through per interval. One thread.
class Throttle {
 public:
  using Clock = std::chrono::steady_clock;

  /// `quiet`: how long nothing passes at first.
  explicit Throttle(Clock::duration interval, Clock::duration quiet = Clock::duration::zero())
      : interval_(interval), next_(Clock::now() + quiet) {}

  /// Whether this call passes.
  bool is_due() {
    const auto now = Clock::now();
    if (now < next_) return false;
    next_ = now + interval_;
    return true;
  }

 private:
  Clock::duration interval_;
  Clock::time_point next_;
};

}  // namespace kvlink::app
