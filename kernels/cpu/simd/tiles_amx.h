// SPDX-License-Identifier: Apache-2.0
// The tile registers of this thread, while an object of this class lives.
//
// The instructions by hand: gcc 12's intrinsics do not tell the compiler that a load reads memory
// and that a configuration is 64 bytes long, so that it may move or drop the stores before them.
// Included inside the namespaces of AMX.
#pragma once

#include "kernels/cpu/simd/tile_shapes.h"

#define KVLINK_TILE_INLINE inline __attribute__((always_inline))

namespace kvlink::kernels::KVLINK_ISA {
namespace {

class AmxTiles {
 public:
  explicit AmxTiles(const TileShapes& shapes) {
    asm volatile("ldtilecfg %0" : : "m"(shapes) : "memory");
  }
  ~AmxTiles() { asm volatile("tilerelease" : : : "memory"); }
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;

  template <int kTile>
  KVLINK_TILE_INLINE void clear() {
    asm volatile("tilezero %%tmm%c0" : : "i"(kTile) : "memory");
  }
  template <int kTile>
  KVLINK_TILE_INLINE void load(const void* from, std::int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kTile>
  KVLINK_TILE_INLINE void store(void* to, std::int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(kTile) : "memory");
  }
  /// sums[r][c] += over i of left[r][i] (signed) * right[i / 4][4 * c + i % 4] (unsigned)
  template <int kSums, int kLeft, int kRight>
  KVLINK_TILE_INLINE void multiply() {
    asm volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0"
                 :
                 : "i"(kSums), "i"(kLeft), "i"(kRight)
                 : "memory");
  }
  /// The same over pairs of bf16, with f32 sums.
  template <int kSums, int kLeft, int kRight>
  KVLINK_TILE_INLINE void multiply_pairs() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0"
                 :
                 : "i"(kSums), "i"(kLeft), "i"(kRight)
                 : "memory");
  }
};

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
