// SPDX-License-Identifier: Apache-2.0
// Stands in for kernels/cuda/ptx/cuda_warp_matrix.h: the same functions by the words of the PTX
// manual, every lane reading what the others handed in.
#pragma once

#include <cuda_runtime.h>

#include "kernels/base/dtype.h"

namespace kvlink::cuda {

enum class Half { kF16, kBF16 };

template <Half kHalf>
float half_value(std::uint16_t bits) {
  return kHalf == Half::kF16 ? f16_to_f32(bits) : bf16_to_f32(bits);
}

/// d += a b for one 16 x 8 tile, 16 deep; fragments as mma.m16n8k16 lays them out.
template <Half kHalf>
void mma_16x8x16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  struct Fragment {
    float a[8], b[4];
  } mine;
  for (int i = 0; i < 8; ++i) {
    mine.a[i] = half_value<kHalf>(static_cast<std::uint16_t>(a[i / 2] >> (16 * (i % 2))));
  }
  for (int i = 0; i < 4; ++i) {
    mine.b[i] = half_value<kHalf>(static_cast<std::uint16_t>(b[i / 2] >> (16 * (i % 2))));
  }
  const simt::Lanes lanes = simt::meet_lanes(&mine, sizeof(mine));
  const unsigned lane = simt::lane();
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned column = lane % 4 * 2 + i % 2;
    float sum = 0.0F;
    for (unsigned k = 0; k < 16; ++k) {
      // Element k of a row lies with lane 4 row + k % 8 / 2, of a column with 4 column + k % 8 / 2.
      const unsigned part = k % 8 / 2;
      const unsigned a_index = k / 8 * 4 + i / 2 * 2 + k % 2;
      sum += lanes.of<Fragment>(lane / 4 * 4 + part).a[a_index] *
             lanes.of<Fragment>(column * 4 + part).b[k / 8 * 2 + k % 2];
    }
    d[i] += sum;
  }
}

/// Two numbers side by side, each rounded to the nearest; `a` lies lower.
template <Half kHalf>
unsigned pack_halves(float a, float b) {
  const auto bits = [](float v) -> unsigned {
    return kHalf == Half::kF16 ? f32_to_f16(v) : f32_to_bf16(v);
  };
  return bits(a) | bits(b) << 16;
}

/// Four 8 x 8 matrices of 16-bit elements: lane i hands in the address of row i % 8 of matrix i
/// / 8.
inline void load_matrix_x4(unsigned (&r)[4], const void* row) {
  const simt::Lanes lanes = simt::meet_lanes(&row, sizeof(row));
  const unsigned lane = simt::lane();
  for (unsigned m = 0; m < 4; ++m) {
    const auto* from = lanes.of<const std::byte*>(m * 8 + lane / 4);
    if (reinterpret_cast<std::uintptr_t>(from) % 16 != 0) __builtin_trap();
    std::memcpy(&r[m], from + lane % 4 * 4, 4);
  }
}

/// The same, every matrix transposed.
inline void load_matrix_x4_transposed(unsigned (&r)[4], const void* row) {
  const simt::Lanes lanes = simt::meet_lanes(&row, sizeof(row));
  const unsigned lane = simt::lane();
  for (unsigned m = 0; m < 4; ++m) {
    std::uint16_t pair[2];
    for (unsigned i = 0; i < 2; ++i) {
      const auto* from = lanes.of<const std::byte*>(m * 8 + lane % 4 * 2 + i);
      std::memcpy(&pair[i], from + lane / 4 * 2, 2);
    }
    r[m] = pair[0] | static_cast<unsigned>(pair[1]) << 16;
  }
}

inline void copy_16_bytes_async(void* to, const void* from) {
  if ((reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from)) % 16 != 0) {
    __builtin_trap();
  }
  simt::copy_later(to, from, 16);
}
inline void commit_copies() { simt::commit_copies(); }
template <int kPending>
void wait_for_copies() {
  simt::wait_for_copies(kPending);
}

inline std::byte* dynamic_shared() { return simt::dynamic_shared(); }

}  // namespace kvlink::cuda
