// SPDX-License-Identifier: Apache-2.0
// Sines and cosines of one position after another.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/rope.h"

namespace kvlink::kernels {

/// Factors of the rotation y[e] = x[e] * cosines[e] + x[partner(e)] * sines[e] at a position.
///
/// Angles are kept in f64. From a position to its successor the unit vector is turned by one step
/// instead of calling sin and cos again; every 64th position starts afresh, which keeps the error
/// of the angle below 1e-14. Not thread-safe: one per task.
class RopeTable {
 public:
  RopeTable(const Rope& rope, float* cosines, float* sines);

  /// Fills cosines and sines, each [n_rotated].
  void move_to(std::int32_t position);

 private:
  struct Turn {
    double cosine, sine, step_cosine, step_sine;
  };

  const Rope& rope_;
  float* cosines_;
  float* sines_;
  std::vector<Turn> turns_;
  std::int64_t position_;
};

}  // namespace kvlink::kernels
