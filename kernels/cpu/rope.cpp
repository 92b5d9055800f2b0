// SPDX-License-Identifier: Apache-2.0
// Rows are split over tasks; angles in f64, once per position, rotation in f32.
#include "kernels/rope.h"

#include <cmath>
#include <limits>

#include "kernels/base/result.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/rope_table.h"
#include "kernels/cpu/row_tasks.h"

namespace kvlink::kernels {

RopeSteps::RopeSteps(const Rope& rope) {
  for (const float frequency : rope.frequencies) {
    cosines.push_back(std::cos(static_cast<double>(frequency)));
    sines.push_back(std::sin(static_cast<double>(frequency)));
  }
}

RopeTable::RopeTable(const KernelTable& kernels, const Rope& rope, const RopeSteps& steps,
                     float* scratch)
    : kernels_(kernels),
      rope_(rope),
      steps_(steps),
      cosines_(reinterpret_cast<double*>(scratch)),
      sines_(cosines_ + rope.frequencies.size()),
      factors_(scratch + 2 * rope.n_rotated()),
      position_(std::numeric_limits<std::int64_t>::min()) {}

void RopeTable::move_to(std::int32_t position) {
  if (position == position_) return;
  const auto n = static_cast<std::int64_t>(rope_.frequencies.size());
  if (std::int64_t{position} == position_ + 1 && position % kFreshEvery != 0) {
    kernels_.turn(steps_.cosines.data(), steps_.sines.data(), n, cosines_, sines_);
  } else {
    for (std::int64_t i = 0; i < n; ++i) {
      const double angle =
          static_cast<double>(position) * rope_.frequencies[static_cast<std::size_t>(i)];
      cosines_[i] = std::cos(angle);
      sines_[i] = std::sin(angle);
    }
  }
  kernels_.rotation_factors(cosines_, sines_, rope_.magnitude, n,
                            rope_.pairing == RopePairing::kInterleaved, factors_, factors_ + 2 * n);
  position_ = position;
}

void rope(CpuBackend& backend, const Rope& rope, std::int64_t head_dim,
          std::span<const std::int32_t> positions, View<float> x) {
  KVLINK_CHECK(head_dim > 0 && x.cols % head_dim == 0 && rope.n_rotated() <= head_dim);
  KVLINK_CHECK(static_cast<std::int64_t>(positions.size()) == x.rows);
  const KernelTable& kernels = kernel_table(backend.isa());
  const bool interleaved = rope.pairing == RopePairing::kInterleaved;
  const RopeSteps steps(rope);
  ThreadPool& pool = backend.pool();
  pool.reserve_scratch(RopeTable::scratch_floats(rope));
  for_each_rows(backend, x.rows, x.cols, [&](std::int64_t begin, std::int64_t end, int worker) {
    RopeTable table(kernels, rope, steps, pool.scratch(worker));
    for (std::int64_t r = begin; r < end; ++r) {
      table.move_to(positions[static_cast<std::size_t>(r)]);
      kernels.rotate(x.row(r), x.cols / head_dim, head_dim, rope.n_rotated(), interleaved,
                     table.cosines(), table.sines());
    }
  });
}

}  // namespace kvlink::kernels
