// SPDX-License-Identifier: Apache-2.0
// Stands in for CUDA's header: binary16 as bits.
#pragma once

#include "kernels/base/dtype.h"

struct __half {
  std::uint16_t bits;
};
inline __half __ushort_as_half(std::uint16_t bits) { return {bits}; }
inline std::uint16_t __half_as_ushort(__half h) { return h.bits; }
inline float __half2float(__half h) { return kvlink::f16_to_f32(h.bits); }
inline __half __float2half_rn(float value) { return {kvlink::f32_to_f16(value)}; }
