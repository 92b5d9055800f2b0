// SPDX-License-Identifier: Apache-2.0
// What the machine can do at best, measured: every op is judged by its share of it.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/cpu_backend.h"

namespace kvlink::kernels {

/// Of all threads of a backend together, 10^9 per second.
struct Roofs {
  struct Reading {
    std::int64_t set_bytes = 0;  ///< read again and again, each thread its own part
    double bytes = 0;
  };
  std::vector<Reading> readings;  ///< by size, from what the nearest cache holds up to memory
  double f32_operations = 0;      ///< multiply and add count as two
  double bf16_operations = 0;     ///< products of bf16 pairs; 0: the backend does not use them
  double int8_operations = 0;     ///< products of bytes

  /// From memory, far more than the caches hold.
  double memory_bytes() const { return readings.back().bytes; }
  /// Of an op that reads so many bytes each time: between the two nearest measured sets by the
  /// logarithm of the size, and that of the smallest or largest set beyond them.
  double bytes_for(double op_bytes) const;
};

/// Takes about a second and 256 MiB, and keeps whatever is higher than what `roofs` has: other work
/// on the machine only lowers a figure, so measure before and after what is to be judged.
void raise_roofs(CpuBackend& backend, Roofs& roofs);

}  // namespace kvlink::kernels
