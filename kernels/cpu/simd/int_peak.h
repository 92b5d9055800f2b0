// SPDX-License-Identifier: Apache-2.0
// Products of bytes alone, in registers: what no kernel can exceed.
// Included once per instruction set, inside its namespace.
#pragma once

#include "kernels/cpu/simd/int_quantize.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

constexpr int kPeakChains = 12;  ///< more than latency times instructions per clock

/// n rounds; returns the operations done. `sink` keeps the result alive.
std::int64_t peak_int8(std::int64_t n, std::int32_t* sink) {
  IntVec sums[kPeakChains];
#pragma GCC unroll 12
  for (int s = 0; s < kPeakChains; ++s) sums[s] = spread(*sink);
  const IntVec a = spread(*sink);
  for (std::int64_t i = 0; i < n; ++i) {
    // By index: behind references the compiler keeps the sums in memory, at a third of the rate.
#pragma GCC unroll 12
    for (int s = 0; s < kPeakChains; ++s) {
#if KVLINK_VNNI || KVLINK_ISA_LEVEL == 0
      dot4(sums[s], a, a);
#else
      dot2(sums[s], a, a);
#endif
    }
  }
#pragma GCC unroll 12
  for (int i = 1; i < kPeakChains; ++i) sums[0] = add(sums[0], sums[i]);
  __builtin_memcpy(sink, &sums[0], 4);
  return n * kPeakChains * kWidth * 8;
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
