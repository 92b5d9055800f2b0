// SPDX-License-Identifier: Apache-2.0
// Puts together what the splits of attention found.
#include "kernels/cuda/attention_problem.h"

namespace kvlink::cuda {
namespace {

constexpr int kWarps = 4;
constexpr int kOwnSplits = kMostSplits / kWarp;

/// What each split's sums count for, into `shares`; every warp finds out for itself.
KVLINK_DEVICE void find_shares(const Problem& p, const float* tail, std::int64_t step,
                               float* shares) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  float largest[kOwnSplits];
  float total[kOwnSplits];
  float most = kNegativeInfinity;
#pragma unroll
  for (int i = 0; i < kOwnSplits; ++i) {
    const int split = lane + i * kWarp;
    const bool is_one = split < p.n_splits;
    largest[i] = is_one ? tail[split * step] : kNegativeInfinity;
    total[i] = is_one ? tail[split * step + 1] : 0.0F;
    most = largest[i] > most ? largest[i] : most;
  }
  most = warp_max(most);
  // Nothing seen by any: any finite number keeps infinity minus infinity away.
  const float shift = most == kNegativeInfinity ? 0.0F : most;
  float sum = 0.0F;
#pragma unroll
  for (int i = 0; i < kOwnSplits; ++i) {
    largest[i] = exp2f(largest[i] - shift);
    sum += largest[i] * total[i];
  }
  sum = warp_sum(sum);
  const float share = sum > 0.0F ? 1.0F / sum : 0.0F;
  if (threadIdx.x >= kWarp) return;
#pragma unroll
  for (int i = 0; i < kOwnSplits; ++i) shares[lane + i * kWarp] = largest[i] * share;
}

/// A block per row of a KV head: each warp adds up every fourth split, 16 bytes a lane.
template <int kDim>
__global__ void __launch_bounds__(kWarps* kWarp) merge_kernel(Problem p) {
  __shared__ float shares[kMostSplits];
  __shared__ float4 sums[kWarps][kDim / 4];
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const std::int64_t row = blockIdx.x;
  const std::int64_t kv_head = blockIdx.y;
  const std::int64_t step = p.call.arena.n_kv_heads * p.n_rows * (kDim + kPartialTail);
  const float* first = p.partials + (kv_head * p.n_rows + row) * (kDim + kPartialTail);
  find_shares(p, first + kDim, step, shares);
  __syncthreads();
  for (int v = lane; v < kDim / 4; v += kWarp) {
    float4 sum = {0.0F, 0.0F, 0.0F, 0.0F};
#pragma unroll 8
    for (int split = warp; split < static_cast<int>(p.n_splits); split += kWarps) {
      const float4 part = *reinterpret_cast<const float4*>(first + split * step + 4 * v);
      const float share = shares[split];
      sum.x = fmaf(share, part.x, sum.x);
      sum.y = fmaf(share, part.y, sum.y);
      sum.z = fmaf(share, part.z, sum.z);
      sum.w = fmaf(share, part.w, sum.w);
    }
    sums[warp][v] = sum;
  }
  __syncthreads();
  const std::int64_t head_dim = p.call.arena.head_dim;
  const std::int64_t head = kv_head * p.group + row % p.group;
  const std::int64_t to = row / p.group * p.call.y.row_stride + head * head_dim;
  for (int e = static_cast<int>(threadIdx.x); e < head_dim; e += kWarps * kWarp) {
    float sum = 0.0F;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) sum += reinterpret_cast<const float*>(sums[w])[e];
    store_one(p.call.y.data, p.call.y.dtype, to + e, sum);
  }
}

}  // namespace

void merge_splits(Context& context, const Problem& p) {
  const auto kernel = [&] {
    switch (padded_dim(p.call.arena.head_dim)) {
      case 64:
        return merge_kernel<64>;
      case 128:
        return merge_kernel<128>;
      default:
        return merge_kernel<256>;
    }
  }();
  const dim3 grid(blocks_for(p.n_rows, 1), static_cast<unsigned>(p.call.arena.n_kv_heads));
  launch(context, "attention_merge", kernel, grid, kWarps * kWarp, 0, p);
}

}  // namespace kvlink::cuda
