// SPDX-License-Identifier: Apache-2.0
#include "inference/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/base/result.h"
#include "kernels/logits.h"

namespace kvlink::inference {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

void check_logits(std::span<const float> logits) {
  KVLINK_CHECK(!logits.empty());
  bool any_allowed = false;
  for (const float v : logits) {
    if (std::isnan(v) || v == -kForbidden) {
      fail(ErrorCode::kCorrupt,
           "the model produced a value that is not a number; its file is damaged or its weights "
           "overflow, try another model file");
    }
    any_allowed = any_allowed || v != kForbidden;
  }
  if (!any_allowed) fail(ErrorCode::kCorrupt, "the model forbids every token; try another file");
}

/// Every id of an answer once, ascending.
std::vector<std::int32_t> seen_in(std::span<const std::int32_t> answer) {
  std::vector<std::int32_t> seen(answer.begin(), answer.end());
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  return seen;
}

bool penalises(const SamplerOptions& options) {
  return options.repetition_penalty > 0.0F && options.repetition_penalty != 1.0F;
}

/// 53 random bits make a double in [0, 1); std distributions differ between standard libraries.
double uniform_of(std::uint64_t random) { return static_cast<double>(random >> 11) * 0x1.0p-53; }

void penalise(std::vector<float>& logits, std::span<const std::int32_t> answer, float penalty) {
  for (const std::int32_t id : seen_in(answer)) {
    if (id < 0 || static_cast<std::size_t>(id) >= logits.size()) continue;
    float& v = logits[static_cast<std::size_t>(id)];
    v = v > 0.0F ? v / penalty : v * penalty;
  }
}

/// The `n` best ids, best first; the lower id first among equals.
std::vector<std::int32_t> best_ids(std::span<const float> logits, std::size_t n) {
  std::vector<std::int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto better = [&](std::int32_t a, std::int32_t b) {
    const float x = logits[static_cast<std::size_t>(a)];
    const float y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  };
  const auto middle = ids.begin() + static_cast<std::ptrdiff_t>(n);
  std::partial_sort(ids.begin(), middle, ids.end(), better);
  ids.erase(middle, ids.end());
  return ids;
}

/// Index drawn from descending weights: the shortest list of first ones whose share reaches
/// `top_p` (the first always stays), then in proportion. `uniform` in [0, 1).
std::size_t draw(std::span<const double> weights, double top_p, double uniform) {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::size_t n_kept = 0;
  double kept = 0.0;
  do {
    kept += weights[n_kept++];
  } while (n_kept < weights.size() && kept < top_p * total);
  double remaining = uniform * kept;
  for (std::size_t i = 0; i < n_kept; ++i) {
    remaining -= weights[i];
    if (remaining < 0.0) return i;
  }
  return n_kept - 1;
}

}  // namespace

std::int32_t Sampler::next(std::span<const float> logits, std::span<const std::int32_t> answer) {
  check_logits(logits);
  std::vector<float> scores(logits.begin(), logits.end());
  if (penalises(options_)) penalise(scores, answer, options_.repetition_penalty);
  if (!(options_.temperature > 0.0F)) return kernels::argmax(scores);

  const std::size_t limit = options_.top_k > 0 ? static_cast<std::size_t>(options_.top_k)
                                               : std::numeric_limits<std::size_t>::max();
  const auto ids = best_ids(scores, std::min(limit, scores.size()));
  const auto score = [&](std::int32_t id) {
    return static_cast<double>(scores[static_cast<std::size_t>(id)]);
  };
  std::vector<double> weights;
  weights.reserve(ids.size());
  for (const std::int32_t id : ids) {
    weights.push_back(
        std::exp((score(id) - score(ids[0])) / static_cast<double>(options_.temperature)));
  }
  return ids[draw(weights, static_cast<double>(options_.top_p), uniform_of(random_()))];
}

TokenDraw Sampler::plan(std::span<const std::int32_t> answer) const {
  std::mt19937_64 random = random_;
  TokenDraw planned{.uniform = uniform_of(random()),
                    .temperature = options_.temperature,
                    .top_k = options_.top_k,
                    .top_p = options_.top_p,
                    .penalty = options_.repetition_penalty};
  if (penalises(options_)) planned.seen = seen_in(answer);
  return planned;
}

void Sampler::advance() {
  if (options_.temperature > 0.0F) random_();
}

}  // namespace kvlink::inference
