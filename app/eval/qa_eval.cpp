// SPDX-License-Identifier: Apache-2.0
#include "app/eval/qa_eval.h"

#include <map>
#include <utility>

#include "app/eval/figures.h"

namespace kvlink::app {
namespace {

/// One answer to be made.
struct Run {
  std::int64_t question = 0;
  std::int64_t n_passages = 0;
  std::int64_t gold_at = 0;
  std::size_t arm = 0;

  std::string key(const Arm& of) const {
    return "q" + std::to_string(question) + "/k" + std::to_string(n_passages) + "/g" +
           std::to_string(gold_at) + "/" + of.name();
  }
};

class QaEval {
 public:
  QaEval(const EvalSetup& setup, const ReadingOptions& options)
      : options_(options),
        questions_(read_questions(options.data, options.limit)),
        contest_(setup, options),
        parameters_(contest_.parameters()),
        work_(options.out, "qa", parameters_) {
    check_questions();
    for (std::size_t q = 0; q < questions_.size(); ++q) add_runs(static_cast<std::int64_t>(q));
  }

  EvalReport perform(const EvalProgress& progress, std::stop_token stop) {
    std::vector<EvalStep> steps;
    for (const auto& run : runs_) {
      steps.push_back({run.key(arm(run)), [this, &run, stop] { return answer(run, stop); }});
    }
    run_steps(steps, work_, "answer", progress, stop);
    return report();
  }

 private:
  const Arm& arm(const Run& run) const { return contest_.arms()[run.arm]; }
  const EvalQuestion& question(const Run& run) const {
    return questions_[static_cast<std::size_t>(run.question)];
  }

  /// Before hours of work, not in the middle of them.
  void check_questions() const {
    for (std::size_t q = 0; q < questions_.size(); ++q) {
      for (const auto n : options_.passages) {
        const auto places = options_.gold_at.of(static_cast<std::int64_t>(q), n);
        choose_passages(questions_[q], n, places.front());
      }
    }
  }

  void add_runs(std::int64_t question) {
    for (const auto n : options_.passages) {
      for (const auto place : options_.gold_at.of(question, n)) {
        for (std::size_t a = 0; a < contest_.arms().size(); ++a) {
          runs_.push_back({question, n, place, a});
        }
      }
    }
  }

  RunRecord answer(const Run& run, std::stop_token stop) {
    EvalModel& model = contest_.model(arm(run));
    const auto chosen = choose_passages(question(run), run.n_passages, run.gold_at);
    const auto passages = arm(run).mode.prior
                              ? model.weighed_passages(chosen, question(run).question)
                              : model.passages(chosen);
    auto dialogue = model.start();
    return model.answer(dialogue,
                        {.mode = arm(run).mode,
                         .passages = passages,
                         .question = question(run).question,
                         .max_tokens = options_.max_tokens},
                        std::move(stop));
  }

  EvalReport report() const {
    std::map<std::pair<std::int64_t, std::size_t>, AnswerFigures> figures;
    for (const auto& run : runs_) {
      const RunRecord& made = *work_.find(run.key(arm(run)));
      figures[{run.n_passages, run.arm}].add({run.question, run.gold_at}, made,
                                             question(run).answers);
    }
    EvalReport report{"qa", parameters_, {}, {}};
    for (const auto& [key, figure] : figures) {
      ReportRow row = row_of(contest_.arms()[key.second], key.first);
      figure.add_to(row);
      report.results.push_back(std::move(row));
    }
    for (const auto& [key, figure] : figures) {
      add_places(contest_.arms()[key.second], key.first, figure.accuracy, report);
    }
    for (const auto n : options_.passages) {
      std::vector<NamedValues> named;
      for (std::size_t a = 0; a < contest_.arms().size(); ++a) {
        named.push_back({contest_.arms()[a].name(), &figures[{n, a}].accuracy});
      }
      ReportRow head;
      head.add("passages", n);
      for (auto& row : compare_pairs(named, head)) report.comparisons.push_back(std::move(row));
    }
    return report;
  }

  static void add_places(const Arm& arm, std::int64_t n_passages, const RunValues& accuracy,
                         EvalReport& report) {
    if (n_passages < 2) return;
    for (const auto place : accuracy.variants()) {
      const RunValues here = accuracy.of_variant(place);
      const Interval interval = here.interval();
      ReportRow row = row_of(arm, n_passages);
      row.add("gold_at", place);
      row.add("n", here.n());
      row.add("accuracy", here.mean());
      row.add("accuracy_low", interval.low);
      row.add("accuracy_high", interval.high);
      report.results.push_back(std::move(row));
    }
  }

  const ReadingOptions& options_;
  std::vector<EvalQuestion> questions_;
  Contest contest_;
  ReportRow parameters_;
  WorkFile work_;
  std::vector<Run> runs_;
};

}  // namespace

Result<EvalReport> run_qa_eval(const EvalSetup& setup, const ReadingOptions& options,
                               const EvalProgress& progress, std::stop_token stop) {
  return returning([&] { return QaEval(setup, options).perform(progress, std::move(stop)); });
}

}  // namespace kvlink::app
