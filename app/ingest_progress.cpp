// SPDX-License-Identifier: Apache-2.0
#include "app/ingest_progress.h"

namespace kvlink::app {

void IngestMeter::start_phase(IngestPhase phase) {
  progress_.phase = phase;
  progress_.seconds_left.reset();
  n_computed_tokens_ = 0;
  phase_begin_ = Clock::now();
  tell_now();
}

void IngestMeter::tell() {
  constexpr auto kInterval = std::chrono::milliseconds(100);
  if (last_told_ && Clock::now() - *last_told_ < kInterval) return;
  tell_now();
}

void IngestMeter::tell_now() {
  last_told_ = Clock::now();
  measure();
  if (callback_) callback_(progress_);
}

void IngestMeter::measure() {
  const double seconds = std::chrono::duration<double>(Clock::now() - phase_begin_).count();
  if (seconds <= 0) return;
  double rate = 0;
  std::int64_t left = 0;
  if (progress_.phase == IngestPhase::kIndexing) {
    rate = progress_.bytes_per_second = static_cast<double>(progress_.n_bytes_done) / seconds;
    left = progress_.n_bytes - progress_.n_bytes_done;
  } else if (progress_.phase == IngestPhase::kCaching) {
    rate = progress_.tokens_per_second = static_cast<double>(n_computed_tokens_) / seconds;
    left = progress_.n_tokens - progress_.n_tokens_done;
  }
  // The first second of a phase is no basis for a forecast.
  if (rate > 0 && seconds >= 1) progress_.seconds_left = static_cast<double>(left) / rate;
}

}  // namespace kvlink::app
