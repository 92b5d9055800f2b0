// SPDX-License-Identifier: Apache-2.0
// The instructions that CUDA C++ has no name for: matrix products of a warp and copies into shared
// memory. tests/cuda_host has the same functions for the host.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace kvlink::cuda {

enum class Half { kF16, kBF16 };

/// d += a b for one 16 x 8 tile, 16 deep; fragments as mma.m16n8k16 lays them out.
/// Before sm_80 f16 takes two steps of 8, and bf16 does not exist (open() refuses it).
template <Half kHalf>
__device__ __forceinline__ void mma_16x8x16(float (&d)[4], const unsigned (&a)[4],
                                            const unsigned (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  if constexpr (kHalf == Half::kF16) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
#else
  if constexpr (kHalf == Half::kF16) {
#pragma unroll
    for (int step = 0; step < 2; ++step) {
      asm volatile(
          "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, "
          "{%0,%1,%2,%3};"
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
          : "r"(a[2 * step]), "r"(a[2 * step + 1]), "r"(b[step]));
    }
  } else {
    asm volatile("trap;");
  }
#endif
}

/// Two numbers side by side, each rounded to the nearest; `a` lies lower.
template <Half kHalf>
__device__ __forceinline__ unsigned pack_halves(float a, float b) {
  unsigned bits;
#if __CUDA_ARCH__ >= 800
  if constexpr (kHalf == Half::kF16) {
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(b), "f"(a));
  } else {
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(b), "f"(a));
  }
#else
  if constexpr (kHalf == Half::kF16) {
    bits = __half_as_ushort(__float2half_rn(a)) |
           static_cast<unsigned>(__half_as_ushort(__float2half_rn(b))) << 16;
  } else {
    bits = __bfloat16_as_ushort(__float2bfloat16_rn(a)) |
           static_cast<unsigned>(__bfloat16_as_ushort(__float2bfloat16_rn(b))) << 16;
  }
#endif
  return bits;
}

__device__ __forceinline__ unsigned shared_address(const void* p) {
  return static_cast<unsigned>(__cvta_generic_to_shared(p));
}

/// Four 8 x 8 matrices of 16-bit elements: lane i hands in the address of row i % 8 of matrix i
/// / 8.
__device__ __forceinline__ void load_matrix_x4(unsigned (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
}

/// The same, every matrix transposed.
__device__ __forceinline__ void load_matrix_x4_transposed(unsigned (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
}

/// 16 bytes from global to shared memory, both aligned to 16, beside the arithmetic where the
/// device can do that.
__device__ __forceinline__ void copy_16_bytes_async(void* to, const void* from) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)), "l"(from)
               : "memory");
#else
  *static_cast<uint4*>(to) = *static_cast<const uint4*>(from);
#endif
}
__device__ __forceinline__ void commit_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
/// Until at most kPending committed groups of this thread are under way.
template <int kPending>
__device__ __forceinline__ void wait_for_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#endif
}

__device__ __forceinline__ std::byte* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char kvlink_dynamic_shared[];
  return reinterpret_cast<std::byte*>(kvlink_dynamic_shared);
}

}  // namespace kvlink::cuda
