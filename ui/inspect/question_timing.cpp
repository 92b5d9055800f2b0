// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/question_timing.h"

#include <QCoreApplication>
#include <QStringList>
#include <algorithm>
#include <array>

#include "ui/inspect/quantities.h"

namespace kvlink::ui {
namespace {

using app::Stage;
using app::Timeline;

struct Timing {
  Q_DECLARE_TR_FUNCTIONS(Timing)
};

double ms_of(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

std::optional<Bar> bar_of(Stage stage, bool files_were_read) {
  switch (stage) {
    case Stage::kRetrieve:
      return Bar::kRetrieve;
    case Stage::kPlan:
      return Bar::kPlan;
    case Stage::kLoad:
      return files_were_read ? std::nullopt : std::optional(Bar::kRead);
    case Stage::kRead:
      return Bar::kRead;
    case Stage::kVerify:
      return Bar::kVerify;
    case Stage::kEncodeMissing:
      return Bar::kEncodeMissing;
    case Stage::kWait:
      return Bar::kWait;
    case Stage::kCopy:
      return Bar::kCopy;
    case Stage::kRotate:
      return Bar::kRotate;
    case Stage::kPrefill:
      return Bar::kPrefill;
    case Stage::kFirstToken:
      return Bar::kFirstToken;
    case Stage::kFirstDecode:
      return Bar::kFirstDecode;
    default:
      return std::nullopt;
  }
}

void add_span(StageBar& bar, const Timeline::Span& span, double now_ms) {
  const double begin = ms_of(span.begin);
  const double end = span.end.count() == 0 ? std::max(begin, now_ms) : ms_of(span.end);
  bar.pieces.push_back({begin, end});
  bar.total_ms += end - begin;
  bar.bytes += span.bytes;
  bar.tokens += span.tokens;
  bar.blocks += span.blocks;
  if (!span.tier.empty()) bar.tier = desk::text_of(span.tier);
}

double total_of(const QuestionTiming& timing, Bar bar) {
  for (const auto& candidate : timing.bars) {
    if (candidate.bar == bar) return candidate.total_ms;
  }
  return 0;
}

}  // namespace

QString bar_name(Bar bar) {
  const std::array names = {Timing::tr("Retrieve"),
                            Timing::tr("Plan"),
                            Timing::tr("Read blocks"),
                            Timing::tr("Verify"),
                            Timing::tr("Encode missing"),
                            Timing::tr("Wait for processor"),
                            Timing::tr("Copy to the GPU"),
                            Timing::tr("Rotate"),
                            Timing::tr("Link + question prefill"),
                            Timing::tr("First token"),
                            Timing::tr("First decode step")};
  return names.at(static_cast<std::size_t>(bar));
}

std::vector<StageBar> bars_of(const std::vector<Timeline::Span>& spans, double now_ms) {
  std::vector<StageBar> bars(kBarCount);
  for (std::size_t i = 0; i < kBarCount; ++i) bars[i].bar = static_cast<Bar>(i);
  const bool files_were_read = std::any_of(
      spans.begin(), spans.end(), [](const auto& span) { return span.stage == Stage::kRead; });
  for (const auto& span : spans) {
    auto& read = bars[static_cast<std::size_t>(Bar::kRead)];
    if (span.stage == Stage::kLoad && files_were_read) {
      read.tokens += span.tokens;
      read.blocks += span.blocks;
      read.tier = desk::text_of(span.tier);
    }
    const auto bar = bar_of(span.stage, files_were_read);
    if (bar) add_span(bars[static_cast<std::size_t>(*bar)], span, now_ms);
  }
  std::erase_if(bars, [](const StageBar& b) {
    const bool is_rare = b.bar == Bar::kWait || b.bar == Bar::kCopy || b.bar == Bar::kFirstDecode;
    return is_rare && b.pieces.empty();
  });
  return bars;
}

QString tier_text(const QString& tier) {
  if (tier == QLatin1String("memory")) return Timing::tr("memory");
  if (tier == QLatin1String("disk")) return Timing::tr("disk");
  if (tier == QLatin1String("memory+disk")) return Timing::tr("memory and disk");
  return tier;
}

QString bar_details(const StageBar& bar) {
  QStringList lines = {bar_name(bar.bar)};
  if (bar.pieces.empty()) {
    lines << Timing::tr("did not happen");
    return lines.join(QLatin1Char('\n'));
  }
  lines << Timing::tr("%1, from %2 after Enter")
               .arg(duration_text(bar.total_ms), duration_text(bar.pieces.front().begin_ms));
  if (bar.blocks > 0) lines << Timing::tr("%n block(s)", nullptr, static_cast<int>(bar.blocks));
  if (bar.tokens > 0) lines << Timing::tr("%n token(s)", nullptr, static_cast<int>(bar.tokens));
  if (bar.tokens > 0 && bar.total_ms > 0 &&
      (bar.bar == Bar::kPrefill || bar.bar == Bar::kEncodeMissing)) {
    lines << Timing::tr("%1 tokens/s")
                 .arg(decimal_text(static_cast<double>(bar.tokens) * 1000 / bar.total_ms, 0));
  }
  if (bar.bytes > 0) {
    lines << Timing::tr("%1 at %2")
                 .arg(bytes_text(bar.bytes), byte_rate_text(bar.bytes, bar.total_ms));
  }
  if (!bar.tier.isEmpty()) lines << Timing::tr("from %1").arg(tier_text(bar.tier));
  return lines.join(QLatin1Char('\n'));
}

QuestionTiming timing_of(const desk::AnswerSummary& summary, std::int64_t asked_unix) {
  const auto& reading = summary.reading;
  QuestionTiming timing;
  timing.question = summary.question;
  timing.asked_unix = asked_unix;
  if (const auto ttft = summary.timeline.ttft()) timing.ttft_ms = ms_of(*ttft);
  timing.nothing_found = summary.end == app::AnswerEnd::kNothingFound;
  timing.mode = desk::text_of(inference::link_mode_name(summary.mode));
  timing.without_cache =
      summary.without_cache || (reading.n_document_tokens > 0 &&
                                reading.n_document_tokens_prefilled >= reading.n_document_tokens);
  timing.n_document_tokens = reading.n_document_tokens;
  timing.n_reused_tokens = reading.n_document_tokens_reused;
  timing.n_prefilled_tokens = reading.n_prefilled_tokens;
  timing.n_document_tokens_prefilled = reading.n_document_tokens_prefilled;
  timing.n_answer_tokens = summary.n_tokens;
  timing.bytes_read = reading.bytes_read;
  timing.decode_ms = ms_of(summary.timeline.total(Stage::kDecode));
  timing.bars = bars_of(summary.timeline.spans());
  return timing;
}

void TimingHistory::add(QuestionTiming timing) {
  for (const auto& bar : timing.bars) {
    if (bar.bar == Bar::kPrefill || bar.bar == Bar::kEncodeMissing) {
      add_rate(bar.tokens, bar.total_ms);
    }
  }
  restore(std::move(timing));
}

void TimingHistory::restore(QuestionTiming timing) {
  questions_.push_back(std::move(timing));
  if (questions_.size() > kCapacity) questions_.pop_front();
}

void TimingHistory::add_rate(std::int64_t n_tokens, double milliseconds) {
  if (n_tokens < kMinRateTokens || milliseconds <= 0) return;
  add_rate(static_cast<double>(n_tokens) * 1000 / milliseconds);
}

void TimingHistory::add_rate(double tokens_per_second) {
  tokens_per_second_ = std::max(tokens_per_second_, tokens_per_second);
}

std::optional<ColdFigure> TimingHistory::cold_figure(const QuestionTiming& timing) const {
  if (timing.without_cache || !timing.ttft_ms || timing.n_document_tokens == 0) return {};
  for (auto other = questions_.rbegin(); other != questions_.rend(); ++other) {
    if (other->without_cache && other->ttft_ms && other->question == timing.question &&
        other->model == timing.model && other->n_document_tokens == timing.n_document_tokens) {
      return ColdFigure{.ms = *other->ttft_ms, .measured = true};
    }
  }
  if (tokens_per_second_ <= 0) return {};
  double kept = *timing.ttft_ms;
  for (const auto bar :
       {Bar::kRead, Bar::kVerify, Bar::kEncodeMissing, Bar::kCopy, Bar::kRotate, Bar::kPrefill}) {
    kept -= total_of(timing, bar);
  }
  const auto n_tokens =
      timing.n_document_tokens + timing.n_prefilled_tokens - timing.n_document_tokens_prefilled;
  const double reading = static_cast<double>(n_tokens) * 1000 / tokens_per_second_;
  return ColdFigure{.ms = std::max(0.0, kept) + reading,
                    .measured = false,
                    .tokens_per_second = tokens_per_second_};
}

QString cold_sentence(const QuestionTiming& timing, const ColdFigure& cold) {
  const double ratio = timing.ttft_ms.value_or(0) > 0 ? cold.ms / *timing.ttft_ms : 0;
  const auto times = decimal_text(ratio, ratio < 10 ? 1 : 0);
  if (cold.measured) {
    return Timing::tr("Without caches: %1, measured; %2 times as long.")
        .arg(duration_text(cold.ms), times);
  }
  return Timing::tr("Without caches: %1, estimated at %2 tokens/s; an estimated %3 times as long.")
      .arg(duration_text(cold.ms), decimal_text(cold.tokens_per_second, 0), times);
}

}  // namespace kvlink::ui
