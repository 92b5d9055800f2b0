// SPDX-License-Identifier: Apache-2.0
// Reading token sequences with a decoder, and comparing what comes out.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "inference/decoder.h"
#include "kernels/logits.h"

namespace kvlink::tests {

enum class Logits { kNone, kLast, kAll };

/// Forwards `ids` behind what the cache holds, at positions equal to their rows.
inline std::vector<float> read_tokens(const inference::Decoder& decoder, inference::KvCache& cache,
                                      std::span<const std::int32_t> ids, Logits logits) {
  std::vector<std::int32_t> rows(ids.size());
  std::iota(rows.begin(), rows.end(), static_cast<std::int32_t>(cache.n_rows()));
  cache.append_rows(rows);
  std::vector<std::int32_t> wanted;
  if (logits == Logits::kLast) wanted = {static_cast<std::int32_t>(ids.size()) - 1};
  if (logits == Logits::kAll) {
    wanted.resize(ids.size());
    std::iota(wanted.begin(), wanted.end(), 0);
  }
  inference::ForwardBatch batch;
  batch.token_ids = ids;
  batch.rows = rows;
  batch.logit_rows = wanted;
  return decoder.forward(batch, cache);
}

/// Greedy continuation of n tokens from the logits after what the cache holds.
inline std::vector<std::int32_t> greedy_tokens(const inference::Decoder& decoder,
                                               inference::KvCache& cache, std::vector<float> logits,
                                               std::size_t n) {
  std::vector<std::int32_t> tokens;
  while (tokens.size() < n) {
    tokens.push_back(kernels::argmax(logits));
    if (tokens.size() < n) {
      logits = read_tokens(decoder, cache, std::span(&tokens.back(), 1), Logits::kLast);
    }
  }
  return tokens;
}

/// Largest difference; infinity when a value is NaN or the sizes differ.
inline float max_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return std::numeric_limits<float>::infinity();
  float worst = 0.0F;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const float d = std::abs(a[i] - b[i]);
    if (std::isnan(d)) return std::numeric_limits<float>::infinity();
    worst = std::max(worst, d);
  }
  return worst;
}

/// Distance between the two largest logits: how sure an argmax is.
inline float top_margin(std::span<const float> logits) {
  std::vector<float> v(logits.begin(), logits.end());
  std::partial_sort(v.begin(), v.begin() + 2, v.end(), std::greater<>());
  return v[0] - v[1];
}

/// This CPU's instruction sets, narrowest first.
inline std::vector<kernels::Isa> available_isas() {
  std::vector<kernels::Isa> isas;
  for (auto isa : {kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx2Vnni,
                   kernels::Isa::kAvx512, kernels::Isa::kAvx512Vnni, kernels::Isa::kAmxInt8}) {
    if (isa == kernels::detect_isa(isa)) isas.push_back(isa);
  }
  return isas;
}

}  // namespace kvlink::tests
