// SPDX-License-Identifier: Apache-2.0
#include "app/eval/eval_run.h"

#include <algorithm>

#include "app/words.h"
#include "kernels/base/result.h"

namespace kvlink::app {

void run_steps(const std::vector<EvalStep>& steps, WorkFile& work, const std::string& noun,
               const EvalProgress& progress, std::stop_token stop) {
  using Clock = std::chrono::steady_clock;
  const auto total = static_cast<std::int64_t>(steps.size());
  std::int64_t n_left = std::count_if(steps.begin(), steps.end(), [&](const EvalStep& step) {
    return work.find(step.key) == nullptr;
  });
  const auto begin = Clock::now();
  std::int64_t n_made = 0;
  for (const auto& step : steps) {
    if (work.find(step.key) != nullptr) continue;
    if (stop.stop_requested()) fail(ErrorCode::kCancelled, "stopped");
    work.append(step.key, step.perform());
    ++n_made;
    --n_left;
    const double spent = std::chrono::duration<double>(Clock::now() - begin).count();
    const double left = spent / static_cast<double>(n_made) * static_cast<double>(n_left);
    if (progress) {
      progress(count_in_words(total - n_left) + " of " + counted(total, noun) + ", " +
               seconds_in_words(left) + " left");
    }
  }
}

}  // namespace kvlink::app
