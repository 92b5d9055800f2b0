// SPDX-License-Identifier: Apache-2.0
// How far an ingestion is, told at most ten times a second.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "retrieval/library.h"

namespace kvlink::app {

enum class IngestPhase : std::uint8_t {
  kScanning,  ///< looking which files there are
  kIndexing,  ///< reading, cutting, embedding: files become searchable
  kCaching,   ///< the language model reads each passage once
};

struct IngestProgress {
  IngestPhase phase = IngestPhase::kScanning;
  std::int64_t n_files = 0;
  std::int64_t n_files_done = 0;
  std::int64_t n_bytes = 0;  ///< of all files
  std::int64_t n_bytes_done = 0;
  std::int64_t n_tokens = 0;  ///< of all passages of these files; known when caching
  std::int64_t n_tokens_done = 0;
  double bytes_per_second = 0;   ///< while indexing
  double tokens_per_second = 0;  ///< while caching
  std::optional<double> seconds_left;
  std::string current;                 ///< path of the file in work
  retrieval::DocumentId document = 0;  ///< whose passages are in work, while caching
};

/// Called on the ingesting thread.
using IngestCallback = std::function<void(const IngestProgress&)>;

/// Counts, measures and tells. One thread.
class IngestMeter {
 public:
  explicit IngestMeter(IngestCallback callback) : callback_(std::move(callback)) {}

  void start_phase(IngestPhase phase);
  IngestProgress& progress() { return progress_; }
  /// Tokens computed in this phase (those found cached are not work done).
  void add_computed_tokens(std::int64_t n) { n_computed_tokens_ += n; }
  /// Tells when the last telling is a tenth of a second ago.
  void tell();
  /// Tells in any case: the end of a phase.
  void tell_now();

 private:
  using Clock = std::chrono::steady_clock;
  void measure();

  IngestCallback callback_;
  IngestProgress progress_;
  std::int64_t n_computed_tokens_ = 0;
  Clock::time_point phase_begin_ = Clock::now();
  std::optional<Clock::time_point> last_told_;
};

}  // namespace kvlink::app
