// SPDX-License-Identifier: Apache-2.0
#include "app/cli/command.h"
#include "app/eval/kl_eval.h"
#include "app/eval/qa_eval.h"
#include "app/eval/rag_eval.h"
#include "app/eval/retrieval_eval.h"
#include "app/eval/summary_eval.h"
#include "app/eval/turns_eval.h"

namespace kvlink::app {
namespace {

using Task = EvalArguments::Task;

std::vector<ReadingMode> modes_of(const EvalArguments& arguments) {
  std::vector<ReadingMode> modes;
  for (const auto& name : arguments.modes) modes.push_back(mode_named(name));
  return modes;
}

/// As every command, an evaluation takes the adapter made for the model where none is named.
EvalPrompt prompt_of(const EvalArguments& arguments, const std::string& adapter) {
  return {adapter.empty() ? "default" : adapter, arguments.system};
}

ReadingOptions reading_options(const EvalArguments& arguments, const std::string& adapter) {
  ReadingOptions options;
  options.data = arguments.data;
  options.modes = modes_of(arguments);
  options.passages = arguments.passages;
  options.gold_at = GoldPlaces::parse(arguments.gold_at);
  options.prompt = prompt_of(arguments, adapter);
  options.limit = arguments.limit;
  options.max_tokens = arguments.max_tokens;
  options.out = arguments.out;
  return options;
}

CollectionFiles collection_files(const EvalArguments& arguments) {
  if (arguments.corpus.empty() && arguments.cranfield.empty()) {
    fail(ErrorCode::kInvalidInput, "Name a collection: --corpus and --queries, or --cranfield.");
  }
  return {arguments.corpus, arguments.queries, arguments.cranfield};
}

RagOptions rag_options(const EvalArguments& arguments, const std::string& adapter) {
  RagOptions options;
  options.files = collection_files(arguments);
  options.answers = arguments.answers;
  options.chunks = arguments.chunks;
  for (const auto& name : arguments.modes) {
    if (const auto mode = inference::parse_link_mode(name)) options.modes.push_back(*mode);
  }
  options.prompt = prompt_of(arguments, adapter);
  options.prior = arguments.prior;
  options.limit = arguments.limit;
  options.max_tokens = arguments.max_tokens;
  options.work = arguments.work;
  options.out = arguments.out;
  return options;
}

Result<EvalReport> run_task(const EvalSetup& setup, const EvalArguments& arguments,
                            const std::string& adapter, const EvalProgress& progress,
                            std::stop_token stop) {
  switch (arguments.task) {
    case Task::kQa:
      return run_qa_eval(setup, reading_options(arguments, adapter), progress, stop);
    case Task::kTurns:
      return run_turns_eval(setup, reading_options(arguments, adapter), progress, stop);
    case Task::kSummary:
      return run_summary_eval(setup, reading_options(arguments, adapter), progress, stop);
    case Task::kKl:
      return run_kl_eval(setup, reading_options(arguments, adapter), progress, stop);
    case Task::kRag:
      return run_rag_eval(setup, rag_options(arguments, adapter), progress, stop);
    case Task::kRetrieval:
      break;
  }
  RetrievalOptions options;
  options.files = collection_files(arguments);
  options.embedder = arguments.embedder;
  options.work = arguments.work;
  return run_retrieval_eval(setup, options, progress, stop);
}

}  // namespace

ExitCode run_command(CommandContext& context, const EvalArguments& arguments) {
  const EvalSetup setup{context.paths, context.global.model, context.global.threads};
  const auto report = value_or_throw(run_task(
      setup, arguments, context.global.adapter,
      [&](const std::string& line) { context.output.progress(line); }, context.interrupt.token()));
  context.output.end_progress();
  context.output.print(context.output.json() ? report_json(report) + "\n" : report_table(report));
  return ExitCode::kDone;
}

}  // namespace kvlink::app
