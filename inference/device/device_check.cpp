// SPDX-License-Identifier: Apache-2.0
#include "inference/device/device_check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

/// More than the few rows that have products of their own, so that both kinds are met.
constexpr std::int32_t kTokens = 24;
/// Of the spread of the logits. int8 activations and 16-bit products stay below a tenth; wrong
/// results are about one and a half.
constexpr double kAllowed = 0.3;

/// Logits after the tokens, and after one more.
std::vector<float> logits_of(const Decoder& decoder, KvCache& cache,
                             std::span<const std::int32_t> ids) {
  std::vector<float> all;
  for (const std::size_t n : {ids.size() - 1, std::size_t{1}}) {
    const auto first = static_cast<std::int32_t>(cache.n_rows());
    std::vector<std::int32_t> rows(n);
    std::iota(rows.begin(), rows.end(), first);
    cache.append_rows(rows);
    const auto last = static_cast<std::int32_t>(n) - 1;
    ForwardBatch batch;
    batch.token_ids = ids.subspan(static_cast<std::size_t>(first), n);
    batch.rows = rows;
    batch.logit_rows = std::span(&last, 1);
    const auto logits = decoder.forward(batch, cache);
    all.insert(all.end(), logits.begin(), logits.end());
  }
  return all;
}

/// Root of the mean square of the difference, over the standard deviation of `expected`.
double relative_difference(std::span<const float> expected, std::span<const float> found) {
  const auto n = static_cast<double>(expected.size());
  const double mean = std::accumulate(expected.begin(), expected.end(), 0.0) / n;
  double spread = 0.0;
  double difference = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    spread += (expected[i] - mean) * (expected[i] - mean);
    const double d = double{expected[i]} - double{found[i]};
    difference += d * d;
  }
  return std::sqrt(difference / std::max(spread, 1e-12));
}

}  // namespace

void expect_agreement(const ModelConfig& config, const Decoder& cpu, DeviceDecoder& device) {
  const std::int32_t n = std::min(kTokens, config.context_length - 1) + 1;
  if (n < 2) return;
  std::vector<std::int32_t> ids;
  for (std::int32_t i = 0; i < n; ++i) {
    ids.push_back(static_cast<std::int32_t>(std::int64_t{i} * 7919 % config.vocab_size));
  }
  KvCache here(config, n, DType::kF16);
  KvCache there(config, n, device.new_kv(n));
  const auto expected = logits_of(cpu, here, ids);
  const double difference = relative_difference(expected, logits_of(cpu, there, ids));
  if (difference <= kAllowed) return;
  char words[64];
  std::snprintf(words, sizeof(words), "%.2f of their spread", difference);
  fail(ErrorCode::kDevice, std::string(device.backend().device().name) +
                               " does not compute what the processor does (logits differ by " +
                               words + "); please report it");
}

}  // namespace kvlink::inference
