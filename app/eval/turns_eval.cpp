// SPDX-License-Identifier: Apache-2.0
#include "app/eval/turns_eval.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "app/eval/figures.h"
#include "app/words.h"

namespace kvlink::app {
namespace {

/// Two questions about one passage.
struct Pair {
  EvalQuestion first;
  EvalQuestion second;
};

std::vector<Pair> pairs_of(const std::vector<EvalQuestion>& questions) {
  std::map<std::string, const EvalQuestion*> waiting;  // by gold text; null: paired
  std::vector<Pair> pairs;
  for (const auto& question : questions) {
    const auto [place, is_first] = waiting.emplace(question.gold().text, &question);
    if (is_first || place->second == nullptr) continue;
    pairs.push_back({*place->second, question});
    place->second = nullptr;
  }
  return pairs;
}

constexpr std::array<const char*, 2> kTurns = {"fresh", "reused"};

struct Run {
  std::size_t pair = 0;
  std::int64_t n_passages = 0;
  std::size_t arm = 0;
  bool reused = false;
};

class TurnsEval {
 public:
  TurnsEval(const EvalSetup& setup, const ReadingOptions& options)
      : options_(options),
        pairs_(pairs_of(read_questions(options.data, 0))),
        contest_(setup, options),
        parameters_(contest_.parameters()),
        work_(options.out, "turns", parameters_) {
    const auto largest = *std::max_element(options.passages.begin(), options.passages.end());
    if (static_cast<std::int64_t>(pairs_.size()) < std::max<std::int64_t>(largest, 1)) {
      fail(ErrorCode::kInvalidInput, options.data.string() + " has " +
                                         counted(static_cast<std::int64_t>(pairs_.size()), "pair") +
                                         " of questions about one passage, too few.");
    }
    n_pairs_ = pairs_.size();
    if (options.limit > 0) n_pairs_ = std::min(n_pairs_, static_cast<std::size_t>(options.limit));
    for (std::size_t p = 0; p < n_pairs_; ++p) {
      for (const auto n : options.passages) {
        for (std::size_t a = 0; a < contest_.arms().size(); ++a) {
          for (const bool reused : {false, true}) runs_.push_back({p, n, a, reused});
        }
      }
    }
  }

  EvalReport perform(const EvalProgress& progress, std::stop_token stop) {
    std::vector<EvalStep> steps;
    for (const auto& run : runs_) {
      steps.push_back({key(run), [this, &run, stop] { return answer(run, stop); }});
    }
    run_steps(steps, work_, "second answer", progress, stop);
    return report();
  }

 private:
  std::string name(std::size_t arm, bool reused) const {
    return contest_.arms()[arm].name() + "/" + kTurns[reused];
  }
  std::string key(const Run& run) const {
    return "p" + std::to_string(run.pair) + "/k" + std::to_string(run.n_passages) + "/" +
           name(run.arm, run.reused);
  }

  /// The pair's own passage at place pair mod n, the others' before and behind it.
  std::vector<const EvalDocument*> choose(const Run& run) const {
    const auto n = static_cast<std::size_t>(run.n_passages);
    std::vector<const EvalDocument*> chosen;
    for (std::size_t i = 1; i < n; ++i) {
      chosen.push_back(&pairs_[(run.pair + i) % pairs_.size()].first.gold());
    }
    if (n > 0) {
      const auto place = static_cast<std::ptrdiff_t>(run.pair % n);
      chosen.insert(chosen.begin() + place, &pairs_[run.pair].first.gold());
    }
    return chosen;
  }

  RunRecord answer(const Run& run, std::stop_token stop) {
    const Arm& arm = contest_.arms()[run.arm];
    EvalModel& model = contest_.model(arm);
    const auto passages = model.passages(choose(run));
    const Pair& pair = pairs_[run.pair];
    auto dialogue = model.start();
    if (!run.reused) {
      return model.answer(dialogue, {arm.mode, passages, pair.second.question, options_.max_tokens},
                          std::move(stop));
    }
    model.answer(dialogue, {arm.mode, passages, pair.first.question, options_.max_tokens}, stop);
    return model.answer(dialogue, {arm.mode, {}, pair.second.question, options_.max_tokens},
                        std::move(stop));
  }

  EvalReport report() const {
    EvalReport report{"turns", parameters_, {}, {}};
    for (const auto n : options_.passages) {
      std::map<std::pair<std::size_t, bool>, AnswerFigures> figures;
      for (const auto& run : runs_) {
        if (run.n_passages != n) continue;
        const RunRecord& made = *work_.find(key(run));
        figures[{run.arm, run.reused}].add({static_cast<std::int64_t>(run.pair), 0}, made,
                                           pairs_[run.pair].second.answers);
      }
      std::vector<NamedValues> named;
      for (const auto& [which, figure] : figures) {
        ReportRow row = row_of(contest_.arms()[which.first], n);
        row.add("second_turn", std::string(kTurns[which.second]));
        figure.add_to(row);
        report.results.push_back(std::move(row));
        named.push_back({name(which.first, which.second), &figure.accuracy});
      }
      ReportRow head;
      head.add("passages", n);
      for (auto& row : compare_pairs(named, head)) report.comparisons.push_back(std::move(row));
    }
    return report;
  }

  const ReadingOptions& options_;
  std::vector<Pair> pairs_;
  Contest contest_;
  ReportRow parameters_;
  WorkFile work_;
  std::size_t n_pairs_ = 0;
  std::vector<Run> runs_;
};

}  // namespace

Result<EvalReport> run_turns_eval(const EvalSetup& setup, const ReadingOptions& options,
                                  const EvalProgress& progress, std::stop_token stop) {
  return returning([&] { return TurnsEval(setup, options).perform(progress, std::move(stop)); });
}

}  // namespace kvlink::app
