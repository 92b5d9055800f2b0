// SPDX-License-Identifier: Apache-2.0
// The next token from logits: every block finds the best of its slice, one block the best of those
// and draws among them as inference/sampler.cpp does.
#include "kernels/cuda/context.h"
#include "kernels/cuda/simt.h"

namespace kvlink::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kBlocks = 64;

/// A logit and where it stands; the lower index is better among equals.
struct Candidate {
  float value;
  std::int32_t index;
};
constexpr std::int32_t kNone = INT32_MAX;

KVLINK_DEVICE bool is_better(const Candidate& a, const Candidate& b) {
  return a.value > b.value || (a.value == b.value && a.index < b.index);
}

/// The best of the block's candidates, for every thread.
KVLINK_DEVICE Candidate best_of_block(Candidate own, Candidate* scratch) {
  const auto best_of_warp = [](Candidate c) {
#pragma unroll
    for (int mask = kWarp / 2; mask > 0; mask /= 2) {
      const Candidate other{__shfl_xor_sync(kWholeWarp, c.value, mask),
                            __shfl_xor_sync(kWholeWarp, c.index, mask)};
      if (is_better(other, c)) c = other;
    }
    return c;
  };
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  own = best_of_warp(own);
  __syncthreads();  // a result before this one has been read
  if (lane == 0) scratch[threadIdx.x / kWarp] = own;
  __syncthreads();
  return best_of_warp(lane < kThreads / kWarp ? scratch[lane] : Candidate{-INFINITY, kNone});
}

/// Calls take(i, candidate) with the k best of at(first) … at(end - 1), best first, and with kNone
/// when there are no more.
template <typename At, typename Take>
KVLINK_DEVICE void best_candidates(std::int64_t first, std::int64_t end, std::int32_t k, At at,
                                   Take take) {
  __shared__ Candidate scratch[kWarp];
  Candidate last{INFINITY, -1};
  for (std::int32_t i = 0; i < k; ++i) {
    Candidate best{-INFINITY, kNone};
    for (std::int64_t j = first + threadIdx.x; j < end; j += kThreads) {
      const Candidate c = at(j);
      if (is_better(last, c) && is_better(c, best)) best = c;
    }
    last = best_of_block(best, scratch);
    if (threadIdx.x == 0) take(i, last);
    if (last.index != kNone) continue;
    for (++i; i < k; ++i) {
      if (threadIdx.x == 0) take(i, last);
    }
  }
}

__global__ void penalise_kernel(SampleCall call) {
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= call.n_seen) return;
  const std::int32_t id = call.seen[i];
  if (id < 0 || id >= call.n) return;
  float& v = call.logits[id];
  v = v > 0.0F ? v / call.penalty : v * call.penalty;
}

__global__ void slice_kernel(SampleCall call, std::int32_t k, Candidate* found,
                             std::int32_t* broken) {
  const std::int64_t each = (call.n + kBlocks - 1) / kBlocks;
  const std::int64_t first = blockIdx.x * each;
  const std::int64_t end = first + each < call.n ? first + each : call.n;
  bool bad = false;
  for (std::int64_t j = first + threadIdx.x; j < end; j += kThreads) {
    bad = bad || !(call.logits[j] < INFINITY);
  }
  const int any_bad = __syncthreads_or(bad ? 1 : 0);
  if (threadIdx.x == 0) broken[blockIdx.x] = any_bad;
  Candidate* own = found + std::int64_t{blockIdx.x} * k;
  best_candidates(
      first, end, k,
      [&](std::int64_t j) {
        return Candidate{call.logits[j], static_cast<std::int32_t>(j)};
      },
      [&](std::int32_t i, Candidate c) { own[i] = c; });
}

/// The shortest list of first candidates whose share reaches top_p, then in proportion.
KVLINK_DEVICE std::int32_t draw(const Candidate* best, std::int32_t n, const SampleCall& call) {
  const auto weight = [&](std::int32_t i) {
    return exp((static_cast<double>(best[i].value) - static_cast<double>(best[0].value)) /
               static_cast<double>(call.temperature));
  };
  double total = 0.0;
  for (std::int32_t i = 0; i < n; ++i) total += weight(i);
  std::int32_t n_kept = 0;
  double kept = 0.0;
  do {
    kept += weight(n_kept++);
  } while (n_kept < n && kept < static_cast<double>(call.top_p) * total);
  double remaining = call.uniform * kept;
  for (std::int32_t i = 0; i < n_kept; ++i) {
    remaining -= weight(i);
    if (remaining < 0.0) return best[i].index;
  }
  return best[n_kept - 1].index;
}

__global__ void draw_kernel(SampleCall call, std::int32_t k, const Candidate* found,
                            const std::int32_t* broken) {
  __shared__ Candidate best[kMostCandidates];
  __shared__ std::int32_t n;
  bool bad = false;
  for (int i = static_cast<int>(threadIdx.x); i < kBlocks; i += kThreads) {
    bad = bad || broken[i] != 0;
  }
  const int any_bad = __syncthreads_or(bad ? 1 : 0);
  if (threadIdx.x == 0) n = 0;
  best_candidates(
      0, std::int64_t{kBlocks} * k, k, [&](std::int64_t j) { return found[j]; },
      [&](std::int32_t i, Candidate c) {
        if (c.index == kNone) return;
        best[i] = c;
        n = i + 1;
      });
  if (threadIdx.x != 0) return;
  if (any_bad != 0 || n == 0 || best[0].value == -INFINITY) {
    *call.token = -1;
  } else {
    *call.token = call.temperature > 0.0F ? draw(best, n, call) : best[0].index;
  }
}

}  // namespace

void sample(Context& context, const SampleCall& call) {
  const std::int32_t k = call.temperature > 0.0F ? call.top_k : 1;
  require(call.n > 0 && k >= 1 && k <= kMostCandidates, "sample: candidates");
  auto* memory = static_cast<std::uint8_t*>(
      context.scratch(kBlocks * (k * static_cast<std::int64_t>(sizeof(Candidate)) + 4)));
  auto* found = reinterpret_cast<Candidate*>(memory);
  auto* broken = reinterpret_cast<std::int32_t*>(found + std::int64_t{kBlocks} * k);
  if (call.n_seen > 0 && call.penalty > 0.0F && call.penalty != 1.0F) {
    launch(context, "sample", penalise_kernel, dim3(blocks_for(call.n_seen, 128)), 128, 0, call);
  }
  launch(context, "sample", slice_kernel, dim3(kBlocks), kThreads, 0, call, k, found, broken);
  launch(context, "sample", draw_kernel, dim3(1), kThreads, 0, call, k, found, broken);
}

}  // namespace kvlink::cuda
