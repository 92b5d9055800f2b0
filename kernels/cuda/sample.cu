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

/// How many candidates count. A caller's numbers never lead out of an array.
KVLINK_DEVICE std::int32_t n_candidates(const DrawParameters& parameters) {
  if (!(parameters.temperature > 0.0F)) return 1;
  const std::int32_t k = parameters.top_k;
  return k < 1 ? 1 : (k > kMostCandidates ? kMostCandidates : k);
}

// What a slice says about its logits.
constexpr std::int32_t kBroken = 1;   // one is NaN or infinity
constexpr std::int32_t kAllowed = 2;  // one is more than minus infinity

/// Divides what is likely and was said, makes what is not even less likely, as the CPU does.
KVLINK_DEVICE void penalise(const SampleCall& call, std::int64_t first, std::int64_t end) {
  const float penalty = call.parameters->penalty;
  if (!(penalty > 0.0F) || penalty == 1.0F) return;
  for (int i = static_cast<int>(threadIdx.x); i < call.parameters->n_seen; i += kThreads) {
    const std::int32_t id = call.seen[i];
    if (id < first || id >= end) continue;
    float& v = call.logits[id];
    v = v > 0.0F ? v / penalty : v * penalty;
  }
}

__global__ void __launch_bounds__(kThreads)
    slice_kernel(SampleCall call, Candidate* found, std::int32_t* states) {
  const std::int64_t each = (call.n + kBlocks - 1) / kBlocks;
  const std::int64_t first = blockIdx.x * each;
  const std::int64_t end = first + each < call.n ? first + each : call.n;
  bool is_broken = false;
  bool is_allowed = false;
  for (std::int64_t j = first + threadIdx.x; j < end; j += kThreads) {
    is_broken = is_broken || !(call.logits[j] < INFINITY);
    is_allowed = is_allowed || call.logits[j] > -INFINITY;
  }
  const int any_broken = __syncthreads_or(is_broken ? 1 : 0);
  const int any_allowed = __syncthreads_or(is_allowed ? 1 : 0);
  if (threadIdx.x == 0) {
    states[blockIdx.x] = (any_broken != 0 ? kBroken : 0) | (any_allowed != 0 ? kAllowed : 0);
  }
  penalise(call, first, end);
  __syncthreads();
  const std::int32_t k = n_candidates(*call.parameters);
  Candidate* own = found + std::int64_t{blockIdx.x} * k;
  best_candidates(
      first, end, k,
      [&](std::int64_t j) {
        return Candidate{call.logits[j], static_cast<std::int32_t>(j)};
      },
      [&](std::int32_t i, Candidate c) { own[i] = c; });
}

/// The shortest list of first weights whose share reaches top_p, then in proportion.
KVLINK_DEVICE std::int32_t draw(const double* weights, std::int32_t n,
                                const DrawParameters& parameters) {
  double total = 0.0;
  for (std::int32_t i = 0; i < n; ++i) total += weights[i];
  std::int32_t n_kept = 0;
  double kept = 0.0;
  do {
    kept += weights[n_kept++];
  } while (n_kept < n && kept < static_cast<double>(parameters.top_p) * total);
  double remaining = parameters.uniform * kept;
  for (std::int32_t i = 0; i < n_kept; ++i) {
    remaining -= weights[i];
    if (remaining < 0.0) return i;
  }
  return n_kept - 1;
}

__global__ void __launch_bounds__(kThreads)
    draw_kernel(SampleCall call, const Candidate* found, const std::int32_t* states) {
  __shared__ Candidate best[kMostCandidates];
  __shared__ double weights[kMostCandidates];
  __shared__ std::int32_t n;
  std::int32_t state = 0;
  for (int i = static_cast<int>(threadIdx.x); i < kBlocks; i += kThreads) state |= states[i];
  const int any_broken = __syncthreads_or(state & kBroken);
  const int any_allowed = __syncthreads_or(state & kAllowed);
  if (any_broken != 0 || any_allowed == 0) {
    if (threadIdx.x == 0) *call.token = -1;
    return;
  }
  const std::int32_t k = n_candidates(*call.parameters);
  if (threadIdx.x == 0) n = 0;
  best_candidates(
      0, std::int64_t{kBlocks} * k, k, [&](std::int64_t j) { return found[j]; },
      [&](std::int32_t i, Candidate c) {
        if (c.index == kNone) return;
        best[i] = c;
        n = i + 1;
      });
  __syncthreads();
  const double temperature = static_cast<double>(call.parameters->temperature);
  const double top = static_cast<double>(best[0].value);
  for (int i = static_cast<int>(threadIdx.x); i < n; i += kThreads) {
    weights[i] = exp((static_cast<double>(best[i].value) - top) / temperature);
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  *call.token = best[temperature > 0.0 ? draw(weights, n, *call.parameters) : 0].index;
}

}  // namespace

void sample(Context& context, const SampleCall& call) {
  static_assert(kSampleScratchBytes == kBlocks * (kMostCandidates * sizeof(Candidate) + 4));
  require(call.n > 0 && call.n < INT32_MAX, "sample: logits");
  auto* found = static_cast<Candidate*>(context.scratch(kSampleScratchBytes));
  auto* states = reinterpret_cast<std::int32_t*>(found + kBlocks * kMostCandidates);
  launch(context, "sample", slice_kernel, dim3(kBlocks), kThreads, 0, call, found, states);
  launch(context, "sample", draw_kernel, dim3(1), kThreads, 0, call, found, states);
}

}  // namespace kvlink::cuda
