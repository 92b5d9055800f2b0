// SPDX-License-Identifier: Apache-2.0
// How far the first answer tokens' distributions are from full prefill on the same prompts.
#pragma once

#include <stop_token>

#include "app/eval/arms.h"
#include "app/eval/report.h"

namespace kvlink::app {

/// For each question, full prefill answers greedily; every arm then predicts those tokens one by
/// one. KL(full ‖ arm) in nats, of the first token and the mean over at most max_tokens. The
/// reference has the arm's own weights; for full with an adapter it is full without. Errors as
/// run_qa_eval.
Result<EvalReport> run_kl_eval(const EvalSetup& setup, const ReadingOptions& options,
                               const EvalProgress& progress, std::stop_token stop);

}  // namespace kvlink::app
