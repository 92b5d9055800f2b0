// SPDX-License-Identifier: Apache-2.0
// Attention of one query tile over a range of keys, with online softmax (Dao 2022, algorithm 1).
// Included once per instruction set, inside its namespace.
#pragma once

#include "kernels/cpu/simd/attention_few.h"
#include "kernels/cpu/simd/gemm.h"
#include "kernels/cpu/simd/key_tile.h"
#include "kernels/cpu/simd/rows.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

/// sums [n_rows, padded head_dim], then row_max [n_rows], then row_sum [n_rows].
std::int64_t attention_partial_floats(std::int64_t n_rows, std::int64_t head_dim) {
  return partial_floats(n_rows, head_dim);
}

/// q, keys transposed, values, scores.
std::int64_t attention_scratch_floats(std::int64_t n_rows, std::int64_t head_dim) {
  return n_rows * padded(head_dim) + 2 * kKeyTile * padded(head_dim) + n_rows * kKeyTile;
}

/// A row of the arena to f32, without its scale.
template <DType kType>
inline void read_row(const std::byte* row, std::int64_t n, float* y) {
  if constexpr (kType == DType::kQ8Kv) {
    load_q8_row(reinterpret_cast<const std::int8_t*>(row), nullptr, 1.0F, n, y);
  } else {
    dequantize_row<kType>(row, n, y);
  }
}

/// kKeyTile keys as [head_dim, kKeyTile] and values as [kKeyTile, padded]; hidden rows become zero,
/// so that whatever they hold cannot reach a sum.
template <DType kType>
void load_key_tile(const AttentionCall& call, std::int64_t key, const KeyTile& tile, float* keys,
                   float* values, float* staging) {
  const std::int64_t dim = call.head_dim;
  const std::int64_t width = padded(dim);
  const std::int64_t bytes = call.kv_stride * kElementBytes<kType>;
  for (std::int64_t i = 0; i < kKeyTile; ++i) {
    float* k = staging + i % kWidth * width;
    float* v = values + i * width;
    const std::byte* key_row = call.keys + (key + i) * bytes;
    const std::byte* value_row = call.values + (key + i) * bytes;
    if (tile.positions[i] == kHiddenPosition) {
      for (std::int64_t e = 0; e < width; e += kWidth) store(k + e, zero());
      for (std::int64_t e = 0; e < width; e += kWidth) store(v + e, zero());
    } else {
      // Arithmetic on this tile takes long enough to hide the way of the next one from memory.
      const std::int64_t ahead = key + i + kKeyTile < call.key_end ? kKeyTile * bytes : 0;
      for (std::int64_t line = 0; line < bytes && line < kMostPrefetched; line += 64) {
        __builtin_prefetch(key_row + ahead + line, 0, 2);
        __builtin_prefetch(value_row + ahead + line, 0, 2);
      }
      read_row<kType>(key_row, dim, k);
      read_row<kType>(value_row, dim, v);
      for (std::int64_t e = dim; e < width; ++e) k[e] = v[e] = 0.0F;
    }
    if (i % kWidth != kWidth - 1) continue;
    for (std::int64_t e = 0; e < width; e += kWidth) {
      transpose(staging + e, width, keys + e * kKeyTile + i + 1 - kWidth, kKeyTile);
    }
  }
}

/// Turns a row of scores into weights, times the values' scales; returns the factor for what was
/// summed before.
inline float soften_row(float* scores, const KeyTile& tile, std::int32_t limit, bool all_seen,
                        float* row_max, float* row_sum) {
  Vec highest = set1(*row_max);
  for (std::int64_t i = 0; i < kKeyTile; i += kWidth) {
    Vec s = load(scores + i);
    if (tile.is_scaled) s = mul(s, load(tile.key_scales + i));
    if (tile.is_biased) s = add(s, load(tile.biases + i));
    if (!all_seen) s = hide(s, tile.positions + i, limit);
    if (tile.is_scaled || tile.is_biased || !all_seen) store(scores + i, s);
    highest = max(highest, s);
  }
  const float new_max = reduce_max(highest);
  // Nothing seen yet: every exponential below is of minus infinity, and gives 0.
  const float shift = new_max == -__builtin_inff() ? 0.0F : new_max;
  Vec sum = zero();
  for (std::int64_t i = 0; i < kKeyTile; i += kWidth) {
    const Vec p = exp(sub(load(scores + i), set1(shift)));
    store(scores + i, tile.is_scaled ? mul(p, load(tile.value_scales + i)) : p);
    sum = add(sum, p);
  }
  alignas(64) float factor[kWidth];
  store(factor, exp(set1(*row_max - shift)));
  *row_sum = *row_sum * factor[0] + reduce_add(sum);
  *row_max = new_max;
  return factor[0];
}

inline void read_queries(const AttentionCall& call, std::int64_t width, float* q) {
  const Vec scale = set1(1.0F / __builtin_sqrtf(static_cast<float>(call.head_dim)));
  for (std::int64_t r = 0; r < call.n_queries * call.group; ++r) {
    const float* source = call.q + r / call.group * call.q_stride + r % call.group * call.head_dim;
    for (std::int64_t e = 0; e < width; e += kWidth) {
      const std::int64_t left = part(call.head_dim, e);
      const Vec v = left > 0 ? mul(load_partial(source + e, left), scale) : zero();
      store(q + r * width + e, v);
    }
    if (call.dtype == DType::kQ8Kv) mix(q + r * width, call.head_dim);
  }
}

inline void soften_scores(const AttentionCall& call, const KeyTile& tile, float* scores,
                          float* partial) {
  const std::int64_t n_rows = call.n_queries * call.group;
  const std::int64_t width = padded(call.head_dim);
  float* row_max = partial + n_rows * width;
  float* row_sum = row_max + n_rows;
  for (std::int64_t r = 0; r < n_rows; ++r) {
    const std::int32_t limit =
        call.query_positions != nullptr ? call.query_positions[r / call.group] : 0;
    const float factor = soften_row(scores + r * kKeyTile, tile, limit, tile.highest <= limit,
                                    row_max + r, row_sum + r);
    if (factor == 1.0F) continue;
    float* sums = partial + r * width;
    for (std::int64_t e = 0; e < width; e += kWidth) {
      store(sums + e, mul(load(sums + e), set1(factor)));
    }
  }
}

template <DType kType>
void attention_few(const AttentionCall& call) {
  const std::int64_t n_rows = call.n_queries * call.group;
  float* q = call.scratch;
  float* scores = q + n_rows * call.head_dim;
  read_queries(call, call.head_dim, q);
  clear_partial(call.partial, n_rows, call.head_dim);
  const std::int32_t last_query = last_position(call);
  for (std::int64_t key = call.key_begin; key < call.key_end; key += kKeyTile) {
    KeyTile tile;
    read_tile(call, key, tile);
    if (tile.lowest > last_query) continue;
    few_rows<kType, kMostFewRows>(FewStep::kScores, call, key, tile, n_rows, q, scores,
                                  call.partial);
    soften_scores(call, tile, scores, call.partial);
    few_rows<kType, kMostFewRows>(FewStep::kValues, call, key, tile, n_rows, q, scores,
                                  call.partial);
  }
}

using LoadKeyTile = void (*)(const AttentionCall& call, std::int64_t key, const KeyTile& tile,
                             float* keys, float* values, float* staging);

inline void attention_many(const AttentionCall& call, LoadKeyTile load_tile) {
  const std::int64_t n_rows = call.n_queries * call.group;
  const std::int64_t width = padded(call.head_dim);
  float* q = call.scratch;
  float* keys = q + n_rows * width;
  float* values = keys + kKeyTile * width;
  float* scores = values + kKeyTile * width;
  alignas(64) float staging[kWidth * 256];
  read_queries(call, width, q);
  clear_partial(call.partial, n_rows, width);
  const std::int32_t last_query = last_position(call);
  for (std::int64_t key = call.key_begin; key < call.key_end; key += kKeyTile) {
    KeyTile tile;
    read_tile(call, key, tile);
    if (tile.lowest > last_query) continue;
    load_tile(call, key, tile, keys, values, staging);
    gemm({n_rows, kKeyTile, call.head_dim, q, width, keys, kKeyTile, scores, kKeyTile, false});
    soften_scores(call, tile, scores, call.partial);
    gemm({n_rows, width, kKeyTile, scores, kKeyTile, values, width, call.partial, width, true});
  }
}

template <DType kType>
void attention_of(const AttentionCall& call) {
  if (is_for_few(call)) return attention_few<kType>(call);
  attention_many(call, load_key_tile<kType>);
}

void attention(const AttentionCall& call) {
  switch (call.dtype) {
    case DType::kF16:
      return attention_of<DType::kF16>(call);
    case DType::kBF16:
      return attention_of<DType::kBF16>(call);
    case DType::kQ8Kv:
      return attention_of<DType::kQ8Kv>(call);
    default:
      return attention_of<DType::kF32>(call);
  }
}

void attention_merge(const AttentionMergeCall& call) {
  const std::int64_t n_rows = call.n_queries * call.group;
  const std::int64_t width = padded(call.head_dim);
  const std::int64_t step = attention_partial_floats(n_rows, call.head_dim);
  for (std::int64_t r = 0; r < n_rows; ++r) {
    const float* row_max = call.partials + n_rows * width + r;
    float highest = -__builtin_inff();
    for (std::int64_t s = 0; s < call.n_splits; ++s) {
      highest = row_max[s * step] > highest ? row_max[s * step] : highest;
    }
    float total = 0.0F;
    Vec sums[256 / kWidth];
    for (std::int64_t e = 0; e < width; e += kWidth) sums[e / kWidth] = zero();
    for (std::int64_t s = 0; s < call.n_splits; ++s) {
      const Vec weight = exp(set1(row_max[s * step] - highest));
      alignas(64) float first_weight[kWidth];
      store(first_weight, weight);
      total += first_weight[0] * row_max[s * step + n_rows];
      const float* partial = call.partials + s * step + r * width;
      for (std::int64_t e = 0; e < width; e += kWidth) {
        sums[e / kWidth] = fma(load(partial + e), weight, sums[e / kWidth]);
      }
    }
    float* y = call.y + r / call.group * call.y_stride + r % call.group * call.head_dim;
    const Vec inverse = set1(1.0F / total);
    for (std::int64_t e = 0; e < call.head_dim; e += kWidth) {
      store_partial(y + e, mul(sums[e / kWidth], inverse), part(call.head_dim, e));
    }
  }
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
