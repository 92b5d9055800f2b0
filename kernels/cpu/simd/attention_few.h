// SPDX-License-Identifier: Apache-2.0
// Attention of a few rows (decode: the heads of a group), where rearranging the keys would cost
// more than multiplying them: keys and values are read once, in order, products and sums in f32.
// Included once per instruction set, inside its namespace.
#pragma once

#include "kernels/cpu/simd/key_tile.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

constexpr std::int64_t kValueVecs = 4;  ///< of a value row at a time
#if KVLINK_ISA_LEVEL == 2
constexpr int kMostFewRows = 4;  ///< rows at a time: their sums stay in registers
#elif KVLINK_ISA_LEVEL == 1
constexpr int kMostFewRows = 2;
#else
constexpr int kMostFewRows = 1;
#endif

template <DType kType>
inline Vec load_element(const std::byte* row, std::int64_t e) {
  if constexpr (kType == DType::kF16) {
    return load_f16(reinterpret_cast<const std::uint16_t*>(row) + e);
  } else if constexpr (kType == DType::kBF16) {
    return load_bf16(reinterpret_cast<const std::uint16_t*>(row) + e);
  } else if constexpr (kType == DType::kQ8Kv) {
    return load_i8(reinterpret_cast<const std::int8_t*>(row) + e);
  } else {
    return load(reinterpret_cast<const float*>(row) + e);
  }
}

/// Rows of the arena that a tile reads.
template <DType kType>
struct TileRows {
  const std::byte* first;
  std::int64_t bytes;  ///< from a row to the next
  std::int64_t ahead;  ///< to the row of the next tile; 0: there is none

  TileRows(const AttentionCall& call, const std::byte* plane, std::int64_t key)
      : bytes(call.kv_stride * kElementBytes<kType>) {
    first = plane + key * bytes;
    ahead = key + 2 * kKeyTile <= call.key_end ? kKeyTile * bytes : 0;
  }
  /// The row, and the way of the next tile's from memory begun.
  const std::byte* at(std::int64_t i) const {
    const std::byte* row = first + i * bytes;
    for (std::int64_t line = 0; line < bytes && line < kMostPrefetched; line += 64) {
      __builtin_prefetch(row + ahead + line, 0, 3);
    }
    return row;
  }
};

/// scores[r, i] = q[r] key[i], without the keys' scales; those of hidden keys are 0.
template <DType kType, int kRows>
void score_few(const AttentionCall& call, std::int64_t key, const KeyTile& tile, const float* q,
               float* scores) {
  const std::int64_t width = call.head_dim;
  const TileRows<kType> keys(call, call.keys, key);
  for (std::int64_t from = 0; from < kKeyTile; from += kWidth) {
    Vec sums[kRows][kWidth];
    for (std::int64_t i = 0; i < kWidth; ++i) {
      Vec s[kRows];
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) s[r] = zero();
      if (tile.positions[from + i] != kHiddenPosition) {
        const std::byte* row = keys.at(from + i);
        for (std::int64_t e = 0; e < width; e += kWidth) {
          const Vec k = load_element<kType>(row, e);
#pragma GCC unroll 4
          for (int r = 0; r < kRows; ++r) s[r] = fma(k, load(q + r * width + e), s[r]);
        }
      }
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) sums[r][i] = s[r];
    }
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) store(scores + r * kKeyTile + from, sum_each(sums[r]));
  }
}

/// partial[r] += sum over i of weights[r, i] value[i]; the values' scales are in the weights.
template <DType kType, int kRows>
void add_values(const AttentionCall& call, std::int64_t key, const KeyTile& tile,
                const float* weights, float* partial) {
  const std::int64_t width = call.head_dim;
  const TileRows<kType> values(call, call.values, key);
  for (std::int64_t e = 0; e < width; e += kValueVecs * kWidth) {
    Vec sums[kRows][kValueVecs];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kValueVecs; ++v) sums[r][v] = load(partial + r * width + e + v * kWidth);
    }
    for (std::int64_t i = 0; i < kKeyTile; ++i) {
      if (tile.positions[i] == kHiddenPosition) continue;
      const std::byte* row = e == 0 ? values.at(i) : values.first + i * values.bytes;
      Vec value[kValueVecs];
#pragma GCC unroll 4
      for (int v = 0; v < kValueVecs; ++v) value[v] = load_element<kType>(row, e + v * kWidth);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const Vec weight = set1(weights[r * kKeyTile + i]);
#pragma GCC unroll 4
        for (int v = 0; v < kValueVecs; ++v) sums[r][v] = fma(value[v], weight, sums[r][v]);
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kValueVecs; ++v) store(partial + r * width + e + v * kWidth, sums[r][v]);
    }
  }
}

/// One step over a tile, for all rows, at most kMost at a time.
enum class FewStep { kScores, kValues };
template <DType kType, int kMost>
void few_rows(FewStep step, const AttentionCall& call, std::int64_t key, const KeyTile& tile,
              std::int64_t n_rows, const float* q, float* scores, float* partial) {
  for (std::int64_t r = 0; r < n_rows; r += kMost) {
    if constexpr (kMost > 1) {
      if (n_rows - r < kMost) {
        return few_rows<kType, kMost - 1>(step, call, key, tile, n_rows - r, q + r * call.head_dim,
                                          scores + r * kKeyTile, partial + r * call.head_dim);
      }
    }
    if (step == FewStep::kScores) {
      score_few<kType, kMost>(call, key, tile, q + r * call.head_dim, scores + r * kKeyTile);
    } else {
      add_values<kType, kMost>(call, key, tile, scores + r * kKeyTile, partial + r * call.head_dim);
    }
  }
}

/// Whether attention_few computes this; rows have no padding then.
inline bool is_for_few(const AttentionCall& call) {
  return call.n_queries * call.group <= kFewAttentionRows &&
         call.head_dim % (kValueVecs * kWidth) == 0 && call.head_dim % 16 == 0;
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
