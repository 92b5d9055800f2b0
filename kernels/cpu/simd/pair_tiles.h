// SPDX-License-Identifier: Apache-2.0
// Matrix products of bf16 pairs on tile registers (AMX): whole tiles of sixteen rows, columns and
// pairs; what is left over is multiplied by pair_gemm.h.
// `Tiles` is simd/tiles_amx.h, or the model in tests/kernels/tiles_model.h.
// Included inside the namespace of AVX512-BF16 with AMX.
#pragma once

#include "kernels/cpu/simd/pair_gemm.h"
#include "kernels/cpu/simd/tile_shapes.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

constexpr std::int64_t kTile = 16;  ///< rows, columns and pairs
constexpr std::int64_t kPairBytes = 4;

/// c[kRows * 16, kColumns * 16] with every sum in a register: 0 to 3 hold sums, 4 and 5 rows of a,
/// 6 and 7 columns of b.
template <int kRows, int kColumns, typename Tiles>
void multiply_pair_tiles(const PairGemmCall& g, Tiles& tiles, std::int64_t row,
                         std::int64_t column) {
  float* c = g.c + row * g.c_stride + column;
  const std::int64_t c_bytes = g.c_stride * kPairBytes;
  const std::int64_t a_bytes = g.a_stride * kPairBytes;
  const std::int64_t b_bytes = g.b_stride * kPairBytes;
  float* lower = c + kTile * g.c_stride;
  if (g.accumulate) {
    tiles.template load<0>(c, c_bytes);
    if constexpr (kColumns > 1) tiles.template load<1>(c + kTile, c_bytes);
    if constexpr (kRows > 1) tiles.template load<2>(lower, c_bytes);
    if constexpr (kRows > 1 && kColumns > 1) tiles.template load<3>(lower + kTile, c_bytes);
  } else {
    tiles.template clear<0>();
    tiles.template clear<1>();
    tiles.template clear<2>();
    tiles.template clear<3>();
  }
  for (std::int64_t p = 0; p < g.n_pairs; p += kTile) {
    const std::uint32_t* a = g.a + row * g.a_stride + p;
    const std::uint32_t* b = g.b + p * g.b_stride + column;
    tiles.template load<4>(a, a_bytes);
    tiles.template load<6>(b, b_bytes);
    tiles.template multiply_pairs<0, 4, 6>();
    if constexpr (kColumns > 1) {
      tiles.template load<7>(b + kTile, b_bytes);
      tiles.template multiply_pairs<1, 4, 7>();
    }
    if constexpr (kRows > 1) {
      tiles.template load<5>(a + kTile * g.a_stride, a_bytes);
      tiles.template multiply_pairs<2, 5, 6>();
    }
    if constexpr (kRows > 1 && kColumns > 1) tiles.template multiply_pairs<3, 5, 7>();
  }
  tiles.template store<0>(c, c_bytes);
  if constexpr (kColumns > 1) tiles.template store<1>(c + kTile, c_bytes);
  if constexpr (kRows > 1) tiles.template store<2>(lower, c_bytes);
  if constexpr (kRows > 1 && kColumns > 1) tiles.template store<3>(lower + kTile, c_bytes);
}

template <int kRows, typename Tiles>
void multiply_pair_rows(const PairGemmCall& g, Tiles& tiles, std::int64_t row) {
  std::int64_t column = 0;
  for (; column + 2 * kTile <= g.n; column += 2 * kTile) {
    multiply_pair_tiles<kRows, 2>(g, tiles, row, column);
  }
  for (; column < g.n; column += kTile) multiply_pair_tiles<kRows, 1>(g, tiles, row, column);
}

template <typename Tiles>
void pair_gemm_by_tiles(const PairGemmCall& g) {
  const std::int64_t n_tiled = g.n_pairs % kTile == 0 ? g.m / kTile * kTile : 0;
  if (n_tiled > 0) {
    TileShapes shapes;
    for (int tile = 0; tile < 8; ++tile) shapes.set(tile, kTile, kTile * kPairBytes);
    Tiles tiles(shapes);
    std::int64_t row = 0;
    for (; row + 2 * kTile <= n_tiled; row += 2 * kTile) multiply_pair_rows<2>(g, tiles, row);
    for (; row < n_tiled; row += kTile) multiply_pair_rows<1>(g, tiles, row);
  }
  if (n_tiled == g.m) return;
  PairGemmCall rest = g;
  rest.m -= n_tiled;
  rest.a += n_tiled * g.a_stride;
  rest.c += n_tiled * g.c_stride;
  pair_gemm(rest);
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
