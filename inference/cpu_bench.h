// SPDX-License-Identifier: Apache-2.0
// `kvlink bench cpu`: every op of the default model's sizes against what the machine can do.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/roofs.h"

namespace kvlink::inference {

/// One op at one size.
struct CpuRow {
  std::string op;
  double microseconds = 0;  ///< median of the runs
  double gigabytes_per_second = 0;
  double operations_per_second = 0;  ///< 10^9
  double share = 0;                  ///< of the roof that is nearest, 0 to 1
  std::string roof;                  ///< "memory", "cache", "f32", "bf16" or "int8"
};

struct CpuFigures {
  std::string processor;
  kernels::Roofs roofs;
  std::vector<CpuRow> rows;
};

/// Takes about half a minute. `progress` names each op before it runs. Throws kCancelled.
CpuFigures run_cpu_bench(kernels::CpuBackend& backend,
                         const std::function<void(const std::string&)>& progress,
                         std::stop_token stop);

}  // namespace kvlink::inference
