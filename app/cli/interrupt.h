// SPDX-License-Identifier: Apache-2.0
// Ctrl-C as a stop request: once to stop cleanly, twice to end at once.
#pragma once

#include <mutex>
#include <stop_token>
#include <thread>

namespace kvlink::app {

/// Made once, at the start of main. A thread waits for SIGINT, SIGTERM and SIGHUP; SIGPIPE is
/// ignored, so that a closed pipe is a failed write. Safe from any thread. Libraries may have made
/// threads before main (OpenBLAS does) that take signals too: the handlers serve those as well.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// Stops when a signal comes, or when stop() is called. Valid until rearm().
  std::stop_token token() const;
  bool requested() const { return token().stop_requested(); }
  void stop();
  /// From here on a new signal is a first one again: the answer it stopped has ended.
  void rearm();
  /// Becomes readable at a signal (until rearm), for poll().
  int descriptor() const { return event_; }

 private:
  void watch();

  int signals_ = -1;  // counts signals that nobody has looked at
  int event_ = -1;
  int closing_ = -1;
  mutable std::mutex mutex_;
  std::stop_source source_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace kvlink::app
