// SPDX-License-Identifier: Apache-2.0
// The stand-in itself: barriers, warp meetings, and the mistakes that it must catch.
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "tests/cuda_host/include/cuda_warp_matrix.h"

namespace kvlink::tests {
namespace {

struct Sums {
  std::vector<float> in, out;
};

TEST(ExecutionShim, ExchangesValuesAndWaitsAtBarriers) {
  Sums sums{std::vector<float>(128), std::vector<float>(2)};
  std::iota(sums.in.begin(), sums.in.end(), 1.0F);
  simt::run(
      {2, 1, 1}, {64, 1, 1}, 2 * sizeof(float),
      [](void* context) {
        auto& s = *static_cast<Sums*>(context);
        float v = s.in[blockIdx.x * 64 + threadIdx.x];
        for (int mask = 16; mask > 0; mask /= 2) v += __shfl_xor_sync(~0U, v, mask);
        auto* shared = reinterpret_cast<float*>(simt::dynamic_shared());
        if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = v;
        __syncthreads();
        if (threadIdx.x == 0) s.out[blockIdx.x] = shared[0] + shared[1];
      },
      &sums);
  EXPECT_EQ(sums.out, (std::vector<float>{64 * 65 / 2, 128 * 129 / 2 - 64 * 65 / 2}));
}

TEST(ExecutionShim, TellsEveryThreadWhetherAnySaidYes) {
  std::vector<int> seen(96);
  simt::run(
      {1, 1, 1}, {96, 1, 1}, 0,
      [](void* context) {
        auto& s = *static_cast<std::vector<int>*>(context);
        const int first = __syncthreads_or(threadIdx.x == 77 ? 1 : 0);
        const int second = __syncthreads_or(0);
        s[threadIdx.x] = first * 2 + second;
      },
      &seen);
  EXPECT_EQ(seen, std::vector<int>(96, 2));
}

TEST(ExecutionShim, MultipliesMatricesAsTheManualSays) {
  struct Product {
    float a[16][16], b[16][8], d[16][8];
  } p = {};
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 16; ++j) p.a[i][j] = static_cast<float>((i * 5 + j * 3) % 11 - 5);
    for (int j = 0; j < 8; ++j) p.b[i][j] = static_cast<float>((i * 7 + j) % 9 - 4);
  }
  simt::run(
      {1, 1, 1}, {32, 1, 1}, 16 * 16 * 2 + 16 * 16 * 2,
      [](void* context) {
        auto& q = *static_cast<Product*>(context);
        auto* a = reinterpret_cast<std::uint16_t*>(simt::dynamic_shared());
        std::uint16_t* b = a + 256;  // [16][16], of which 8 columns count
        const unsigned lane = threadIdx.x;
        for (unsigned i = lane; i < 256; i += 32) {
          a[i] = f32_to_f16(q.a[i / 16][i % 16]);
          b[i] = f32_to_f16(i % 16 < 8 ? q.b[i / 16][i % 16] : 0.0F);
        }
        __syncthreads();
        unsigned left[4];
        unsigned right[4];
        cuda::load_matrix_x4(left, a + lane % 16 * 16 + lane / 16 * 8);
        cuda::load_matrix_x4_transposed(right, b + lane % 16 * 16 + lane / 16 * 8);
        float d[4] = {};
        const unsigned first[2] = {right[0], right[1]};
        cuda::mma_16x8x16<cuda::Half::kF16>(d, left, first);
        for (unsigned e = 0; e < 4; ++e) {
          q.d[lane / 4 + e / 2 * 8][lane % 4 * 2 + e % 2] = d[e];
        }
      },
      &p);
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 8; ++j) {
      float sum = 0.0F;
      for (int k = 0; k < 16; ++k) sum += p.a[i][k] * p.b[k][j];
      EXPECT_EQ(p.d[i][j], sum) << i << " " << j;
    }
  }
}

TEST(ExecutionShimDeathTest, StopsAtABarrierThatSomeThreadsMiss) {
  EXPECT_DEATH(simt::run(
                   {1, 1, 1}, {64, 1, 1}, 0,
                   [](void*) {
                     if (threadIdx.x < 40) __syncthreads();
                   },
                   nullptr),
               "barrier is not reached");
  EXPECT_DEATH(simt::run(
                   {1, 1, 1}, {32, 1, 1}, 0,
                   [](void*) {
                     if (threadIdx.x < 16) __syncwarp();
                     __syncthreads();
                   },
                   nullptr),
               "wait at different places");
  EXPECT_DEATH(simt::run(
                   {1, 1, 1}, {33, 1, 1}, 0, [](void*) {}, nullptr),
               "whole warps");
}

}  // namespace
}  // namespace kvlink::tests
