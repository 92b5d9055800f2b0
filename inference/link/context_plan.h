// SPDX-License-Identifier: Apache-2.0
// Which token goes to which row at which position, for every link strategy: one plan builder.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "inference/link/link_ids.h"
#include "inference/link/recompute_method.h"
#include "kernels/base/kv_block.h"
#include "kernels/base/result.h"
#include "kernels/base/sha256.h"

namespace kvlink::inference {

/// How chunks enter the context. Persistent in settings and JSON by name (link_mode_name).
enum class LinkMode : std::uint8_t {
  kFull,        ///< standard decoding: every document token is prefilled
  kConcat,      ///< naive reuse at the positions of encoding: the warning example
  kReposition,  ///< KVLINK0: caches rotated to their new positions
  kLink,        ///< KVLink: reposition + trained link tokens (needs an adapter)
  kRecompute,   ///< reposition or link + some of the chunk tokens computed again
};

/// "full", "concat", "reposition", "link", "recompute".
std::string_view link_mode_name(LinkMode mode);
std::optional<LinkMode> parse_link_mode(std::string_view name);

/// One chunk to place. `block` may be null only in kFull. Its ids are those of the chunk, behind
/// one -1 for every header token of an adapter that was encoded with it.
struct PlannedChunk {
  std::span<const std::int32_t> token_ids = {};
  const KvBlock* block = nullptr;
  /// Whoever keeps the block, or null. With an owner a block can stay on a GPU, and a conversation
  /// whose GPU fails can be taken up on the CPU.
  std::shared_ptr<const KvBlock> owner = {};
  /// kFull, kReposition and kLink: added to the attention scores that what stands behind all chunks
  /// has with this one's rows, so that its share of the attention is multiplied by exp of it. How
  /// likely the chunk is the right one compared with the likeliest: at most 0, finite.
  float log_prior = 0.0F;
  /// What the block is known by, or zero: by it a GPU finds the copy that it has kept.
  Digest id = {};
};

/// Rows and positions for one question. Row r of the plan is arena row n_rows() + r of the context
/// that carries it out. Rows stand in reading order: lead, chunk 1, link 1, …, chunk n, link n,
/// question; with parallel passages lead, chunk 1, …, chunk n, link, question. Header rows stand
/// before their chunk in modes that load blocks, and link tokens by id may have a token before the
/// first and behind the last chunk.
struct ContextPlan {
  /// Tokens to compute again that only the loaded context can tell.
  struct Selection {
    RecomputeMethod method = RecomputeMethod::kQuery;  ///< kDeviation or kQuery
    double share = 0.0;                                ///< of all chunk tokens, 0 to 1
  };
  /// A block to load: rows [first_row, first_row + block->n_tokens()) at `positions`.
  struct Load {
    std::size_t chunk = 0;
    std::int64_t first_row = 0;
    std::vector<std::int32_t> positions = {};
  };
  /// What is forwarded in one batch, in strictly ascending position.
  struct Forward {
    std::vector<std::int32_t> token_ids;  ///< -1: soft token, next row of the embeddings
    std::vector<std::int32_t> rows;
    std::vector<std::int32_t> positions;
    /// 1: of a passage or of the conversation's opening, which stand before every question; an
    /// adapter with base_passages leaves these rows to the base weights.
    std::vector<std::uint8_t> before;
  };
  std::vector<Load> loads;
  Forward forward;
  std::optional<Selection> selection;       ///< chosen tokens join `forward`
  std::int64_t n_lead = 0;                  ///< first tokens of `forward` that are the lead
  std::int64_t n_question = 0;              ///< last ones that are the question
  std::vector<std::int32_t> row_positions;  ///< of every new row, in row order
  std::vector<float> row_biases;       ///< added to attention scores with a new row; none: all 0
  std::int64_t n_rows = 0;             ///< new rows in all
  std::int64_t n_link_tokens = 0;      ///< link tokens in all, soft or by id
  std::int64_t n_document_tokens = 0;  ///< tokens of all chunks
  std::int64_t n_document_tokens_prefilled = 0;  ///< of them, computed at question time (0 = reuse)
  std::int32_t next_position = 0;                ///< position of the first answer token
};

struct PlanRequest {
  LinkMode mode = LinkMode::kReposition;
  std::span<const PlannedChunk> chunks = {};
  std::span<const std::int32_t> lead = {};      ///< forwarded before the chunks: next_turn() or the
                                                ///< prefix when it is not in the cache yet
  std::span<const std::int32_t> question = {};  ///< forwarded after them
  std::int64_t first_row = 0;                   ///< rows already in the cache
  std::int32_t first_position = 0;              ///< position of the first new token
  std::int32_t encode_position = 0;             ///< position at which blocks were encoded (kConcat)
  std::int32_t n_link_tokens = 0;               ///< behind each chunk (kLink, kRecompute), or once
  /// kReposition and kLink: chunks stand side by side, so that each ends where the longest one does
  /// and none is nearer to the question than another; link tokens stand once, behind all of them
  /// (Adapter::parallel_passages). Not with link_ids, which tell chunks apart by number.
  bool parallel = false;
  const LinkIds* link_ids = nullptr;  ///< link tokens are these ids; null: soft tokens
  /// kRecompute: for every chunk the indices of its tokens to compute again, ascending.
  std::span<const std::vector<std::int32_t>> recompute = {};
  /// kRecompute: how they are chosen while the plan is carried out, instead of `recompute`.
  std::optional<ContextPlan::Selection> selection = {};
  std::int64_t max_rows = 0;  ///< context limit
};

/// kOutOfMemory, with the numbers, when it does not fit; kInvalidInput for an empty question, an
/// empty chunk, a missing block, a block of other tokens or indices out of order; kUnsupported for
/// kLink without link tokens and for more chunks than a scheme of link ids knows. Pure.
Result<ContextPlan> plan_context(const PlanRequest& request);

/// Tokens to recompute, chosen by place: of each chunk the first `share` (0 to 1) of its tokens,
/// rounded up ("first-k", as EPIC does). Those stand in for the context a chunk's start lacked.
std::vector<std::vector<std::int32_t>> first_tokens_of_chunks(std::span<const PlannedChunk> chunks,
                                                              double share);

}  // namespace kvlink::inference
