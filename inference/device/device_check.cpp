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
/// The same of what the device computes in two ways, which differ by the rounding of a block.
constexpr double kAllowedReuse = 0.1;
constexpr std::size_t kLead = 8;
constexpr std::int64_t kChunk = 600;  // keys of a long context are split over blocks
constexpr std::int64_t kQuestion = 12;

std::vector<std::int32_t> some_ids(std::int64_t n, const ModelConfig& config) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < n; ++i) {
    ids.push_back(static_cast<std::int32_t>(i * 7919 % config.vocab_size));
  }
  return ids;
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

/// Forwards ids[from, end) at positions that equal their rows; the last one's logits, if wanted.
std::vector<float> read(const Decoder& decoder, KvCache& cache, std::span<const std::int32_t> ids,
                        std::size_t from, std::size_t end, bool wants_logits,
                        KvBlock* capture = nullptr) {
  std::vector<std::int32_t> rows(end - from);
  std::iota(rows.begin(), rows.end(), static_cast<std::int32_t>(from));
  if (cache.n_rows() < static_cast<std::int64_t>(end)) cache.append_rows(rows);
  const auto last = static_cast<std::int32_t>(end - from) - 1;
  ForwardBatch batch;
  batch.token_ids = ids.subspan(from, end - from);
  batch.rows = rows;
  if (wants_logits) batch.logit_rows = std::span(&last, 1);
  batch.capture = capture;
  return decoder.forward(batch, cache);
}

/// Logits after all tokens but one, and after that one.
std::vector<float> logits_of(const Decoder& decoder, KvCache& cache,
                             std::span<const std::int32_t> ids) {
  auto all = read(decoder, cache, ids, 0, ids.size() - 1, true);
  const auto after = read(decoder, cache, ids, ids.size() - 1, ids.size(), true);
  all.insert(all.end(), after.begin(), after.end());
  return all;
}

void expect_at_most(double difference, double allowed, const DeviceDecoder& device,
                    const char* what) {
  if (difference <= allowed) return;
  char words[64];
  std::snprintf(words, sizeof(words), "%.2f of their spread", difference);
  fail(ErrorCode::kDevice, device.device_name() + " does not compute " + what +
                               " (logits differ by " + words + "); please report it");
}

/// A passage that is encoded, kept as a block and loaded where it was encoded gives what reading
/// everything gives: longer than what the CPU could read in a moment, and on the device alone.
void expect_reuse(const ModelConfig& config, const Decoder& decoder, DeviceDecoder& device) {
  const std::int64_t n_chunk = std::min<std::int64_t>(
      {kChunk, device.tile_rows(),
       std::int64_t{config.context_length} - std::int64_t{kLead} - kQuestion});
  if (n_chunk < 1) return;
  const std::size_t behind = kLead + static_cast<std::size_t>(n_chunk);
  const auto ids = some_ids(static_cast<std::int64_t>(behind) + kQuestion, config);
  const auto n = std::ssize(ids);
  const auto expected = [&] {
    KvCache whole(config, n, device.new_kv(n));
    return read(decoder, whole, ids, 0, ids.size(), true);
  }();
  KvBlock block({.n_layers = config.n_layers,
                 .n_kv_heads = config.n_kv_heads,
                 .head_dim = config.head_dim,
                 .dtype = DType::kF16},
                {ids.begin() + kLead, ids.begin() + static_cast<std::ptrdiff_t>(behind)});
  KvCache reused(config, n, device.new_kv(n));
  read(decoder, reused, ids, 0, kLead, false);
  read(decoder, reused, ids, kLead, behind, false, &block);
  // Another context, so that what was encoded is not there already.
  KvCache loaded(config, n, device.new_kv(n));
  std::vector<std::int32_t> positions(ids.size());
  std::iota(positions.begin(), positions.end(), 0);
  loaded.append_rows(positions);
  read(decoder, loaded, ids, 0, kLead, false);
  const KvLoad load{&block, nullptr, kLead,
                    std::span(positions).subspan(kLead, static_cast<std::size_t>(n_chunk))};
  loaded.device()->load(std::span(&load, 1), loaded, {});
  const auto found = read(decoder, loaded, ids, behind, ids.size(), true);
  expect_at_most(relative_difference(expected, found), kAllowedReuse, device,
                 "from stored blocks what it computes without them");
}

}  // namespace

void expect_agreement(const ModelConfig& config, const Decoder& cpu, DeviceDecoder& device) {
  const std::int64_t n = std::min<std::int64_t>(kTokens, config.context_length - 1) + 1;
  if (n < 2) return;
  const auto ids = some_ids(n, config);
  {
    KvCache here(config, n, DType::kF16);
    KvCache there(config, n, device.new_kv(n));
    const auto expected = logits_of(cpu, here, ids);
    expect_at_most(relative_difference(expected, logits_of(cpu, there, ids)), kAllowed, device,
                   "what the processor does");
  }
  const auto reuse = returning([&] { expect_reuse(config, cpu, device); });
  // A device that has hardly room for the model has none for two contexts more.
  if (!reuse && reuse.error().code != ErrorCode::kOutOfMemory) throw Exception(reuse.error());
}

}  // namespace kvlink::inference
