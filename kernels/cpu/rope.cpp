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
namespace {

constexpr std::int64_t kFreshEvery = 64;

}  // namespace

RopeTable::RopeTable(const Rope& rope, float* cosines, float* sines)
    : rope_(rope),
      cosines_(cosines),
      sines_(sines),
      turns_(rope.frequencies.size()),
      position_(std::numeric_limits<std::int64_t>::min()) {
  for (std::size_t i = 0; i < turns_.size(); ++i) {
    const double step = rope.frequencies[i];
    turns_[i] = {1.0, 0.0, std::cos(step), std::sin(step)};
  }
}

void RopeTable::move_to(std::int32_t position) {
  if (position == position_) return;
  const bool is_next = std::int64_t{position} == position_ + 1 && position % kFreshEvery != 0;
  const std::size_t half = turns_.size();
  const bool interleaved = rope_.pairing == RopePairing::kInterleaved;
  for (std::size_t i = 0; i < half; ++i) {
    Turn& turn = turns_[i];
    if (is_next) {
      const double cosine = turn.cosine * turn.step_cosine - turn.sine * turn.step_sine;
      turn.sine = turn.sine * turn.step_cosine + turn.cosine * turn.step_sine;
      turn.cosine = cosine;
    } else {
      const double angle = static_cast<double>(position) * rope_.frequencies[i];
      turn.cosine = std::cos(angle);
      turn.sine = std::sin(angle);
    }
    const std::size_t first = interleaved ? 2 * i : i;
    const std::size_t second = interleaved ? 2 * i + 1 : i + half;
    cosines_[first] = cosines_[second] = static_cast<float>(turn.cosine * rope_.magnitude);
    sines_[second] = static_cast<float>(turn.sine * rope_.magnitude);
    sines_[first] = -sines_[second];
  }
  position_ = position;
}

void rope(CpuBackend& backend, const Rope& rope, std::int64_t head_dim,
          std::span<const std::int32_t> positions, View<float> x) {
  KVLINK_CHECK(head_dim > 0 && x.cols % head_dim == 0 && rope.n_rotated() <= head_dim);
  KVLINK_CHECK(static_cast<std::int64_t>(positions.size()) == x.rows);
  const KernelTable& kernels = kernel_table(backend.isa());
  const std::int64_t n_rotated = rope.n_rotated();
  const bool interleaved = rope.pairing == RopePairing::kInterleaved;
  ThreadPool& pool = backend.pool();
  pool.reserve_scratch(2 * n_rotated);
  for_each_rows(backend, x.rows, x.cols, [&](std::int64_t begin, std::int64_t end, int worker) {
    float* cosines = pool.scratch(worker);
    float* sines = cosines + n_rotated;
    RopeTable table(rope, cosines, sines);
    for (std::int64_t r = begin; r < end; ++r) {
      table.move_to(positions[static_cast<std::size_t>(r)]);
      kernels.rotate(x.row(r), x.cols / head_dim, head_dim, n_rotated, interleaved, cosines, sines);
    }
  });
}

}  // namespace kvlink::kernels
