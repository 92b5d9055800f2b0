// SPDX-License-Identifier: Apache-2.0
// A second question about the same passages: from the conversation's context, or from the start.
#pragma once

#include <stop_token>

#include "app/eval/arms.h"
#include "app/eval/report.h"

namespace kvlink::app {

/// Questions of the data that share a gold passage are paired; each passage gives one pair. The
/// second question is asked in the conversation of the first, which has the passages already
/// ("reused"), and in a new one that reads them again ("fresh"). Other passages are the gold ones
/// of the pairs that follow. `limit` counts pairs. Errors as run_qa_eval; kInvalidInput also when
/// fewer passages with two questions exist than are wanted.
Result<EvalReport> run_turns_eval(const EvalSetup& setup, const ReadingOptions& options,
                                  const EvalProgress& progress, std::stop_token stop);

}  // namespace kvlink::app
