// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/stage_words.h"

#include <QCoreApplication>
#include <QStringList>
#include <algorithm>
#include <initializer_list>
#include <set>

#include "app/words.h"
#include "ui/ask/answer_words.h"

namespace kvlink::ui {
namespace {

using app::Stage;

class StageWords {
  Q_DECLARE_TR_FUNCTIONS(kvlink::ui::StageWords)
};

struct Sum {
  bool begun = false;
  bool open = false;
  double ms = 0;
  std::int64_t bytes = 0;
  std::int64_t tokens = 0;
};

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

Sum sum_of(const WaitingFacts& facts, std::initializer_list<Stage> stages) {
  Sum sum;
  for (const auto& span : facts.spans) {
    if (std::find(stages.begin(), stages.end(), span.stage) == stages.end()) continue;
    sum.begun = true;
    const bool open = span.end.count() == 0;
    sum.open |= open;
    const double end =
        open ? std::max(facts.elapsed_ms, milliseconds(span.begin)) : milliseconds(span.end);
    sum.ms += end - milliseconds(span.begin);
    sum.bytes += span.bytes;
    sum.tokens += span.tokens;
  }
  return sum;
}

Step step_of(const QString& name, const Sum& sum, bool is_over, const QString& amount) {
  Step step;
  step.words = name;
  if (!sum.begun) {
    step.state = is_over ? StepState::kDone : StepState::kPending;
    return step;
  }
  step.state = sum.open && !is_over ? StepState::kRunning : StepState::kDone;
  step.words += QLatin1Char(' ') + time_words(sum.ms);
  if (!amount.isEmpty()) step.words += QStringLiteral(", ") + amount;
  return step;
}

QString tokens_words(std::int64_t n) { return StageWords::tr("%1 tokens").arg(count_words(n)); }

/// Names of the documents whose passages had no block, and how many tokens that is.
struct Missing {
  QStringList names;
  std::int64_t n_tokens = 0;
};

Missing missing_of(const WaitingFacts& facts) {
  Missing missing;
  std::set<desk::ChunkId> seen;
  for (const auto& block : facts.blocks) {
    using Outcome = desk::BlockEvent::Outcome;
    if (block.outcome != Outcome::kMissed && block.outcome != Outcome::kEncoded) continue;
    if (!seen.insert(block.chunk).second) continue;
    missing.n_tokens += block.n_tokens;
    for (const auto& passage : facts.passages) {
      if (passage.chunk != block.chunk) continue;
      const QString name = file_words(passage);
      if (!missing.names.contains(name)) missing.names += name;
    }
  }
  return missing;
}

QString missing_words(const Missing& missing) {
  const QString tokens = tokens_words(missing.n_tokens);
  if (missing.names.size() == 1) {
    return StageWords::tr("%1 has no cache yet: reading %2.").arg(missing.names[0], tokens);
  }
  return StageWords::tr("Some passages have no cache yet: reading %1.").arg(tokens);
}

}  // namespace

std::array<Step, 4> steps_of(const WaitingFacts& facts) {
  const Sum retrieve = sum_of(facts, {Stage::kRetrieve});
  const Sum load = sum_of(facts, {Stage::kLoad, Stage::kCopy, Stage::kRotate});
  const Sum encode = sum_of(facts, {Stage::kEncodeMissing});
  const Sum prefill = sum_of(facts, {Stage::kPrefill});
  const bool over = facts.first_token;
  std::array<Step, 4> steps;
  steps[0] = step_of(StageWords::tr("retrieve"), retrieve, facts.sources_known || over, {});
  QString amount;
  if (load.bytes > 0) amount = desk::text_of(app::bytes_in_words(load.bytes));
  steps[1] = step_of(StageWords::tr("load"), load, prefill.begun || over, amount);
  if (encode.begun) {
    steps[1] = step_of(StageWords::tr("read what has no cache"), encode, prefill.begun || over,
                       encode.tokens > 0 ? tokens_words(encode.tokens) : QString());
  }
  amount = prefill.tokens > 0 ? tokens_words(prefill.tokens) : QString();
  steps[2] = step_of(StageWords::tr("prefill"), prefill, over, amount);
  steps[3].words = StageWords::tr("first token");
  steps[3].state = over ? StepState::kDone : StepState::kPending;
  if (!over && facts.started && !retrieve.begun && !facts.sources_known) {
    steps[0].state = StepState::kRunning;
  }
  return steps;
}

QString steps_words(const std::array<Step, 4>& steps) {
  QStringList words;
  for (const Step& step : steps) {
    if (step.state == StepState::kRunning) {
      words += StageWords::tr("%1 (now)").arg(step.words);
    } else if (step.state == StepState::kDone) {
      words += step.words;
    }
  }
  return words.join(QStringLiteral(", "));
}

QString waiting_reason(const WaitingFacts& facts) {
  if (!facts.started) {
    return StageWords::tr("Waiting for its turn: something else is being answered or opened.");
  }
  if (sum_of(facts, {Stage::kWait}).open) {
    return StageWords::tr("Waiting until the indexing gives the processor away.");
  }
  const Missing missing = missing_of(facts);
  if (missing.n_tokens > 0) return missing_words(missing);
  if (facts.without_cache) {
    return StageWords::tr("Reading %1 without cache, as asked.")
        .arg(passages_words(facts.passages));
  }
  if (sum_of(facts, {Stage::kLoad}).open) {
    return StageWords::tr("Reading the stored caches from a slow disk.");
  }
  const Sum prefill = sum_of(facts, {Stage::kPrefill});
  if (prefill.open && prefill.tokens > 0) {
    return StageWords::tr("The model is reading %1 that no cache covers.")
        .arg(tokens_words(prefill.tokens));
  }
  if (prefill.open) return StageWords::tr("The model is reading the question.");
  if (!facts.sources_known) return StageWords::tr("Searching the documents.");
  return StageWords::tr("Preparing the passages.");
}

}  // namespace kvlink::ui
