// SPDX-License-Identifier: Apache-2.0
// Stands in for CUDA's header: bfloat16 as bits.
#pragma once

#include "kernels/base/dtype.h"

struct __nv_bfloat16 {
  std::uint16_t bits;
};
inline __nv_bfloat16 __ushort_as_bfloat16(std::uint16_t bits) { return {bits}; }
inline std::uint16_t __bfloat16_as_ushort(__nv_bfloat16 h) { return h.bits; }
inline float __bfloat162float(__nv_bfloat16 h) { return kvlink::bf16_to_f32(h.bits); }
inline __nv_bfloat16 __float2bfloat16_rn(float value) { return {kvlink::f32_to_bf16(value)}; }
