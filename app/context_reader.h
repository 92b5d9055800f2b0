// SPDX-License-Identifier: Apache-2.0
// Bringing passages and a question into a context, by any link mode: load, encode, rotate, prefill.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "app/block_writer.h"
#include "app/reading_mode.h"
#include "app/session.h"
#include "app/timeline.h"
#include "cache/kv_store.h"
#include "inference/engine.h"

namespace kvlink::app {

/// A chunk as the model reads it.
struct Passage {
  retrieval::ChunkId chunk = 0;
  Digest content;
  std::vector<std::int32_t> token_ids;
  float log_prior = 0.0F;  ///< of inference::PlannedChunk
};

/// A block that had to be computed although it should have been there.
struct BlockMiss {
  retrieval::ChunkId chunk = 0;
  cache::MissReason reason = cache::MissReason::kNeverEncoded;
  std::string detail;  ///< a sentence for the user
};

/// One block while it is being looked for, told as it happens.
struct BlockLookup {
  enum class Outcome : std::uint8_t { kFromMemory, kFromDisk, kMissed, kEncoded };
  const Passage* passage = nullptr;  ///< for the duration of the call
  Outcome outcome = Outcome::kFromMemory;
  std::int64_t bytes = 0;  ///< read from disk
  std::string reason;      ///< of a miss, a sentence
};

struct ReadRequest {
  ReadingMode mode;
  std::span<const Passage> passages;
  std::span<const std::int32_t> lead;      ///< before the passages
  std::span<const std::int32_t> question;  ///< after them
  /// Mode recompute, where `mode` does not say it.
  inference::RecomputeMethod recompute = inference::RecomputeMethod::kFirstK;
  double recompute_share = 0.15;
  std::function<void(const BlockLookup&)> on_block = {};  ///< may be empty
  std::function<void(const Timeline&)> on_stage = {};     ///< a stage has ended; may be empty
};

/// Where the tokens of the documents came from. reused + encoded + prefilled >= n_document_tokens;
/// more where recompute computes some again.
struct ReadReport {
  std::int64_t n_document_tokens = 0;
  std::int64_t n_document_tokens_reused = 0;     ///< from blocks that were stored
  std::int64_t n_document_tokens_encoded = 0;    ///< of blocks that were missing
  std::int64_t n_document_tokens_prefilled = 0;  ///< in the forward pass; 0: everything reused
  std::int64_t n_prefilled_tokens = 0;  ///< of any kind: prefix, passages, link tokens, question
  std::int64_t n_link_tokens = 0;       ///< of them, link tokens
  std::int64_t n_selection_tokens = 0;  ///< forwarded only to choose what to compute again
  std::int64_t n_blocks_from_memory = 0;
  std::int64_t n_blocks_from_disk = 0;
  std::int64_t bytes_read = 0;
  std::vector<BlockMiss> misses;
};

struct ReadResult {
  std::vector<float> logits;  ///< after the question's last token
  ReadReport report;
};

/// Borrows everything. Blocks that it had to compute go to `writer` (may be null: not kept). Safe
/// to use from several threads on different contexts.
class ContextReader {
 public:
  ContextReader(inference::Engine& engine, cache::KvStore& store, const ChunkEncoding& encoding,
                BlockWriter* writer)
      : engine_(engine), store_(store), encoding_(encoding), writer_(writer) {}

  /// Throws what the planner and the engine return; the context is then as it was. kCancelled
  /// within one layer of a stop.
  ReadResult read(inference::Context& context, const ReadRequest& request, Timeline& timeline,
                  std::stop_token stop);

 private:
  using Blocks = std::vector<std::shared_ptr<const KvBlock>>;
  std::vector<cache::Lookup> look_up(std::span<const Passage> passages,
                                     const std::stop_token& stop) const;
  Blocks load_blocks(const ReadRequest& request, Timeline& timeline, ReadReport& report,
                     std::stop_token stop);
  void encode_missing(const ReadRequest& request, Blocks& blocks, Timeline& timeline,
                      ReadReport& report, std::stop_token stop);
  inference::ContextPlan make_plan(const inference::Context& context, const ReadRequest& request,
                                   std::span<const inference::PlannedChunk> chunks) const;
  std::vector<float> prefill(inference::Context& context, const ReadRequest& request,
                             const Blocks& blocks, Timeline& timeline, ReadReport& report,
                             std::stop_token stop);

  inference::Engine& engine_;
  cache::KvStore& store_;
  const ChunkEncoding& encoding_;
  BlockWriter* writer_;
};

}  // namespace kvlink::app
