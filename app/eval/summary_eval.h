// SPDX-License-Identifier: Apache-2.0
// Summaries of several passages against written ones: ROUGE-L by mode.
#pragma once

#include <stop_token>

#include "app/eval/arms.h"
#include "app/eval/report.h"

namespace kvlink::app {

/// Each record's passages (the first `passages` of them; all of them for 0) are summarised; a
/// record's own "question" is asked in place of the general one. Errors as run_qa_eval.
Result<EvalReport> run_summary_eval(const EvalSetup& setup, const ReadingOptions& options,
                                    const EvalProgress& progress, std::stop_token stop);

}  // namespace kvlink::app
