// SPDX-License-Identifier: Apache-2.0
// Products of bf16 pairs alone, in registers. Included inside the namespace of AVX512-BF16.
#pragma once

#include <cstdint>

namespace kvlink::kernels::KVLINK_ISA {
namespace {

/// n rounds; returns the operations done. `sink` keeps the result alive.
std::int64_t peak_bf16(std::int64_t n, float* sink) {
  constexpr int kChains = 16;  ///< more than latency times instructions per clock
  Vec sums[kChains];
#pragma GCC unroll 16
  for (int s = 0; s < kChains; ++s) sums[s] = zero();
  const __m512i a = to_bf16(set1(*sink), set1(*sink));
  for (std::int64_t i = 0; i < n; ++i) {
#pragma GCC unroll 16
    for (int s = 0; s < kChains; ++s) dot_pairs(sums[s], a, a);
  }
#pragma GCC unroll 16
  for (int s = 1; s < kChains; ++s) sums[0] = add(sums[0], sums[s]);
  *sink = reduce_add(sums[0]);
  return n * kChains * kWidth * 4;
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
