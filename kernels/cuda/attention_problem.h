// SPDX-License-Identifier: Apache-2.0
// What the kernels of attention share. The queries of all heads that share a KV head are rows of
// one matrix: row r is query r / group of head r % group.
#pragma once

#include <cmath>

#include "kernels/cuda/context.h"
#include "kernels/cuda/simt.h"

namespace kvlink::cuda {

inline constexpr float kNegativeInfinity = -INFINITY;
inline constexpr int kMostSplits = 64;
inline constexpr float kLog2E = 1.44269504F;
/// Floats behind the sums of a row of partial results: its largest score, its total, and two that
/// keep rows at multiples of 16 bytes.
inline constexpr int kPartialTail = 4;

struct Problem {
  AttentionCall call;
  std::int64_t group, n_rows;  ///< rows of one KV head
  std::int64_t n_splits;
  float scale;      ///< 1 / sqrt(head_dim) * log2(e): softmax is computed in powers of two
  float* partials;  ///< [n_splits, n_kv_heads, n_rows, padded + kPartialTail]; null: one split
};

/// Head sizes that there are kernels for; what lies between is filled up with zeros.
inline int padded_dim(std::int64_t head_dim) {
  return head_dim <= 64 ? 64 : (head_dim <= 128 ? 128 : 256);
}

inline float softmax_scale(std::int64_t head_dim) {
  return kLog2E / std::sqrt(static_cast<float>(head_dim));
}

/// Whether a key at `position` counts for a query; hidden rows have negative positions.
KVLINK_DEVICE bool is_visible(std::int32_t position, std::int32_t query) {
  return position >= 0 && position <= query;
}

/// Element e of a row of an arena plane.
KVLINK_DEVICE float arena_value(const void* plane, const float* scales, const Arena& arena,
                                std::int64_t row, std::int64_t e) {
  if (arena.dtype != DType::kQ8Kv) return load_one(plane, arena.dtype, row * arena.head_dim + e);
  return static_cast<float>(static_cast<const std::int8_t*>(plane)[row * arena.head_dim + e]) *
         scales[row];
}

/// The splits' results by their shares, into y.
void merge_splits(Context& context, const Problem& problem);

}  // namespace kvlink::cuda
