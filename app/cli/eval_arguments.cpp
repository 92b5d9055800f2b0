// SPDX-License-Identifier: Apache-2.0
#include "app/cli/eval_arguments.h"

#include <CLI/CLI.hpp>

#include "app/reading_mode.h"

namespace kvlink::app {
namespace {

using Task = EvalArguments::Task;
constexpr std::size_t kTasks = 6;
const auto kLinkModes = CLI::IsMember({"full", "concat", "reposition", "link", "recompute"});
const CLI::Validator kModes(
    [](std::string& name) {
      return parse_reading_mode(name) ? std::string() : "there is no mode " + name;
    },
    "MODE");

constexpr const char* kExamples = R"(Examples:
  kvlink eval qa --data questions.jsonl.gz --modes full,reposition --passages 3,10 --out qa.work
  kvlink eval rag --corpus corpus.jsonl.gz --queries queries.jsonl.gz --answers questions.jsonl.gz
  kvlink eval retrieval --cranfield cranfield/ --work index/ --json

Settings are the program's defaults, whatever settings.json says. Answers are greedy. Intervals are
95 % bootstrap intervals (10,000 resamples, fixed seed), clustered by question. A run with --out
that was cut goes on where it ended when the same command is given again.)";

constexpr const char* kQuestionFormat =
    "JSON lines, plain or gzip: {id, question, answers[], docs: [{title, text, gold}]}";

class EvalCommands {
 public:
  EvalCommands(CLI::App& app, std::vector<EvalArguments>& storage,
               const std::function<void(const EvalArguments&)>& chosen)
      : storage_(storage), chosen_(chosen) {
    storage_.reserve(kTasks);  // the parser keeps pointers into it
    eval_ = app.add_subcommand("eval", "Measure the quality of answers and of retrieval");
    eval_->fallthrough();
    eval_->footer(kExamples);
    eval_->require_subcommand(1);
  }

  void add_all() {
    add_reading(Task::kQa, "qa", "Accuracy by mode, place of the gold passage and number", 32);
    add_rag();
    add_retrieval();
    add_reading(Task::kTurns, "turns", "A second question about passages that are in context", 32);
    add_reading(Task::kSummary, "summary", "ROUGE-L of summaries (0 passages: all of them)", 128);
    add_reading(Task::kKl, "kl", "KL of the first answer tokens against full prefill", 8);
  }

 private:
  CLI::App* add_task(Task task, const char* name, const char* about) {
    storage_.emplace_back().task = task;
    EvalArguments& values = storage_.back();
    CLI::App* command = eval_->add_subcommand(name, about);
    command->fallthrough();
    command->footer(kExamples);
    command->callback([chosen = chosen_, &values] { chosen(values); });
    return command;
  }

  void add_prompt(CLI::App* command, EvalArguments& values) {
    command->add_option("--system", values.system, "System text (default: the app's)");
    command->add_option("--limit", values.limit, "The first N questions (default: all)")
        ->check(CLI::Range(1, 1 << 30));
    command->add_option("--max-tokens", values.max_tokens, "Tokens of each answer at most")
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();
    command->add_option("--out", values.out,
                        "Work file: keeps every answer, so that a cut run goes on");
  }

  void add_reading(Task task, const char* name, const char* about, std::int32_t max_tokens) {
    CLI::App* command = add_task(task, name, about);
    EvalArguments& values = storage_.back();
    values.max_tokens = max_tokens;
    values.modes = {"full", "reposition"};
    if (task == Task::kSummary) values.passages = {0};
    command->add_option("--data", values.data, kQuestionFormat)->required();
    command
        ->add_option("--modes", values.modes,
                     "full, concat, reposition, link; link+prior; query5, link+query5, … (percent)")
        ->delimiter(',')
        ->check(kModes)
        ->capture_default_str();
    command
        ->add_option("--passages", values.passages, "Numbers of passages, the gold one among them")
        ->delimiter(',')
        ->check(CLI::Range(0, 1000))
        ->capture_default_str();
    if (task == Task::kQa || task == Task::kKl) {
      command
          ->add_option("--gold-at", values.gold_at,
                       "Place of the gold passage from 0, or walk (question i: i mod K), or each")
          ->capture_default_str();
    }
    add_prompt(command, values);
  }

  void add_collection(CLI::App* command, EvalArguments& values) {
    auto* corpus = command->add_option("--corpus", values.corpus,
                                       "Passages, JSON lines, plain or gzip: {id, title, text}");
    auto* queries = command->add_option("--queries", values.queries,
                                        "Queries: {question, relevant[], answers[]}");
    auto* cranfield = command->add_option("--cranfield", values.cranfield,
                                          "Cranfield folder instead of --corpus and --queries");
    corpus->needs(queries);
    queries->needs(corpus);
    cranfield->excludes(corpus);
    command->add_option("--work", values.work,
                        "Folder that keeps the index, so that a second run does not embed again");
  }

  void add_rag() {
    CLI::App* command = add_task(Task::kRag, "rag",
                                 "Retrieve, then answer: accuracy and TTFT by number of passages");
    EvalArguments& values = storage_.back();
    add_collection(command, values);
    command->add_option("--chunks", values.chunks, "Numbers of passages for an answer")
        ->delimiter(',')
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    command->add_option("--answers", values.answers,
                        "Question file whose answers are joined by the question's text");
    command
        ->add_option("--prior", values.prior,
                     "Weight of a passage's similarity while it is read (default: the app's)")
        ->check(CLI::Range(0.0, 100.0));
    command->add_option("--modes", values.modes, "Modes (default: the app's)")
        ->delimiter(',')
        ->check(kLinkModes);
    add_prompt(command, values);
  }

  void add_retrieval() {
    CLI::App* command = add_task(Task::kRetrieval, "retrieval",
                                 "nDCG@10, recall@10, MRR and time: lexical, dense, hybrid");
    EvalArguments& values = storage_.back();
    add_collection(command, values);
    command->add_option("--embedder", values.embedder, "Embedder folder (default: the app's)");
  }

  std::vector<EvalArguments>& storage_;
  const std::function<void(const EvalArguments&)>& chosen_;
  CLI::App* eval_ = nullptr;
};

}  // namespace

void add_eval(CLI::App& app, std::vector<EvalArguments>& storage,
              const std::function<void(const EvalArguments&)>& chosen) {
  EvalCommands(app, storage, chosen).add_all();
}

}  // namespace kvlink::app
