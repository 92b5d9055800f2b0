// SPDX-License-Identifier: Apache-2.0
// The orthonormal Hadamard transform of a head's row. Keys have a few channels that are far larger
// than the rest; mixed, all are of a size, and int8 with one scale holds them. Products of two
// mixed rows are those of the rows. Included once per instruction set, inside its namespace.
#pragma once

#include <cstdint>

namespace kvlink::kernels::KVLINK_ISA {
namespace {

#if KVLINK_ISA_LEVEL > 0
/// Every lane's sum with, or difference from, the lane `kStep` away.
template <int kStep>
inline Vec butterfly(Vec v) {
  alignas(64) float signs[kWidth];
  for (int i = 0; i < kWidth; ++i) signs[i] = (i & kStep) == 0 ? 1.0F : -1.0F;
  return fma(v, load(signs), swap_lanes<kStep>(v));
}
#endif

/// Elements that are mixed with each other: the largest power of two in n, which is above 0.
inline std::int64_t mixed_elements(std::int64_t n) { return n & -n; }

/// In place, at distances of `from` and more.
inline void mix_far(float* x, std::int64_t n, std::int64_t from) {
  for (std::int64_t step = from; step < n; step *= 2) {
    for (std::int64_t i = 0; i < n; i += 2 * step) {
      for (std::int64_t j = i; j < i + step; ++j) {
        const float sum = x[j] + x[j + step];
        x[j + step] = x[j] - x[j + step];
        x[j] = sum;
      }
    }
  }
}

/// In place; its own inverse but for rounding. n floats, in groups of mixed_elements(n).
void mix(float* x, std::int64_t n) {
  const std::int64_t group = mixed_elements(n);
  const float norm = 1.0F / __builtin_sqrtf(static_cast<float>(group));
  for (std::int64_t first = 0; first < n; first += group) {
    float* y = x + first;
    if (group < kWidth || kWidth == 1) {
      for (std::int64_t i = 0; i < group; ++i) y[i] *= norm;
      mix_far(y, group, 1);
      continue;
    }
#if KVLINK_ISA_LEVEL > 0
    for (std::int64_t i = 0; i < group; i += kWidth) {
      Vec v = butterfly<4>(butterfly<2>(butterfly<1>(mul(load(y + i), set1(norm)))));
      if constexpr (kWidth > 8) v = butterfly<8>(v);
      store(y + i, v);
    }
    for (std::int64_t step = kWidth; step < group; step *= 2) {
      for (std::int64_t i = 0; i < group; i += 2 * step) {
        for (std::int64_t j = i; j < i + step; j += kWidth) {
          const Vec a = load(y + j);
          const Vec b = load(y + j + step);
          store(y + j, add(a, b));
          store(y + j + step, sub(a, b));
        }
      }
    }
#endif
  }
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
