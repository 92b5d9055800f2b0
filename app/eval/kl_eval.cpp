// SPDX-License-Identifier: Apache-2.0
#include "app/eval/kl_eval.h"

#include <algorithm>
#include <map>
#include <utility>

#include "app/eval/figures.h"

namespace kvlink::app {
namespace {

using inference::LinkMode;
using Logits = std::vector<std::vector<float>>;

/// What full prefill said, token by token.
struct Reference {
  std::string key;  ///< prompt and weights
  std::vector<std::int32_t> tokens;
  Logits logits;  ///< before each token
};

std::int32_t best(const std::vector<float>& logits) {
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

struct Prompt {
  std::int64_t question = 0;
  std::int64_t n_passages = 0;
  std::int64_t gold_at = 0;
  std::string key() const {
    return "q" + std::to_string(question) + "/k" + std::to_string(n_passages) + "/g" +
           std::to_string(gold_at);
  }
};

class KlEval {
 public:
  KlEval(const EvalSetup& setup, const ReadingOptions& options)
      : options_(options),
        questions_(read_questions(options.data, options.limit)),
        contest_(setup, options),
        parameters_(contest_.parameters()),
        work_(options.out, "kl", parameters_) {
    for (const auto& arm : contest_.arms()) {
      if (arm.mode.mode != LinkMode::kFull || arm.with_adapter) arms_.push_back(arm);
    }
    if (arms_.empty()) {
      fail(ErrorCode::kInvalidInput,
           "Full prefill is what others are compared with; name another mode.");
    }
    for (std::size_t q = 0; q < questions_.size(); ++q) {
      for (const auto n : options_.passages) {
        for (const auto place : options_.gold_at.of(static_cast<std::int64_t>(q), n)) {
          choose_passages(questions_[q], n, place);  // wrong numbers show before the work begins
          prompts_.push_back({static_cast<std::int64_t>(q), n, place});
        }
      }
    }
  }

  EvalReport perform(const EvalProgress& progress, std::stop_token stop) {
    std::vector<EvalStep> steps;
    for (const auto& prompt : prompts_) {
      for (const auto& arm : arms_) {
        steps.push_back({prompt.key() + "/" + arm.name(),
                         [this, &prompt, &arm, stop] { return compare(prompt, arm, stop); }});
      }
    }
    run_steps(steps, work_, "comparison", progress, stop);
    return report();
  }

 private:
  /// Logits before each of `tokens`, the first ones from the prompt.
  Logits follow(EvalModel& model, const Prompt& prompt, const ReadingMode& mode,
                std::vector<std::int32_t>* choose, std::span<const std::int32_t> tokens,
                std::stop_token stop) {
    const auto& question = questions_[static_cast<std::size_t>(prompt.question)];
    const auto passages =
        model.passages(choose_passages(question, prompt.n_passages, prompt.gold_at));
    auto dialogue = model.start();
    auto& engine = model.session().engine();
    Logits all{model.read(dialogue, {mode, passages, question.question, 1}, stop)};
    const auto stop_ids = engine.chat_format().stop_ids();
    const auto limit = static_cast<std::size_t>(options_.max_tokens);
    while (all.size() < (choose != nullptr ? limit : tokens.size())) {
      const std::int32_t token = choose != nullptr ? best(all.back()) : tokens[all.size() - 1];
      if (choose != nullptr) {
        if (std::find(stop_ids.begin(), stop_ids.end(), token) != stop_ids.end()) break;
        choose->push_back(token);
      }
      all.push_back(value_or_throw(
          engine.decode(*dialogue.context, token, inference::Priority::kQuestion, stop)));
    }
    if (choose != nullptr) choose->push_back(best(all.back()));
    return all;
  }

  const Reference& reference(const Prompt& prompt, bool with_adapter, std::stop_token stop) {
    const std::string key = prompt.key() + (with_adapter ? "/adapter" : "/base");
    Reference& kept = references_[with_adapter];
    if (kept.key == key) return kept;
    const Arm full{LinkMode::kFull, with_adapter, ""};
    kept = {};
    kept.logits = follow(contest_.model(full), prompt, LinkMode::kFull, &kept.tokens, {}, stop);
    kept.key = key;
    return kept;
  }

  RunRecord compare(const Prompt& prompt, const Arm& arm, std::stop_token stop) {
    const bool own_weights = arm.mode.mode != LinkMode::kFull;
    const Reference& full = reference(prompt, arm.with_adapter && own_weights, stop);
    const Logits logits =
        follow(contest_.model(arm), prompt, arm.mode, nullptr, full.tokens, std::move(stop));
    double sum = 0;
    double agreeing = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      sum += kl_divergence(full.logits[i], logits[i]);
      agreeing += best(logits[i]) == full.tokens[i] ? 1 : 0;
    }
    const auto n = static_cast<double>(logits.size());
    RunRecord record;
    record.numbers = {{"kl_first", kl_divergence(full.logits.front(), logits.front())},
                      {"kl_mean", sum / n},
                      {"same_token", agreeing / n},
                      {"tokens", n}};
    return record;
  }

  EvalReport report() const {
    EvalReport report{"kl", parameters_, {}, {}};
    for (const auto n : options_.passages) {
      for (const auto& arm : arms_) {
        std::map<std::string, RunValues> values;
        for (const auto& prompt : prompts_) {
          if (prompt.n_passages != n) continue;
          const RunRecord& made = *work_.find(prompt.key() + "/" + arm.name());
          for (const auto& [name, value] : made.numbers) {
            values[name].add({prompt.question, prompt.gold_at}, value);
          }
        }
        const Interval interval = values["kl_mean"].interval();
        ReportRow row = row_of(arm, n);
        row.add("n", values["kl_mean"].n());
        row.add("kl_first", values["kl_first"].mean());
        row.add("kl_mean", values["kl_mean"].mean());
        row.add("kl_mean_low", interval.low);
        row.add("kl_mean_high", interval.high);
        row.add("same_token", values["same_token"].mean());
        row.add("tokens", values["tokens"].mean());
        report.results.push_back(std::move(row));
      }
    }
    return report;
  }

  const ReadingOptions& options_;
  std::vector<EvalQuestion> questions_;
  Contest contest_;
  ReportRow parameters_;
  WorkFile work_;
  std::vector<Arm> arms_;
  std::vector<Prompt> prompts_;
  std::map<bool, Reference> references_;  ///< of the latest prompt, by whether the adapter is on
};

}  // namespace

Result<EvalReport> run_kl_eval(const EvalSetup& setup, const ReadingOptions& options,
                               const EvalProgress& progress, std::stop_token stop) {
  return returning([&] { return KlEval(setup, options).perform(progress, std::move(stop)); });
}

}  // namespace kvlink::app
