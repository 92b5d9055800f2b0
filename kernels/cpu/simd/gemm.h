// SPDX-License-Identifier: Apache-2.0
// Register-tiled matrix product and the dot products of few rows.
// Included once per instruction set, inside its namespace.
#pragma once

#include "kernels/cpu/simd/weights.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

/// c[kRows, kVecs * kWidth] (+)= a * b with every accumulator in a register.
template <int kRows, int kVecs>
void gemm_tile(std::int64_t k, const float* a, std::int64_t a_stride, const float* b,
               std::int64_t b_stride, float* c, std::int64_t c_stride, bool accumulate) {
  Vec sums[kRows][kVecs];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kVecs; ++j) {
      sums[i][j] = accumulate ? load(c + i * c_stride + j * kWidth) : zero();
    }
  }
  for (std::int64_t p = 0; p < k; ++p) {
    Vec row[kVecs];
#pragma GCC unroll 4
    for (int j = 0; j < kVecs; ++j) row[j] = load(b + j * kWidth);
    b += b_stride;
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const Vec value = set1(a[i * a_stride + p]);
#pragma GCC unroll 4
      for (int j = 0; j < kVecs; ++j) sums[i][j] = fma(value, row[j], sums[i][j]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kVecs; ++j) store(c + i * c_stride + j * kWidth, sums[i][j]);
  }
}

template <int kVecs>
constexpr int tile_rows() {
  return kAccumulators / kVecs < 12 ? kAccumulators / kVecs : 12;
}

/// The last m < tile_rows rows.
template <int kRows, int kVecs>
void gemm_rest(const GemmCall& g, std::int64_t row, std::int64_t column) {
  if constexpr (kRows > 0) {
    if (g.m - row == kRows) {
      gemm_tile<kRows, kVecs>(g.k, g.a + row * g.a_stride, g.a_stride, g.b + column, g.b_stride,
                              g.c + row * g.c_stride + column, g.c_stride, g.accumulate);
    } else {
      gemm_rest<kRows - 1, kVecs>(g, row, column);
    }
  }
}

template <int kVecs>
void gemm_columns(const GemmCall& g, std::int64_t column) {
  constexpr int kRows = tile_rows<kVecs>();
  std::int64_t row = 0;
  for (; row + kRows <= g.m; row += kRows) {
    gemm_tile<kRows, kVecs>(g.k, g.a + row * g.a_stride, g.a_stride, g.b + column, g.b_stride,
                            g.c + row * g.c_stride + column, g.c_stride, g.accumulate);
  }
  gemm_rest<kRows - 1, kVecs>(g, row, column);
}

void gemm(const GemmCall& g) {
  std::int64_t column = 0;
  for (; column + kTileVecs * kWidth <= g.n; column += kTileVecs * kWidth) {
    gemm_columns<kTileVecs>(g, column);
  }
  const std::int64_t vecs = (g.n - column) / kWidth;
  if (vecs == 1) gemm_columns<1>(g, column);
  if constexpr (kTileVecs > 2) {
    if (vecs == 2) gemm_columns<2>(g, column);
  }
  if constexpr (kTileVecs > 3) {
    if (vecs == 3) gemm_columns<3>(g, column);
  }
}

/// The inputs after the last whole group; plain types only.
template <DType kType, int kM, int kRows>
inline void dot_rest(const DotCall& d, const std::byte* w, Vec (&sums)[kRows][kM]) {
  const std::int64_t whole = d.k / kGroup;
  const std::int64_t rest = d.k - whole * kGroup;
  for (std::int64_t i = 0; i < rest; i += kWidth) {
    const std::int64_t left = rest - i < kWidth ? rest - i : kWidth;
    for (int r = 0; r < kRows; ++r) {
      const std::byte* group = group_start<kType>(w + r * d.w_row_bytes, whole);
      const Vec value = load_plain<kType>(group, i, rest);
      for (int m = 0; m < kM; ++m) {
        const Vec x = load_partial(d.x + m * d.x_stride + whole * kGroup + i, left);
        sums[r][m] = fma(value, x, sums[r][m]);
      }
    }
  }
}

/// How far ahead weights are asked for: where the next rows lie, or in rows that are long by
/// themselves a little further.
template <int kRows>
inline std::int64_t bytes_ahead(const DotCall& d) {
  constexpr std::int64_t kMost = 16384;
  return kRows * d.w_row_bytes <= kMost ? kRows * d.w_row_bytes : kMost / kRows;
}

/// kRows weight rows against kM activation rows.
template <DType kType, int kM, int kRows>
inline void dot_group(const DotCall& d, std::int64_t first) {
  Vec sums[kRows][kM];
  for (auto& row : sums) {
    for (Vec& sum : row) sum = zero();
  }
  const std::byte* w = d.w + first * d.w_row_bytes;
  const std::int64_t ahead = bytes_ahead<kRows>(d);
  for (std::int64_t g = 0; g < d.k / kGroup; ++g) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const std::byte* next = group_start<kType>(w + r * d.w_row_bytes, g) + ahead;
      __builtin_prefetch(next, 0, 2);
      if constexpr (kType == DType::kF32) __builtin_prefetch(next + 64, 0, 2);
      Vec group[kGroupVecs];
      load_group<kType>(w + r * d.w_row_bytes, g, group);
#pragma GCC unroll 6
      for (int m = 0; m < kM; ++m) {
        const float* x = d.x + m * d.x_stride + g * kGroup;
        for (int v = 0; v < kGroupVecs; ++v) {
          sums[r][m] = fma(group[v], load(x + v * kWidth), sums[r][m]);
        }
      }
    }
  }
  dot_rest<kType>(d, w, sums);
  for (int m = 0; m < kM; ++m) {
    for (int r = 0; r < kRows; ++r) {
      float* y = d.y + m * d.y_stride + first + r;
      const float sum = reduce_add(sums[r][m]);
      *y = d.accumulate ? *y + sum : sum;
    }
  }
}

template <DType kType, int kM>
void dot_rows_of(const DotCall& d) {
  // As many rows as leave the sums in registers.
  constexpr int kRows = kM <= 3 ? 4 : 2;
  std::int64_t row = 0;
  for (; row + kRows <= d.n_rows; row += kRows) dot_group<kType, kM, kRows>(d, row);
  for (; row < d.n_rows; ++row) dot_group<kType, kM, 1>(d, row);
}

void dot_rows(const DotCall& d) {
  for_weight_type(d.dtype, [&d]<DType kType>() {
    switch (d.m) {
      case 1:
        return dot_rows_of<kType, 1>(d);
      case 2:
        return dot_rows_of<kType, 2>(d);
      case 3:
        return dot_rows_of<kType, 3>(d);
      case 4:
        return dot_rows_of<kType, 4>(d);
      case 5:
        return dot_rows_of<kType, 5>(d);
      case 6:
        return dot_rows_of<kType, 6>(d);
      default:
        __builtin_trap();
    }
  });
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
