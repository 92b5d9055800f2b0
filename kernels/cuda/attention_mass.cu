// SPDX-License-Identifier: Apache-2.0
// How much each key is attended to, for choosing the tokens to compute again.
#include "kernels/cuda/attention_problem.h"

namespace kvlink::cuda {
namespace {

/// Block per query and head: the largest score, the sum, then every key's share.
__global__ void mass_kernel(AttentionMassCall call, std::int64_t group, float scale) {
  __shared__ float scratch[kWarp];
  const Arena& arena = call.arena;
  const std::int64_t head = blockIdx.y;
  const std::int64_t kv_row = head / group * arena.capacity;
  const float* q = static_cast<const float*>(call.q.data) + blockIdx.x * call.q.row_stride +
                   head * arena.head_dim;
  const std::int32_t own = call.query_positions[blockIdx.x];
  const auto score = [&](std::int64_t key) {
    if (!is_visible(call.key_positions[key], own)) return kNegativeInfinity;
    float sum = 0.0F;
    for (std::int64_t e = 0; e < arena.head_dim; ++e) {
      sum = fmaf(q[e], arena_value(arena.keys, arena.key_scales, arena, kv_row + key, e), sum);
    }
    return sum * scale;
  };
  float largest = kNegativeInfinity;
  for (std::int64_t k = threadIdx.x; k < call.n_keys; k += blockDim.x) {
    const float s = score(k);
    largest = s > largest ? s : largest;
  }
  largest = warp_max(largest);
  if (threadIdx.x % kWarp == 0) scratch[threadIdx.x / kWarp] = largest;
  __syncthreads();
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  largest =
      warp_max(lane < static_cast<int>(blockDim.x) / kWarp ? scratch[lane] : kNegativeInfinity);
  const float shift = largest == kNegativeInfinity ? 0.0F : largest;
  float sum = 0.0F;
  for (std::int64_t k = threadIdx.x; k < call.n_keys; k += blockDim.x) {
    sum += exp2f(score(k) - shift);
  }
  const float total = block_sum(sum, scratch);
  if (!(total > 0.0F)) return;
  for (std::int64_t k = threadIdx.x; k < call.n_keys; k += blockDim.x) {
    const float share = exp2f(score(k) - shift) / total;
    if (share > 0.0F) atomicAdd(&call.mass[k], share);
  }
}

}  // namespace

void attention_mass(Context& context, const AttentionMassCall& call) {
  require(call.q.dtype == DType::kF32, "attention_mass: type");
  const std::int64_t n_heads = call.q.cols / call.arena.head_dim;
  launch(context, "attention_mass", mass_kernel,
         dim3(blocks_for(call.q.rows, 1), static_cast<unsigned>(n_heads)), 128, 0, call,
         n_heads / call.arena.n_kv_heads, softmax_scale(call.arena.head_dim));
}

}  // namespace kvlink::cuda
