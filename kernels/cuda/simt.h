// SPDX-License-Identifier: Apache-2.0
// What every kernel uses: elements of any activation or KV type, sums over warps and blocks.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/api.h"

#define KVLINK_DEVICE __device__ __forceinline__

namespace kvlink::cuda {

inline constexpr unsigned kWholeWarp = 0xFFFFFFFFU;
inline constexpr int kWarp = 32;
/// Largest finite f16: activations beyond it would become infinite.
inline constexpr float kLargestF16 = 65504.0F;

KVLINK_DEVICE float f16_value(std::uint16_t bits) { return __half2float(__ushort_as_half(bits)); }
KVLINK_DEVICE float bf16_value(std::uint16_t bits) {
  return __bfloat162float(__ushort_as_bfloat16(bits));
}
KVLINK_DEVICE std::uint16_t f16_bits(float v) { return __half_as_ushort(__float2half_rn(v)); }
KVLINK_DEVICE std::uint16_t bf16_bits(float v) {
  return __bfloat16_as_ushort(__float2bfloat16_rn(v));
}
/// f16 of an activation: saturates instead of overflowing; NaN stays.
KVLINK_DEVICE std::uint16_t f16_activation(float v) {
  return f16_bits(v > kLargestF16 ? kLargestF16 : (v < -kLargestF16 ? -kLargestF16 : v));
}

/// Element i of an activation.
KVLINK_DEVICE float load_one(const void* p, DType dtype, std::int64_t i) {
  if (dtype == DType::kF32) return static_cast<const float*>(p)[i];
  const std::uint16_t bits = static_cast<const std::uint16_t*>(p)[i];
  return dtype == DType::kF16 ? f16_value(bits) : bf16_value(bits);
}
KVLINK_DEVICE void store_one(void* p, DType dtype, std::int64_t i, float v) {
  if (dtype == DType::kF32) {
    static_cast<float*>(p)[i] = v;
  } else {
    static_cast<std::uint16_t*>(p)[i] = dtype == DType::kF16 ? f16_activation(v) : bf16_bits(v);
  }
}

KVLINK_DEVICE float warp_sum(float v) {
#pragma unroll
  for (int mask = kWarp / 2; mask > 0; mask /= 2) v += __shfl_xor_sync(kWholeWarp, v, mask);
  return v;
}
KVLINK_DEVICE float warp_max(float v) {
#pragma unroll
  for (int mask = kWarp / 2; mask > 0; mask /= 2) {
    const float other = __shfl_xor_sync(kWholeWarp, v, mask);
    v = v > other ? v : other;
  }
  return v;
}
/// Sum over the block, for every thread. scratch: 32 floats of shared memory.
KVLINK_DEVICE float block_sum(float v, float* scratch) {
  const int n_warps = static_cast<int>(blockDim.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  v = warp_sum(v);
  __syncthreads();  // a sum before this one has been read
  if (lane == 0) scratch[threadIdx.x / kWarp] = v;
  __syncthreads();
  return warp_sum(lane < n_warps ? scratch[lane] : 0.0F);
}

}  // namespace kvlink::cuda
