// SPDX-License-Identifier: Apache-2.0
// Question answering over given passages: accuracy by mode, place of the gold passage and number.
#pragma once

#include <stop_token>

#include "app/eval/arms.h"
#include "app/eval/report.h"

namespace kvlink::app {

/// Every arm answers the same questions over the same passages, greedily. kInvalidInput: options
/// that fit no question, a work file of another run; kCorrupt: a line of the data, by number;
/// kCancelled: stopped, what was answered is in the work file.
Result<EvalReport> run_qa_eval(const EvalSetup& setup, const ReadingOptions& options,
                               const EvalProgress& progress, std::stop_token stop);

}  // namespace kvlink::app
