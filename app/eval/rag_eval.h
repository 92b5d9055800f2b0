// SPDX-License-Identifier: Apache-2.0
// From question to answer, retrieval included: the figure that users feel.
#pragma once

#include <optional>
#include <stop_token>
#include <vector>

#include "app/eval/eval_model.h"
#include "app/eval/report.h"
#include "app/eval/retrieval_eval.h"
#include "app/settings.h"

namespace kvlink::app {

struct RagOptions {
  CollectionFiles files;
  std::filesystem::path answers;  ///< question file whose answers are joined by question text
  std::vector<std::int32_t> chunks = {Settings().chunks_per_answer};  ///< passages for an answer
  std::vector<inference::LinkMode> modes;  ///< empty: the app's default
  EvalPrompt prompt;
  std::optional<float> prior;  ///< Settings::passage_prior; nothing: the app's
  std::int64_t limit = 0;      ///< queries; 0: all
  std::int32_t max_tokens = 32;
  std::filesystem::path work;  ///< keeps the library for the next run; "": a temporary folder
  std::filesystem::path out;   ///< work file; "": none
};

/// The app's own pipeline and settings but for max_tokens: retrieve, load, rotate, prefill, answer.
/// Blocks are encoded before the clock starts and read from files. Accuracy over the queries that
/// have answers, share of queries whose relevant passage was among the sources, TTFT quantiles, by
/// number of passages. Errors as run_qa_eval.
Result<EvalReport> run_rag_eval(const EvalSetup& setup, const RagOptions& options,
                                const EvalProgress& progress, std::stop_token stop);

}  // namespace kvlink::app
