// SPDX-License-Identifier: Apache-2.0
// Sums of products of unsigned codes and signed bytes, one output at a time: the reference path.
#pragma once

#include <cstdint>

namespace kvlink::kernels::KVLINK_ISA {
namespace {

using IntVec = std::int32_t;

inline IntVec load_codes(const std::uint8_t* p) {
  std::int32_t v;
  __builtin_memcpy(&v, p, 4);
  return v;
}
inline IntVec low_nibbles(IntVec v) { return v & 0x0F0F0F0F; }
inline IntVec high_nibbles(IntVec v) { return (v >> 4) & 0x0F0F0F0F; }
inline IntVec spread(const std::int8_t* x) {
  std::int32_t v;
  __builtin_memcpy(&v, x, 4);
  return v;
}
inline IntVec spread(std::int32_t value) { return value; }
inline Vec to_float(IntVec v) { return static_cast<float>(v); }
inline IntVec add(IntVec a, IntVec b) { return a + b; }

/// sum += four products, exact.
inline void dot4(IntVec& sum, IntVec codes, IntVec x) {
  for (int i = 0; i < 32; i += 8) {
    sum += static_cast<std::uint8_t>(codes >> i) * static_cast<std::int8_t>(x >> i);
  }
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
