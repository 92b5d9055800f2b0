// SPDX-License-Identifier: Apache-2.0
#include "inference/link/context_plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

namespace kvlink::inference {
namespace {

constexpr std::array<std::string_view, 5> kModeNames = {"full", "concat", "reposition", "link",
                                                        "recompute"};

std::string chunk_name(std::size_t index) { return "passage " + std::to_string(index + 1); }

void check_block(const PlannedChunk& chunk, std::size_t index) {
  if (chunk.block == nullptr) {
    fail(ErrorCode::kInvalidInput,
         chunk_name(index) + " has no KV block; encode it first or use mode full");
  }
  const auto ids = chunk.block->token_ids();
  const auto text = std::find_if(ids.begin(), ids.end(), [](std::int32_t id) { return id != -1; });
  if (!std::equal(text, ids.end(), chunk.token_ids.begin(), chunk.token_ids.end())) {
    fail(ErrorCode::kInvalidInput, chunk_name(index) + " came with the KV block of another text");
  }
}

void check_prior(const PlannedChunk& chunk, std::size_t index) {
  if (std::isfinite(chunk.log_prior) && chunk.log_prior <= 0.0F) return;
  fail(ErrorCode::kInvalidInput,
       chunk_name(index) + " has the log prior " + std::to_string(chunk.log_prior) +
           "; it must be finite and at most 0, which is the likeliest passage's");
}

void check_recompute(const PlanRequest& request) {
  if (request.recompute.size() != request.chunks.size()) {
    fail(ErrorCode::kInvalidInput, "mode recompute needs one list of tokens for each of the " +
                                       std::to_string(request.chunks.size()) + " passages, got " +
                                       std::to_string(request.recompute.size()));
  }
  for (std::size_t c = 0; c < request.chunks.size(); ++c) {
    std::int64_t last = -1;
    for (const std::int32_t i : request.recompute[c]) {
      if (i <= last || static_cast<std::size_t>(i) >= request.chunks[c].token_ids.size()) {
        fail(ErrorCode::kInvalidInput, "token " + std::to_string(i) + " of " + chunk_name(c) +
                                           " to recompute is out of range or out of order");
      }
      last = i;
    }
  }
}

void check_selection(const PlanRequest& request) {
  if (!request.selection) {
    check_recompute(request);
  } else if (request.selection->method == RecomputeMethod::kFirstK ||
             !(request.selection->share >= 0.0 && request.selection->share <= 1.0)) {
    fail(ErrorCode::kInvalidInput,
         "tokens to recompute are selected by deviation or query, and their share is 0 to 1");
  }
}

void check_links(const PlanRequest& request) {
  if (request.mode == LinkMode::kLink && request.n_link_tokens == 0) {
    fail(ErrorCode::kUnsupported,
         "mode link needs an adapter with link tokens, and none is loaded; use mode reposition");
  }
  if (request.link_ids == nullptr || request.n_link_tokens == 0) return;
  if (std::ssize(request.chunks) > request.link_ids->max_passages) {
    fail(ErrorCode::kUnsupported,
         "the model knows link tokens for " + std::to_string(request.link_ids->max_passages) +
             " passages, and this question has " + std::to_string(request.chunks.size()) +
             "; use fewer, or mode reposition");
  }
  KVLINK_CHECK(!request.parallel && request.n_link_tokens <= request.link_ids->per_passage);
}

void check_request(const PlanRequest& request) {
  if (request.question.empty()) fail(ErrorCode::kInvalidInput, "the question is empty");
  if (request.first_row < 0 || request.first_position < 0 || request.encode_position < 0 ||
      request.n_link_tokens < 0) {
    fail(ErrorCode::kInvalidInput, "rows, positions and counts of a plan cannot be negative");
  }
  check_links(request);
  for (std::size_t c = 0; c < request.chunks.size(); ++c) {
    if (request.chunks[c].token_ids.empty()) {
      fail(ErrorCode::kInvalidInput, chunk_name(c) + " is empty");
    }
    if (request.mode != LinkMode::kFull) check_block(request.chunks[c], c);
    check_prior(request.chunks[c], c);
  }
  if (request.mode == LinkMode::kRecompute) check_selection(request);
}

/// Lays tokens down in reading order, row after row.
class PlanBuilder {
 public:
  explicit PlanBuilder(const PlanRequest& request)
      : request_(request),
        n_links_(request.mode == LinkMode::kLink || request.mode == LinkMode::kRecompute
                     ? request.n_link_tokens
                     : 0),
        rotates_whole_chunks_(request.mode == LinkMode::kReposition ||
                              request.mode == LinkMode::kLink),
        parallel_(request.parallel && rotates_whole_chunks_),
        position_(request.first_position) {}

  ContextPlan build() {
    check_fits();
    forward(request_.lead, request_.first_row == 0);
    plan_.n_lead = std::ssize(request_.lead);
    plan_.n_question = std::ssize(request_.question);
    if (request_.mode == LinkMode::kRecompute) plan_.selection = request_.selection;
    if (has_memory_marks()) forward_mark(request_.link_ids->memory_start);
    const std::int32_t common_end = position_ + longest_block();
    for (std::size_t c = 0; c < request_.chunks.size(); ++c) {
      plan_.n_document_tokens += static_cast<std::int64_t>(request_.chunks[c].token_ids.size());
      if (request_.mode == LinkMode::kFull) {
        plan_.n_document_tokens_prefilled +=
            static_cast<std::int64_t>(request_.chunks[c].token_ids.size());
        chunk_rows_.push_back(std::ssize(plan_.row_positions));
        forward(request_.chunks[c].token_ids, true);
      } else {
        if (parallel_) position_ = common_end - n_block_rows(c);
        chunk_rows_.push_back(std::ssize(plan_.row_positions));
        load(c);
        if (!parallel_ || c + 1 == request_.chunks.size()) forward_links(c);
      }
    }
    if (has_memory_marks()) forward_mark(request_.link_ids->memory_end);
    forward(request_.question, false);
    if (rotates_whole_chunks_ || request_.mode == LinkMode::kFull) weigh_chunks();
    plan_.n_rows = static_cast<std::int64_t>(plan_.row_positions.size());
    plan_.next_position = position_;
    return std::move(plan_);
  }

 private:
  /// Before anything is allocated.
  void check_fits() const {
    const auto size = [](const auto& tokens) { return static_cast<std::int64_t>(tokens.size()); };
    std::int64_t n_documents = 0;
    std::int64_t n_headers = 0;
    for (const PlannedChunk& chunk : request_.chunks) {
      n_documents += size(chunk.token_ids);
      if (request_.mode != LinkMode::kFull) {
        n_headers += chunk.block->n_tokens() - size(chunk.token_ids);
      }
    }
    const std::int64_t n_marks = has_memory_marks() ? 2 : 0;
    const std::int64_t n_links =
        n_links_ * (parallel_ ? std::int64_t{!request_.chunks.empty()} : size(request_.chunks));
    const std::int64_t n_new =
        size(request_.lead) + n_documents + n_headers + n_marks + n_links + size(request_.question);
    const std::int64_t end =
        n_new + std::max<std::int64_t>(request_.first_row, request_.first_position);
    if (end <= std::min<std::int64_t>(request_.max_rows, std::numeric_limits<int>::max())) return;
    fail(ErrorCode::kOutOfMemory,
         "the context holds " + std::to_string(request_.max_rows) + " tokens; " +
             std::to_string(std::max<std::int64_t>(request_.first_row, request_.first_position)) +
             " are used, and this question needs " + std::to_string(n_new) + " more (" +
             std::to_string(n_documents) + " of passages, " +
             std::to_string(request_.question.size()) +
             " of the question); use fewer passages or start a new conversation");
  }

  /// Models with link ids were trained with a token around all cached chunks.
  bool has_memory_marks() const {
    return request_.link_ids != nullptr && request_.mode != LinkMode::kFull &&
           !request_.chunks.empty();
  }

  std::int32_t n_block_rows(std::size_t c) const {
    return static_cast<std::int32_t>(request_.chunks[c].block->n_tokens());
  }

  /// 0 where chunks do not stand side by side.
  std::int32_t longest_block() const {
    std::int32_t longest = 0;
    for (std::size_t c = 0; parallel_ && c < request_.chunks.size(); ++c) {
      longest = std::max(longest, n_block_rows(c));
    }
    return longest;
  }

  void forward_links(std::size_t c) {
    for (std::int32_t i = 0; i < n_links_; ++i) forward_one(link_id(c, i));
    plan_.n_link_tokens += n_links_;
  }

  void forward_mark(std::int32_t id) {
    if (id >= 0) forward_one(id);
  }

  std::int32_t link_id(std::size_t chunk, std::int32_t i) const {
    if (request_.link_ids == nullptr) return -1;
    return request_.link_ids->first +
           request_.link_ids->per_passage * static_cast<std::int32_t>(chunk) + i;
  }

  void forward(std::span<const std::int32_t> ids, bool before) {
    for (const std::int32_t id : ids) forward_one(id, before);
  }

  void forward_one(std::int32_t id, bool before = false) {
    plan_.forward.token_ids.push_back(id);
    plan_.forward.rows.push_back(static_cast<std::int32_t>(plan_.row_positions.size()));
    plan_.forward.positions.push_back(position_);
    plan_.forward.before.push_back(before ? 1 : 0);
    plan_.row_positions.push_back(position_++);
  }

  void load(std::size_t c) {
    const auto ids = request_.chunks[c].token_ids;
    const std::int32_t n_rows = n_block_rows(c);
    const auto n_header = n_rows - static_cast<std::int32_t>(ids.size());
    ContextPlan::Load load{
        .chunk = c,
        .first_row = static_cast<std::int64_t>(plan_.row_positions.size()),
        .positions = std::vector<std::int32_t>(static_cast<std::size_t>(n_rows))};
    std::iota(load.positions.begin(), load.positions.end(),
              request_.mode == LinkMode::kConcat ? request_.encode_position : position_);
    if (request_.mode == LinkMode::kRecompute && !request_.selection) {
      for (const std::int32_t i : request_.recompute[c]) {
        plan_.forward.token_ids.push_back(ids[static_cast<std::size_t>(i)]);
        plan_.forward.rows.push_back(static_cast<std::int32_t>(load.first_row) + n_header + i);
        plan_.forward.positions.push_back(position_ + n_header + i);
        plan_.forward.before.push_back(1);
        ++plan_.n_document_tokens_prefilled;
      }
    }
    plan_.row_positions.insert(plan_.row_positions.end(), load.positions.begin(),
                               load.positions.end());
    plan_.loads.push_back(std::move(load));
    position_ += n_rows;
  }

  void weigh_chunks() {
    const auto& chunks = request_.chunks;
    if (std::all_of(chunks.begin(), chunks.end(), [](auto& c) { return c.log_prior == 0.0F; })) {
      return;
    }
    plan_.row_biases.resize(plan_.row_positions.size());
    for (std::size_t c = 0; c < chunks.size(); ++c) {
      const std::int64_t n_rows = request_.mode == LinkMode::kFull ? std::ssize(chunks[c].token_ids)
                                                                   : std::int64_t{n_block_rows(c)};
      std::fill_n(plan_.row_biases.begin() + chunk_rows_[c], n_rows, chunks[c].log_prior);
    }
  }

  const PlanRequest& request_;
  std::int32_t n_links_;
  bool rotates_whole_chunks_;
  bool parallel_;
  std::int32_t position_;
  std::vector<std::int64_t> chunk_rows_;  // first row of each
  ContextPlan plan_;
};

}  // namespace

std::string_view link_mode_name(LinkMode mode) {
  return kModeNames[static_cast<std::size_t>(mode)];
}

std::optional<LinkMode> parse_link_mode(std::string_view name) {
  const auto at = std::find(kModeNames.begin(), kModeNames.end(), name);
  if (at == kModeNames.end()) return std::nullopt;
  return static_cast<LinkMode>(at - kModeNames.begin());
}

Result<ContextPlan> plan_context(const PlanRequest& request) {
  return returning([&] {
    check_request(request);
    return PlanBuilder(request).build();
  });
}

std::vector<std::vector<std::int32_t>> first_tokens_of_chunks(std::span<const PlannedChunk> chunks,
                                                              double share) {
  std::vector<std::vector<std::int32_t>> chosen;
  chosen.reserve(chunks.size());
  for (const PlannedChunk& chunk : chunks) {
    const auto n = static_cast<double>(chunk.token_ids.size());
    const double k = share > 0.0 ? std::min(n, std::ceil(share * n)) : 0.0;
    std::vector<std::int32_t>& tokens = chosen.emplace_back(static_cast<std::size_t>(k));
    std::iota(tokens.begin(), tokens.end(), 0);
  }
  return chosen;
}

}  // namespace kvlink::inference
