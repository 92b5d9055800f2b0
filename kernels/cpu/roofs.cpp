// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/roofs.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <numeric>

#include "kernels/base/buffer.h"
#include "kernels/cpu/int_table.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/thread_pool.h"

namespace kvlink::kernels {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kLeastSet = std::int64_t{32} << 10;
constexpr std::int64_t kMemorySet = std::int64_t{256} << 20;
constexpr double kSecondsPerFigure = 0.06;
/// A pass over a set that no cache holds takes many milliseconds.
constexpr std::int64_t kLargeSet = std::int64_t{64} << 20;
constexpr double kSecondsPerLargeSet = 0.25;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// The sum of what each worker did at best in a slice of some 50 us. A slice is seldom interrupted,
/// so that a busy machine still shows what its cores can do. Workers that never ran count as the
/// average of the others.
double arithmetic(CpuBackend& backend, const std::function<std::int64_t(std::int64_t n)>& work) {
  constexpr std::int64_t kRounds = 20000;
  const std::int64_t n_tasks = std::int64_t{16} * backend.n_threads();
  std::vector<double> best(static_cast<std::size_t>(backend.n_threads()));
  const auto begin = Clock::now();
  do {
    backend.pool().parallel_for(n_tasks, [&](std::int64_t, int worker) {
      const auto slice = Clock::now();
      const auto n = static_cast<double>(work(kRounds));
      double& own = best[static_cast<std::size_t>(worker)];
      own = std::max(own, n / seconds_since(slice) * 1e-9);
    });
  } while (seconds_since(begin) < kSecondsPerFigure);
  const double sum = std::accumulate(best.begin(), best.end(), 0.0);
  const auto n_idle = std::count(best.begin(), best.end(), 0.0);
  return sum * static_cast<double>(best.size()) / static_cast<double>(std::ssize(best) - n_idle);
}

/// Reads the first set_bytes of the buffer: in one piece per thread, each many times over, where
/// the set is small, and else in pieces of 1 MiB.
double reading(CpuBackend& backend, const HostBuffer& buffer, std::int64_t set_bytes) {
  constexpr std::int64_t kLargePiece = std::int64_t{1} << 20;
  constexpr std::int64_t kTaskBytes = std::int64_t{4} << 20;
  constexpr std::int64_t kMultiple = 4096;
  const auto peak_read = kernel_table(backend.isa()).peak_read;
  const std::int64_t n_threads = backend.n_threads();
  const std::int64_t share = std::max(set_bytes / n_threads / kMultiple, std::int64_t{1});
  const std::int64_t piece = std::min(share * kMultiple, kLargePiece);
  const std::int64_t n_pieces = piece < kLargePiece ? n_threads : set_bytes / piece;
  const std::int64_t n_times = piece < kLargePiece ? kTaskBytes / piece : 1;
  const std::int64_t n_tasks = piece < kLargePiece ? 4 * n_pieces : n_pieces;
  std::atomic<float> sink = 0.0F;
  const double enough = set_bytes < kLargeSet ? kSecondsPerFigure : kSecondsPerLargeSet;
  double best = 0;
  const auto begin = Clock::now();
  do {
    const auto round = Clock::now();
    backend.pool().parallel_for(n_tasks, [&](std::int64_t task, int) {
      const float* from = buffer.as<float>() + task % n_pieces * piece / 4;
      float sum = 0;
      for (std::int64_t i = 0; i < n_times; ++i) sum += peak_read(from, piece / 4);
      sink.store(sum, std::memory_order_relaxed);
    });
    const auto n_bytes = static_cast<double>(n_tasks * n_times * piece);
    best = std::max(best, n_bytes / seconds_since(round) * 1e-9);
  } while (seconds_since(begin) < enough);
  return best;
}

void raise(double& figure, double measured) { figure = std::max(figure, measured); }

}  // namespace

double Roofs::bytes_for(double op_bytes) const {
  const auto above = std::find_if(readings.begin(), readings.end(), [&](const Reading& reading) {
    return static_cast<double>(reading.set_bytes) > op_bytes;
  });
  if (above == readings.begin()) return above->bytes;
  const Reading& below = *(above - 1);
  if (above == readings.end()) return below.bytes;
  const auto smaller = static_cast<double>(below.set_bytes);
  const double part =
      std::log(op_bytes / smaller) / std::log(static_cast<double>(above->set_bytes) / smaller);
  return below.bytes + part * (above->bytes - below.bytes);
}

void raise_roofs(CpuBackend& backend, Roofs& roofs) {
  if (roofs.readings.empty()) {
    for (std::int64_t set = kLeastSet; set <= kMemorySet; set *= 2) {
      roofs.readings.push_back({.set_bytes = set});
    }
  }
  HostBuffer buffer(kMemorySet);
  std::fill_n(buffer.as<float>(), kMemorySet / 4, 1.0F);
  for (Roofs::Reading& of : roofs.readings) {
    raise(of.bytes, reading(backend, buffer, of.set_bytes));
  }
  // A smaller set can always be read at least as fast; where it was not, something came between.
  for (std::size_t i = roofs.readings.size() - 1; i > 0; --i) {
    raise(roofs.readings[i - 1].bytes, roofs.readings[i].bytes);
  }
  const KernelTable& kernels = kernel_table(backend.isa());
  raise(roofs.f32_operations, arithmetic(backend, [&](std::int64_t n) {
          float sink = 1.0F;
          return kernels.peak_f32(n, &sink);
        }));
  if (backend.uses_bf16()) {
    raise(roofs.bf16_operations, arithmetic(backend, [&](std::int64_t n) {
            float sink = 1.0F;
            return bf16_table(backend.isa()).peak_bf16(n, &sink);
          }));
  }
  raise(roofs.int8_operations, arithmetic(backend, [&](std::int64_t n) {
          std::int32_t sink = 1;
          return int_table(backend.isa()).peak_int8(n, &sink);
        }));
}

}  // namespace kvlink::kernels
