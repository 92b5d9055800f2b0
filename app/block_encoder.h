// SPDX-License-Identifier: Apache-2.0
// The KV of documents' passages, computed ahead of any question and kept inside the disk budget.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "app/ingest_progress.h"
#include "app/session.h"

namespace kvlink::app {

struct EncodeReport {
  std::int64_t n_encoded = 0;  ///< blocks computed and kept
  std::int64_t n_found = 0;    ///< blocks that were there already
  std::int64_t n_left = 0;     ///< passages without a block: budget, failure or stop
  std::int64_t n_tokens_encoded = 0;
  double seconds = 0;
  std::string stopped_because;  ///< "" or the sentence for the user (budget, disk)
  bool cancelled = false;

  /// What a later run did beside this one.
  void add(const EncodeReport& other);
};

/// Computes the block of every passage that has none. A second run goes on where the first ended:
/// what is pending is what the store does not have. Needs Parts::kAnswer. One thread.
class BlockEncoder {
 public:
  explicit BlockEncoder(Session& session) : session_(session) {}

  /// Throws when the library cannot be read; everything else is in the report.
  EncodeReport encode(std::span<const retrieval::DocumentId> documents, IngestMeter& meter,
                      std::stop_token stop);

 private:
  bool encode_chunk(const retrieval::StoredChunk& chunk, EncodeReport& report, IngestMeter& meter,
                    std::stop_token stop);
  bool has_room(std::int64_t n_rows) const;

  Session& session_;
};

}  // namespace kvlink::app
