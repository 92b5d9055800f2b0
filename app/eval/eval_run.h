// SPDX-License-Identifier: Apache-2.0
// What every evaluation shares: where models are, how far it is, and one run after another.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/eval/work_file.h"
#include "app/paths.h"

namespace kvlink::app {

/// Which models, and where temporary folders may lie (inside the data folder).
struct EvalSetup {
  Paths paths;
  std::string generator;  ///< "" takes the default
  std::int32_t threads = 0;
};

/// "12 of 400 answers, 3 min 20 s left"; called after each step.
using EvalProgress = std::function<void(const std::string&)>;

/// One answer to be made. `perform` is called only when the work file has no record of the key.
struct EvalStep {
  std::string key;
  std::function<RunRecord()> perform;
};

/// Carries the steps out in order, keeps every record in `work`, and tells how far it is. Throws
/// kCancelled at a stop; what is done stays in the file.
void run_steps(const std::vector<EvalStep>& steps, WorkFile& work, const std::string& noun,
               const EvalProgress& progress, std::stop_token stop);

}  // namespace kvlink::app
