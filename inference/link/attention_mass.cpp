// SPDX-License-Identifier: Apache-2.0
#include "inference/link/attention_mass.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/base/result.h"
#include "kernels/kv.h"
#include "kernels/matmul.h"

namespace kvlink::inference {
namespace {

/// e^x for x <= 0, to about 1e-5 of its value: plain arithmetic that compilers vectorise, because
/// one question asks for it millions of times and only ranks keys by the sums.
inline float exp_of_negative(float x) {
  const float t = std::max(x, -80.0F) * 1.442695041F;
  const auto whole = static_cast<std::int32_t>(t - 0.5F);  // towards zero: rounds down from x <= 0
  const float f = t - static_cast<float>(whole);
  const float p =
      1.0F + f * (0.69314718F + f * (0.24022651F + f * (0.05550411F + f * 0.00961813F)));
  return p * std::bit_cast<float>((whole + 127) << 23);
}

/// Turns one query's scores into its attention weights and adds them to `mass`.
void add_softmax(std::span<float> scores, float scale, std::span<const std::int32_t> key_positions,
                 std::int32_t query_position, std::span<float> mass) {
  constexpr float kHidden = -std::numeric_limits<float>::infinity();
  float highest = kHidden;
  for (std::size_t k = 0; k < scores.size(); ++k) {
    const bool visible = key_positions[k] >= 0 && key_positions[k] <= query_position;
    scores[k] = visible ? scores[k] * scale : kHidden;
    highest = std::max(highest, scores[k]);
  }
  if (highest == kHidden) return;
  double sum = 0.0;
  for (float& score : scores) {
    score = score == kHidden ? 0.0F : exp_of_negative(score - highest);
    sum += static_cast<double>(score);
  }
  const auto share = static_cast<float>(1.0 / sum);
  for (std::size_t k = 0; k < scores.size(); ++k) mass[k] += scores[k] * share;
}

/// One head's keys lie together: a matrix like any weight. Those of a kQ8Kv arena, which no product
/// reads, are brought into `floats` first.
WeightView keys_of_head(kernels::CpuBackend& backend, const KvArenaView& arena, std::int64_t head,
                        std::int64_t n_keys, std::vector<float>& floats) {
  const std::int64_t dim = arena.head_dim;
  if (arena.dtype != DType::kQ8Kv) {
    return {arena.keys + head * row_bytes(arena.dtype, arena.capacity * dim), arena.dtype, n_keys,
            dim};
  }
  floats.resize(static_cast<std::size_t>(n_keys * dim));
  kernels::kv_read_keys(backend, arena, head, View<float>(floats.data(), n_keys, dim));
  return {reinterpret_cast<const std::byte*>(floats.data()), DType::kF32, n_keys, dim};
}

}  // namespace

void add_attention_mass(kernels::CpuBackend& backend, View<const float> q, KvArenaView arena,
                        std::span<const std::int32_t> key_positions,
                        std::span<const std::int32_t> query_positions, std::span<float> mass) {
  const auto n_keys = static_cast<std::int64_t>(key_positions.size());
  KVLINK_CHECK(mass.size() >= key_positions.size() && n_keys <= arena.capacity);
  KVLINK_CHECK(q.rows == static_cast<std::int64_t>(query_positions.size()));
  const std::int64_t n_heads = q.cols / arena.head_dim;
  const float scale = 1.0F / std::sqrt(static_cast<float>(arena.head_dim));
  std::vector<float> scores(static_cast<std::size_t>(q.rows * n_keys));
  std::vector<float> floats;
  for (std::int64_t head = 0; head < n_heads; ++head) {
    const std::int64_t kv_head = head / (n_heads / arena.n_kv_heads);
    const WeightView keys = keys_of_head(backend, arena, kv_head, n_keys, floats);
    const View<const float> queries(q.data + head * arena.head_dim, q.rows, arena.head_dim,
                                    q.row_stride);
    kernels::matmul(backend, queries, keys, View<float>(scores.data(), q.rows, n_keys));
    for (std::int64_t row = 0; row < q.rows; ++row) {
      add_softmax(std::span(scores).subspan(static_cast<std::size_t>(row * n_keys),
                                            static_cast<std::size_t>(n_keys)),
                  scale, key_positions, query_positions[static_cast<std::size_t>(row)], mass);
    }
  }
}

}  // namespace kvlink::inference
