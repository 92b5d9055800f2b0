// SPDX-License-Identifier: Apache-2.0
// What the machine can do at best, measured: every op is judged by its share of it.
#pragma once

#include "kernels/cpu/cpu_backend.h"

namespace kvlink::kernels {

/// Of all threads of a backend together, 10^9 per second.
struct Roofs {
  double read_bytes = 0;       ///< from memory, far more than the caches hold
  double f32_operations = 0;   ///< multiply and add count as two
  double int8_operations = 0;  ///< products of bytes
};

/// Takes about a second and 256 MiB. Best of several runs: other work on the machine only lowers
/// it.
Roofs measure_roofs(CpuBackend& backend);

}  // namespace kvlink::kernels
