// SPDX-License-Identifier: Apache-2.0
// Arithmetic alone, in registers, and reading alone: what no kernel can exceed.
// Included once per instruction set, inside its namespace.
#pragma once

#include <cstdint>

namespace kvlink::kernels::KVLINK_ISA {
namespace {

constexpr int kPeakChains = 12;  ///< more than latency times instructions per clock

/// n rounds; returns the operations done. `sink` keeps the result alive.
std::int64_t peak_f32(std::int64_t n, float* sink) {
  Vec sums[kPeakChains];
  for (Vec& sum : sums) sum = zero();
  const Vec a = set1(*sink);
  for (std::int64_t i = 0; i < n; ++i) {
#pragma GCC unroll 12
    for (Vec& sum : sums) sum = fma(a, a, sum);
  }
  for (int i = 1; i < kPeakChains; ++i) sums[0] = add(sums[0], sums[i]);
  *sink = reduce_add(sums[0]);
  return n * kPeakChains * kWidth * 2;
}

/// Reads x[0, n), n a multiple of 8 vectors; what it returns keeps the reading alive.
float peak_read(const float* x, std::int64_t n) {
  constexpr int kStreams = 8;
  Vec sums[kStreams];
  for (Vec& sum : sums) sum = zero();
  for (std::int64_t i = 0; i < n; i += kStreams * kWidth) {
    // A page ahead: memory answers late, and the processor's own prefetching ends at the page.
    __builtin_prefetch(reinterpret_cast<const char*>(x + i) + 4096);
#pragma GCC unroll 8
    for (int s = 0; s < kStreams; ++s) sums[s] = add(sums[s], load(x + i + s * kWidth));
  }
  for (int s = 1; s < kStreams; ++s) sums[0] = add(sums[0], sums[s]);
  return reduce_add(sums[0]);
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
