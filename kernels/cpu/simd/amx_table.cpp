// SPDX-License-Identifier: Apache-2.0
// Compiled for AVX-512 VNNI with AMX. The rule of table.cpp holds: no inline code of the standard
// library.
#include "kernels/cpu/simd/vec_avx512.h"
// After the vectors of floats.
#include "kernels/cpu/simd/int_avx512.h"
#include "kernels/cpu/simd/int_quantize.h"
// After float_at.
#include "kernels/cpu/simd/int_tables.h"
#include "kernels/cpu/simd/int_tiles.h"
#include "kernels/cpu/simd/tiles_amx.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

/// Products of whole tiles alone: what no kernel can exceed. n rounds; returns the operations done.
std::int64_t peak_int8(std::int64_t n, std::int32_t* sink) {
  TileShapes shapes;
  for (int tile = 0; tile < 6; ++tile) shapes.set(tile, kTileRows, kStepLine);
  alignas(64) std::int32_t sums[kTileRows * kBlockOutputs] = {*sink};
  AmxTiles tiles(shapes);
  tiles.load<4>(sums, kStepLine);
  tiles.load<5>(sums, kStepLine);
  for (std::int64_t i = 0; i < n; ++i) {
    tiles.multiply<0, 4, 5>();
    tiles.multiply<1, 4, 5>();
    tiles.multiply<2, 4, 5>();
    tiles.multiply<3, 4, 5>();
  }
  tiles.store<0>(sums, kStepLine);
  *sink = sums[0];
  return n * 4 * kTileRows * kBlockOutputs * kStepLine * 2;
}

}  // namespace

const IntTable kIntTable = {
    .quantize = quantize, .int_dot = int_dot_by_tiles<AmxTiles>, .peak_int8 = peak_int8};

}  // namespace kvlink::kernels::KVLINK_ISA
