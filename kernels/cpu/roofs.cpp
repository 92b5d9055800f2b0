// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/roofs.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <numeric>
#include <vector>

#include "kernels/base/buffer.h"
#include "kernels/cpu/int_table.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/thread_pool.h"

namespace kvlink::kernels {
namespace {

constexpr int kRuns = 7;
constexpr std::int64_t kReadBytes = std::int64_t{256} << 20;

/// Most of `count()` per second, in 10^9.
double best_rate(const std::function<double()>& count) {
  using Clock = std::chrono::steady_clock;
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto begin = Clock::now();
    const double n = count();
    best = std::max(best, n / std::chrono::duration<double>(Clock::now() - begin).count() * 1e-9);
  }
  return best;
}

/// Many short tasks, so that a thread which starts late does not hold the others up.
double arithmetic(CpuBackend& backend, const std::function<double(std::int64_t n)>& work) {
  constexpr std::int64_t kRounds = 20000;
  const std::int64_t n_tasks = std::int64_t{32} * backend.n_threads();
  return best_rate([&] {
    std::vector<double> done(static_cast<std::size_t>(n_tasks));
    backend.pool().parallel_for(n_tasks, [&](std::int64_t task, int) {
      done[static_cast<std::size_t>(task)] = work(kRounds);
    });
    return std::accumulate(done.begin(), done.end(), 0.0);
  });
}

double reading(CpuBackend& backend) {
  constexpr std::int64_t kPiece = 1 << 18;  ///< floats
  const KernelTable& kernels = kernel_table(backend.isa());
  HostBuffer buffer(kReadBytes);
  std::fill_n(buffer.as<float>(), kReadBytes / 4, 1.0F);
  std::atomic<float> largest = 0.0F;
  return best_rate([&] {
    backend.pool().parallel_for(kReadBytes / 4 / kPiece, [&](std::int64_t task, int) {
      const float found = kernels.max_abs(buffer.as<float>() + task * kPiece, kPiece);
      largest.store(found, std::memory_order_relaxed);
    });
    return static_cast<double>(kReadBytes);
  });
}

}  // namespace

Roofs measure_roofs(CpuBackend& backend) {
  const KernelTable& kernels = kernel_table(backend.isa());
  const IntTable& integers = int_table(backend.isa());
  Roofs roofs;
  roofs.read_bytes = reading(backend);
  roofs.f32_operations = arithmetic(backend, [&](std::int64_t n) {
    float sink = 1.0F;
    return static_cast<double>(kernels.peak_f32(n, &sink));
  });
  roofs.int8_operations = arithmetic(backend, [&](std::int64_t n) {
    std::int32_t sink = 1;
    return static_cast<double>(integers.peak_int8(n, &sink));
  });
  return roofs;
}

}  // namespace kvlink::kernels
