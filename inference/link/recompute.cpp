// SPDX-License-Identifier: Apache-2.0
#include "inference/link/recompute.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <type_traits>

#include "kernels/base/result.h"
#include "kernels/kv.h"

namespace kvlink::inference {
namespace {

constexpr std::array<std::string_view, 3> kMethodNames = {"first-k", "deviation", "query"};

/// The layer at which CacheBlend compares: the second, whose values depend on what a token saw.
std::int32_t compared_layer(const ModelConfig& config) { return std::min(1, config.n_layers - 1); }

/// Every token of every chunk.
ChosenTokens all_tokens(std::span<const PlannedChunk> chunks) {
  return first_tokens_of_chunks(chunks, 1.0);
}

/// The part [from, to) of a forward.
ContextPlan::Forward part(const ContextPlan::Forward& forward, std::int64_t from, std::int64_t to) {
  const auto cut = [&](const auto& v) {
    return std::remove_cvref_t<decltype(v)>(v.begin() + from, v.begin() + to);
  };
  return {cut(forward.token_ids), cut(forward.rows), cut(forward.positions), cut(forward.before)};
}

}  // namespace

std::string_view recompute_method_name(RecomputeMethod method) {
  return kMethodNames[static_cast<std::size_t>(method)];
}

std::optional<RecomputeMethod> parse_recompute_method(std::string_view name) {
  const auto at = std::find(kMethodNames.begin(), kMethodNames.end(), name);
  if (at == kMethodNames.end()) return std::nullopt;
  return static_cast<RecomputeMethod>(at - kMethodNames.begin());
}

ChosenTokens highest_tokens(std::span<const std::vector<float>> scores, double share) {
  struct Token {
    float score;
    std::size_t chunk;
    std::int32_t index;
  };
  std::vector<Token> tokens;
  for (std::size_t c = 0; c < scores.size(); ++c) {
    for (std::size_t i = 0; i < scores[c].size(); ++i) {
      tokens.push_back({scores[c][i], c, static_cast<std::int32_t>(i)});
    }
  }
  const auto n = static_cast<double>(tokens.size());
  const auto k = static_cast<std::ptrdiff_t>(std::clamp(std::ceil(share * n), 0.0, n));
  std::stable_sort(tokens.begin(), tokens.end(),
                   [](const Token& a, const Token& b) { return a.score > b.score; });
  ChosenTokens chosen(scores.size());
  for (auto token = tokens.begin(); token != tokens.begin() + k; ++token) {
    chosen[token->chunk].push_back(token->index);
  }
  for (auto& list : chosen) std::sort(list.begin(), list.end());
  return chosen;
}

ContextPlan::Forward with_recomputed(const ContextPlan& plan, ContextPlan::Forward forward,
                                     std::span<const PlannedChunk> chunks,
                                     const ChosenTokens& chosen) {
  for (const ContextPlan::Load& load : plan.loads) {
    const auto ids = chunks[load.chunk].token_ids;
    const auto n_header = static_cast<std::int32_t>(load.positions.size() - ids.size());
    for (const std::int32_t i : chosen[load.chunk]) {
      forward.token_ids.push_back(ids[static_cast<std::size_t>(i)]);
      forward.rows.push_back(static_cast<std::int32_t>(load.first_row) + n_header + i);
      forward.positions.push_back(load.positions[static_cast<std::size_t>(n_header + i)]);
      forward.before.push_back(1);
    }
  }
  // Rows stand in reading order.
  std::vector<std::size_t> order(forward.rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return forward.rows[a] < forward.rows[b]; });
  ContextPlan::Forward sorted;
  for (const std::size_t i : order) {
    sorted.token_ids.push_back(forward.token_ids[i]);
    sorted.rows.push_back(forward.rows[i]);
    sorted.positions.push_back(forward.positions[i]);
    sorted.before.push_back(forward.before[i]);
  }
  return sorted;
}

std::vector<float> PlanRun::run(const ContextPlan::Forward& forward, ForwardBatch batch) {
  const std::int64_t dim = decoder_.model().config.model_dim;
  std::vector<std::int32_t> rows(forward.rows);
  for (std::int32_t& row : rows) row += static_cast<std::int32_t>(first_row_);
  // Behind every chunk stand all link tokens, so soft tokens repeat them in turn.
  const auto n_soft = std::count(forward.token_ids.begin(), forward.token_ids.end(), -1);
  std::vector<float> soft;
  soft.reserve(static_cast<std::size_t>(n_soft * dim));
  while (!link_.empty() && std::ssize(soft) < n_soft * dim) {
    soft.insert(soft.end(), link_.begin(), link_.end());
  }
  batch.token_ids = forward.token_ids;
  batch.rows = rows;
  if (base_before_) batch.base_rows = forward.before;
  batch.embeddings = View<const float>(soft.data(), std::ssize(soft) / dim, dim);
  return decoder_.forward(batch, cache_, between_layers_);
}

std::vector<float> PlanRun::logits_of(const ContextPlan::Forward& forward) {
  if (plan_.row_biases.empty()) return last_logits_of(forward);
  // What is read here of the passages is read as if none were likelier than another.
  const std::int64_t n = std::ssize(forward.rows);
  const std::int64_t n_read = plan_.n_document_tokens_prefilled > 0 ? n - plan_.n_question : 0;
  if (n_read > 0) run(part(forward, 0, n_read), {});
  cache_.weigh_rows(first_row_, plan_.row_biases);
  return last_logits_of(part(forward, n_read, n));
}

std::vector<float> PlanRun::last_logits_of(const ContextPlan::Forward& forward) {
  const auto last = static_cast<std::int32_t>(forward.rows.size() - 1);
  ForwardBatch batch;
  batch.logit_rows = std::span(&last, 1);
  return run(forward, batch);
}

ContextPlan::Forward PlanRun::choose() {
  n_document_tokens_ = plan_.n_document_tokens_prefilled;
  if (!plan_.selection || plan_.loads.empty()) return plan_.forward;
  const bool by_query = plan_.selection->method == RecomputeMethod::kQuery;
  const auto scores = by_query ? attention_of_question() : deviations();
  const ChosenTokens chosen = highest_tokens(scores, plan_.selection->share);
  for (const auto& list : chosen) n_document_tokens_ += std::ssize(list);
  // Nothing stands between the lead and what it saw: where it was forwarded whole, it is done.
  const std::int64_t from = by_query ? plan_.n_lead : 0;
  return with_recomputed(plan_, part(plan_.forward, from, std::ssize(plan_.forward.rows)), chunks_,
                         chosen);
}

/// How far the values of the compared layer move when a chunk sees what stands before it: squared
/// distances, token by token.
std::vector<std::vector<float>> PlanRun::deviations() {
  const ModelConfig& config = decoder_.model().config;
  const std::int64_t n_before = std::ssize(plan_.forward.rows) - plan_.n_question;
  const auto pass =
      with_recomputed(plan_, part(plan_.forward, 0, n_before), chunks_, all_tokens(chunks_));
  n_selection_tokens_ = std::ssize(pass.rows);
  const std::int64_t dim = config.kv_dim();
  std::vector<float> values(static_cast<std::size_t>(n_selection_tokens_ * dim));
  ForwardBatch batch;
  batch.values = View<float>(values.data(), n_selection_tokens_, dim);
  batch.values_layer = compared_layer(config);
  run(pass, batch);

  std::vector<std::vector<float>> scores(chunks_.size());
  for (const ContextPlan::Load& load : plan_.loads) {
    const KvBlock& block = *chunks_[load.chunk].block;
    std::vector<float> cached(static_cast<std::size_t>(block.n_tokens() * dim));
    kernels::kv_dequantize(block, batch.values_layer, Plane::kValues,
                           View<float>(cached.data(), block.n_tokens(), dim));
    const std::int64_t n_tokens = std::ssize(chunks_[load.chunk].token_ids);
    const std::int64_t n_header = block.n_tokens() - n_tokens;
    // The chunk's tokens lie together in the pass, because all of them are in it.
    const auto first = std::lower_bound(pass.rows.begin(), pass.rows.end(),
                                        static_cast<std::int32_t>(load.first_row + n_header));
    const float* fresh = values.data() + (first - pass.rows.begin()) * dim;
    const float* old = cached.data() + n_header * dim;
    for (std::int64_t i = 0; i < n_tokens; ++i, fresh += dim, old += dim) {
      float distance = 0.0F;
      for (std::int64_t d = 0; d < dim; ++d) distance += (fresh[d] - old[d]) * (fresh[d] - old[d]);
      scores[load.chunk].push_back(distance);
    }
  }
  return scores;
}

/// The attention of the question's tokens on every chunk token, over all heads and layers.
std::vector<std::vector<float>> PlanRun::attention_of_question() {
  n_selection_tokens_ = std::ssize(plan_.forward.rows);
  std::vector<float> mass(static_cast<std::size_t>(cache_.n_rows()));
  ForwardBatch batch;
  batch.attention_mass = mass;
  batch.mass_from = n_selection_tokens_ - plan_.n_question;
  run(plan_.forward, batch);
  std::vector<std::vector<float>> scores(chunks_.size());
  for (const ContextPlan::Load& load : plan_.loads) {
    const std::int64_t n_tokens = std::ssize(chunks_[load.chunk].token_ids);
    const std::int64_t end = first_row_ + load.first_row + std::ssize(load.positions);
    scores[load.chunk].assign(mass.begin() + (end - n_tokens), mass.begin() + end);
  }
  return scores;
}

}  // namespace kvlink::inference
