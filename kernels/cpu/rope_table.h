// SPDX-License-Identifier: Apache-2.0
// Sines and cosines of one position after another.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/kernel_table.h"
#include "kernels/rope.h"

namespace kvlink::kernels {

/// How far one position turns each pair; shared by the tasks of an op.
struct RopeSteps {
  std::vector<double> cosines, sines;

  explicit RopeSteps(const Rope& rope);
};

/// Factors of the rotation y[e] = x[e] * cosines[e] + x[partner(e)] * sines[e] at a position.
///
/// Angles are kept in f64. From a position to its successor each unit vector is turned by one step
/// instead of calling sin and cos again; every 64th position starts afresh, which keeps the error
/// of the angle below 1e-13. Borrows everything; one per task.
class RopeTable {
 public:
  static constexpr std::int64_t kFreshEvery = 64;

  /// Floats of scratch that a table of `rope` needs.
  static std::int64_t scratch_floats(const Rope& rope) { return 4 * rope.n_rotated(); }

  RopeTable(const KernelTable& kernels, const Rope& rope, const RopeSteps& steps, float* scratch);

  void move_to(std::int32_t position);
  const float* cosines() const { return factors_; }
  const float* sines() const { return factors_ + rope_.n_rotated(); }

 private:
  const KernelTable& kernels_;
  const Rope& rope_;
  const RopeSteps& steps_;
  double* cosines_;
  double* sines_;
  float* factors_;
  std::int64_t position_;
};

}  // namespace kvlink::kernels
