// SPDX-License-Identifier: Apache-2.0
// Compiled for AVX-512 with BF16, once with AMX beside it (KVLINK_TILES). The rule of table.cpp
// holds: no inline code of the standard library.
#include "kernels/cpu/simd/vec_avx512.h"
// After the vectors of floats.
#include "kernels/cpu/simd/attention_bf16.h"
#include "kernels/cpu/simd/tables.h"
#if KVLINK_TILES
#include "kernels/cpu/simd/pair_tiles.h"
#include "kernels/cpu/simd/tiles_amx.h"
#else
#include "kernels/cpu/simd/peak_bf16.h"
#endif

namespace kvlink::kernels::KVLINK_ISA {
namespace {

#if KVLINK_TILES
constexpr PairGemm kGemm = pair_gemm_by_tiles<AmxTiles>;

/// Products of whole tiles alone; otherwise as the other one.
std::int64_t peak_pairs(std::int64_t n, float* sink) {
  TileShapes shapes;
  for (int tile = 0; tile < 6; ++tile) shapes.set(tile, kTile, kTile * kPairBytes);
  alignas(64) float sums[kTile * kTile] = {*sink};
  AmxTiles tiles(shapes);
  tiles.load<4>(sums, kTile * kPairBytes);
  tiles.load<5>(sums, kTile * kPairBytes);
  for (std::int64_t i = 0; i < n; ++i) {
    tiles.multiply_pairs<0, 4, 5>();
    tiles.multiply_pairs<1, 4, 5>();
    tiles.multiply_pairs<2, 4, 5>();
    tiles.multiply_pairs<3, 4, 5>();
  }
  tiles.store<0>(sums, kTile * kPairBytes);
  *sink = sums[0];
  return n * 4 * kTile * kTile * kTile * 4;
}
#else
constexpr PairGemm kGemm = pair_gemm;
constexpr auto peak_pairs = peak_bf16;
#endif

}  // namespace

const Bf16Table kBf16Table = {.gemm = kGemm,
                              .pack_panel = pack_pairs,
                              .round_row = round_to_pairs,
                              .attention_scratch_floats = scratch_floats,
                              .attention = attention_bf16<kGemm>,
                              .peak_bf16 = peak_pairs};

}  // namespace kvlink::kernels::KVLINK_ISA
