// SPDX-License-Identifier: Apache-2.0
#include "app/eval/summary_eval.h"

#include <algorithm>
#include <utility>

#include "app/eval/answer_match.h"
#include "app/eval/figures.h"

namespace kvlink::app {
namespace {

constexpr const char* kQuestion = "Summarise the passages in a few sentences.";

struct Run {
  std::size_t record = 0;
  std::int64_t n_passages = 0;  ///< 0: all
  std::size_t arm = 0;
};

class SummaryEval {
 public:
  SummaryEval(const EvalSetup& setup, const ReadingOptions& options)
      : options_(options),
        records_(read_questions(options.data, options.limit)),
        contest_(setup, options),
        parameters_(contest_.parameters()),
        work_(options.out, "summary", parameters_) {
    for (std::size_t r = 0; r < records_.size(); ++r) {
      if (records_[r].documents.empty()) {
        fail(ErrorCode::kInvalidInput, "Record " + records_[r].id + " has no passage.");
      }
      for (const auto n : options.passages) {
        for (std::size_t a = 0; a < contest_.arms().size(); ++a) runs_.push_back({r, n, a});
      }
    }
  }

  EvalReport perform(const EvalProgress& progress, std::stop_token stop) {
    std::vector<EvalStep> steps;
    for (const auto& run : runs_) {
      steps.push_back({key(run), [this, &run, stop] { return summarise(run, stop); }});
    }
    run_steps(steps, work_, "summary", progress, stop);
    return report();
  }

 private:
  std::string key(const Run& run) const {
    return "r" + std::to_string(run.record) + "/k" + std::to_string(run.n_passages) + "/" +
           contest_.arms()[run.arm].name();
  }

  RunRecord summarise(const Run& run, std::stop_token stop) {
    const EvalQuestion& record = records_[run.record];
    EvalModel& model = contest_.model(contest_.arms()[run.arm]);
    auto n = static_cast<std::int64_t>(record.documents.size());
    if (run.n_passages > 0) n = std::min(n, run.n_passages);
    std::vector<Passage> passages;
    for (std::int64_t i = 0; i < n; ++i) {
      passages.push_back(model.passage(record.documents[static_cast<std::size_t>(i)]));
    }
    auto dialogue = model.start();
    return model.answer(
        dialogue,
        {contest_.arms()[run.arm].mode, passages,
         record.question.empty() ? kQuestion : record.question, options_.max_tokens},
        std::move(stop));
  }

  EvalReport report() const {
    EvalReport report{"summary", parameters_, {}, {}};
    for (const auto n : options_.passages) {
      std::vector<RunValues> rouge(contest_.arms().size());
      std::vector<RunValues> tokens(contest_.arms().size());
      for (const auto& run : runs_) {
        if (run.n_passages != n) continue;
        const RunRecord& made = *work_.find(key(run));
        const RunId id{static_cast<std::int64_t>(run.record), 0};
        rouge[run.arm].add(id, rouge_l(made.text, records_[run.record].answers));
        tokens[run.arm].add(id, made.number("tokens"));
      }
      std::vector<NamedValues> named;
      for (std::size_t a = 0; a < contest_.arms().size(); ++a) {
        const Interval interval = rouge[a].interval();
        ReportRow row = row_of(contest_.arms()[a], n);
        row.add("n", rouge[a].n());
        row.add("rouge_l", rouge[a].mean());
        row.add("rouge_l_low", interval.low);
        row.add("rouge_l_high", interval.high);
        row.add("answer_tokens", tokens[a].mean());
        report.results.push_back(std::move(row));
        named.push_back({contest_.arms()[a].name(), &rouge[a]});
      }
      ReportRow head;
      head.add("passages", n);
      for (auto& row : compare_pairs(named, head)) report.comparisons.push_back(std::move(row));
    }
    return report;
  }

  const ReadingOptions& options_;
  std::vector<EvalQuestion> records_;
  Contest contest_;
  ReportRow parameters_;
  WorkFile work_;
  std::vector<Run> runs_;
};

}  // namespace

Result<EvalReport> run_summary_eval(const EvalSetup& setup, const ReadingOptions& options,
                                    const EvalProgress& progress, std::stop_token stop) {
  return returning([&] { return SummaryEval(setup, options).perform(progress, std::move(stop)); });
}

}  // namespace kvlink::app
