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

/// What thread 0 reads of what thread 31 wrote, or of what was copied there, without waiting.
float read_without_waiting(simt::Order order, bool copies) {
  static float result;
  static bool by_copy;
  by_copy = copies;
  simt::set_order(order);
  simt::run(
      {1, 1, 1}, {32, 1, 1}, 64,
      [](void*) {
        alignas(16) static const float source[4] = {5.0F, 5.0F, 5.0F, 5.0F};
        auto* shared = reinterpret_cast<float*>(simt::dynamic_shared());
        if (threadIdx.x == 31 && !by_copy) shared[0] = 5.0F;
        if (threadIdx.x == 0) {
          if (by_copy) kvlink::cuda::copy_16_bytes_async(shared, source);
          result = shared[0];
        }
      },
      nullptr);
  simt::set_order(simt::Order::kAscending);
  return result;
}

TEST(ExecutionShim, ShowsAMissingBarrierAndAMissingWaitByTheOrderOfThreads) {
  EXPECT_NE(read_without_waiting(simt::Order::kAscending, false), 5.0F);
  EXPECT_EQ(read_without_waiting(simt::Order::kDescending, false), 5.0F);
  EXPECT_EQ(read_without_waiting(simt::Order::kAscending, true), 5.0F);
  for (const auto order : {simt::Order::kDescending, simt::Order::kShuffled}) {
    EXPECT_NE(read_without_waiting(order, true), 5.0F) << "the copy is done by the wait";
  }
}

class LateStreams : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cudaStreamCreateWithFlags(&first_, 0), cudaSuccess);
    ASSERT_EQ(cudaStreamCreateWithFlags(&second_, 0), cudaSuccess);
    ASSERT_EQ(cudaEventCreate(&event_), cudaSuccess);
    ASSERT_EQ(cudaMalloc(reinterpret_cast<void**>(&there_), 8), cudaSuccess);
    ASSERT_EQ(cudaHostAlloc(reinterpret_cast<void**>(&pinned_), 8, 0), cudaSuccess);
    fake_cuda_set_late(3);
  }
  void TearDown() override {
    cudaEventDestroy(event_);
    cudaFree(there_);
    cudaFreeHost(pinned_);
    cudaStreamDestroy(first_);
    cudaStreamDestroy(second_);
  }
  void upload(cudaStream_t stream, const float* from) {
    ASSERT_EQ(cudaMemcpyAsync(there_, from, 4, cudaMemcpyHostToDevice, stream), cudaSuccess);
  }

  cudaStream_t first_ = nullptr, second_ = nullptr;
  cudaEvent_t event_ = nullptr;
  float* there_ = nullptr;
  float* pinned_ = nullptr;
};

TEST_F(LateStreams, ShowPinnedMemoryThatIsWrittenAgainTooEarly) {
  *pinned_ = 1.0F;
  upload(first_, pinned_);
  *pinned_ = 2.0F;
  cudaStreamSynchronize(first_);
  EXPECT_EQ(*there_, 2.0F);
  // Pageable memory is staged when the call returns.
  float pageable = 3.0F;
  upload(first_, &pageable);
  pageable = 4.0F;
  cudaStreamSynchronize(first_);
  EXPECT_EQ(*there_, 3.0F);
}

TEST_F(LateStreams, ShowAMissingWaitBetweenTwoOfThem) {
  *pinned_ = 1.0F;
  *there_ = 0.0F;
  upload(first_, pinned_);
  pinned_[1] = -1.0F;
  const auto fetch = [&] {
    cudaMemcpyAsync(pinned_ + 1, there_, 4, cudaMemcpyDeviceToHost, second_);
    cudaStreamSynchronize(second_);
  };
  fetch();
  EXPECT_EQ(pinned_[1], 0.0F) << "nobody waited for the first stream";
  EXPECT_EQ(cudaEventRecord(event_, first_), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(pinned_ + 1, event_, event_), cudaErrorNotReady);
  EXPECT_EQ(cudaStreamWaitEvent(second_, event_, 0), cudaSuccess);
  fetch();
  EXPECT_EQ(pinned_[1], 1.0F);
}

TEST_F(LateStreams, RefuseWhatAGraphCannotHold) {
  float pageable = 1.0F;
  ASSERT_EQ(cudaStreamBeginCapture(first_, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  EXPECT_EQ(cudaMemcpyAsync(there_, &pageable, 4, cudaMemcpyHostToDevice, first_),
            cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaStreamSynchronize(first_), cudaErrorStreamCaptureUnsupported);
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaStreamEndCapture(first_, &graph), cudaSuccess);
  cudaGraphDestroy(graph);
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
