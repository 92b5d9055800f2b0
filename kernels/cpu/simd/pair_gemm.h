// SPDX-License-Identifier: Apache-2.0
// Matrix products of bf16 pairs with f32 sums, and matrices in that form.
// Included inside the namespace of AVX512-BF16.
#pragma once

#include <immintrin.h>

#include "kernels/cpu/kernel_table.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

/// sum += two products for each lane. By hand, as in int_avx512.h.
inline void dot_pairs(Vec& sum, __m512i a, __m512i b) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
}
/// 32 bf16: those of `low`, then those of `high`.
inline __m512i to_bf16(Vec low, Vec high) {
  __m512i pairs;
  asm("vcvtne2ps2bf16 %2, %1, %0" : "=v"(pairs) : "v"(high), "v"(low));
  return pairs;
}

/// c[kRows, kVecs * 16] (+)= a[kRows, 2 * n_pairs] * b[2 * n_pairs, kVecs * 16], where a dword of a
/// holds two neighbours of a row and one of b two neighbours of a column.
template <int kRows, int kVecs>
void pair_tile(std::int64_t n_pairs, const std::uint32_t* a, std::int64_t a_stride,
               const std::uint32_t* b, std::int64_t b_stride, float* c, std::int64_t c_stride,
               bool accumulate) {
  Vec sums[kRows][kVecs];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) {
      sums[r][v] = accumulate ? load(c + r * c_stride + v * kWidth) : zero();
    }
  }
  for (std::int64_t p = 0; p < n_pairs; ++p) {
    __m512i columns[kVecs];
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) columns[v] = _mm512_loadu_si512(b + v * kWidth);
    b += b_stride;
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const __m512i value = _mm512_set1_epi32(static_cast<int>(a[r * a_stride + p]));
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) dot_pairs(sums[r][v], columns[v], value);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) store(c + r * c_stride + v * kWidth, sums[r][v]);
  }
}

template <int kRows, int kVecs>
void pair_rows(const PairGemmCall& g, std::int64_t row, std::int64_t column) {
  if constexpr (kRows > 1) {
    if (g.m - row < kRows) return pair_rows<kRows - 1, kVecs>(g, row, column);
  }
  pair_tile<kRows, kVecs>(g.n_pairs, g.a + row * g.a_stride, g.a_stride, g.b + column, g.b_stride,
                          g.c + row * g.c_stride + column, g.c_stride, g.accumulate);
}

void pair_gemm(const PairGemmCall& g) {
  std::int64_t column = 0;
  for (; column + 4 * kWidth <= g.n; column += 4 * kWidth) {
    for (std::int64_t row = 0; row < g.m; row += 6) pair_rows<6, 4>(g, row, column);
  }
  for (; column < g.n; column += kWidth) {
    for (std::int64_t row = 0; row < g.m; row += 6) pair_rows<6, 1>(g, row, column);
  }
}

/// n floats as pairs; where n is no multiple of 32, zeros up to the next one.
void round_to_pairs(const float* x, std::int64_t n, std::uint32_t* pairs) {
  for (std::int64_t i = 0; i < n; i += 2 * kWidth) {
    const std::int64_t left = n - i;
    const Vec low = left >= kWidth ? load(x + i) : load_partial(x + i, left);
    Vec high = zero();
    if (left >= 2 * kWidth) {
      high = load(x + i + kWidth);
    } else if (left > kWidth) {
      high = load_partial(x + i + kWidth, left - kWidth);
    }
    _mm512_storeu_si512(pairs + i / 2, to_bf16(low, high));
  }
}

/// panel[p, column] = the pair that begins with input k_begin + 2 * p of weight row `column`;
/// missing rows and inputs are zero. k_begin is even.
void pack_pairs(const std::byte* w, std::int64_t row_bytes, std::int64_t n_rows,
                std::int64_t k_begin, std::int64_t k, std::uint32_t* panel) {
  constexpr std::int64_t kPanel = kTileVecs * kWidth;
  constexpr std::int64_t kInputs = 2 * kWidth;
  alignas(64) float rows[kWidth * kWidth];  // of bits: nothing is computed with them
  for (std::int64_t column = 0; column < kPanel; column += kWidth) {
    for (std::int64_t i = 0; i < k; i += kInputs) {
      const std::int64_t left = k - i < kInputs ? k - i : kInputs;
      const auto mask = static_cast<__mmask32>((std::uint64_t{1} << left) - 1);
      for (std::int64_t r = 0; r < kWidth; ++r) {
        const std::byte* from = w + (column + r) * row_bytes + (k_begin + i) * 2;
        const __m512i pairs =
            column + r < n_rows ? _mm512_maskz_loadu_epi16(mask, from) : _mm512_setzero_si512();
        _mm512_store_si512(rows + r * kWidth, pairs);
      }
      float* target = reinterpret_cast<float*>(panel) + i / 2 * kPanel + column;
      if (left == kInputs) {
        transpose(rows, kWidth, target, kPanel);
        continue;
      }
      alignas(64) float corner[kWidth * kWidth];
      transpose(rows, kWidth, corner, kWidth);
      for (std::int64_t p = 0; p < (left + 1) / 2; ++p) {
        store(target + p * kPanel, load(corner + p * kWidth));
      }
    }
  }
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
