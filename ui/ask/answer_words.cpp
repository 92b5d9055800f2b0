// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/answer_words.h"

#include <QCoreApplication>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLocale>
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "ui/ask/visible_text.h"

namespace kvlink::ui {
namespace {

constexpr qsizetype kMaxName = 80;

class AnswerWords {
  Q_DECLARE_TR_FUNCTIONS(kvlink::ui::AnswerWords)
};

const QString kDot = QStringLiteral(" \u00b7 ");

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

QString time_words(double milliseconds, TimeUnit unit) {
  const QLocale locale;
  if (unit == TimeUnit::kMilliseconds && milliseconds < 1000) {
    return AnswerWords::tr("%1 ms").arg(locale.toString(std::lround(milliseconds)));
  }
  const double seconds = milliseconds / 1000;
  return AnswerWords::tr("%1 s").arg(locale.toString(seconds, 'f', seconds < 10 ? 2 : 1));
}

QString count_words(std::int64_t count) {
  return QLocale().toString(static_cast<qlonglong>(count));
}

QString file_words(const desk::PassageView& passage) {
  const QString name = passage.path.section(QLatin1Char('/'), -1);
  return one_line(name.isEmpty() ? passage.title : name, kMaxName);
}

QString place_words(const desk::PassageView& passage) {
  QString words = file_words(passage);
  if (!passage.heading.isEmpty()) {
    words += QStringLiteral(" \u203a ") + one_line(passage.heading, kMaxName);
  }
  if (passage.line_begin <= 0) return words;
  if (passage.line_end <= passage.line_begin) {
    return words + kDot + AnswerWords::tr("line %1").arg(count_words(passage.line_begin));
  }
  return words + kDot +
         AnswerWords::tr("lines %1\u2013%2")
             .arg(count_words(passage.line_begin), count_words(passage.line_end));
}

QString passages_words(const std::vector<desk::PassageView>& passages) {
  std::set<desk::DocumentId> documents;
  for (const auto& passage : passages) documents.insert(passage.document);
  const QString n_passages =
      AnswerWords::tr("%n passage(s)", "", static_cast<int>(passages.size()));
  const QString n_documents =
      AnswerWords::tr("%n document(s)", "", static_cast<int>(documents.size()));
  return AnswerWords::tr("%1 from %2", "passages from documents").arg(n_passages, n_documents);
}

std::optional<double> share_from_cache(const app::ReadReport& reading) {
  if (reading.n_document_tokens == 0) return std::nullopt;
  const std::int64_t reused = reading.n_document_tokens_reused;
  const std::int64_t all = reused + reading.n_document_tokens_encoded + reading.n_prefilled_tokens;
  if (all <= 0) return std::nullopt;
  return static_cast<double>(reused) / static_cast<double>(all);
}

std::optional<double> tokens_per_second(const desk::AnswerSummary& summary) {
  const double ms = milliseconds(summary.timeline.total(app::Stage::kDecode));
  if (summary.n_tokens < 2 || ms <= 0) return std::nullopt;
  return static_cast<double>(summary.n_tokens - 1) / ms * 1000;
}

namespace {

QString reason_words(cache::MissReason reason) {
  switch (reason) {
    case cache::MissReason::kNeverEncoded:
      return AnswerWords::tr("not cached before");
    case cache::MissReason::kOtherModel:
      return AnswerWords::tr("cached for another model");
    case cache::MissReason::kOtherRecipe:
      return AnswerWords::tr("cached behind another prompt or adapter");
    case cache::MissReason::kEvicted:
      return AnswerWords::tr("evicted");
    case cache::MissReason::kFileMissing:
      return AnswerWords::tr("file gone");
    case cache::MissReason::kChecksum:
      return AnswerWords::tr("damaged on disk");
    case cache::MissReason::kVersion:
      return AnswerWords::tr("unknown format");
    case cache::MissReason::kTokensDiffer:
      return AnswerWords::tr("other tokens");
    case cache::MissReason::kIo:
      return AnswerWords::tr("not readable");
  }
  return {};
}

/// Why passages were computed although there is a cache; "" when every one was found.
QString miss_words(const app::ReadReport& reading) {
  std::map<cache::MissReason, int> counts;
  for (const auto& miss : reading.misses) ++counts[miss.reason];
  if (counts.empty()) return {};
  QStringList reasons;
  for (const auto& [reason, n] : counts) {
    reasons += AnswerWords::tr("%1 \u00d7 %2").arg(n).arg(reason_words(reason));
  }
  return QLatin1Char('\n') + AnswerWords::tr("Computed anew: %1.").arg(reasons.join(", "));
}

}  // namespace

QString meta_words(const desk::AnswerSummary& summary) {
  if (summary.end == app::AnswerEnd::kNothingFound) return {};
  QStringList parts;
  if (const auto ttft = summary.timeline.ttft()) {
    parts += AnswerWords::tr("TTFT %1").arg(time_words(milliseconds(*ttft), TimeUnit::kSeconds));
  }
  if (const auto speed = tokens_per_second(summary)) {
    parts += AnswerWords::tr("%1 tok/s").arg(QLocale().toString(*speed, 'f', *speed < 10 ? 1 : 0));
  }
  if (!summary.passages.empty()) parts += passages_words(summary.passages);
  if (const auto share = share_from_cache(summary.reading)) {
    const double percent = std::floor(*share * 100);
    parts += AnswerWords::tr("%1 % of context from cache").arg(QLocale().toString(percent, 'f', 0));
  } else if (!summary.passages.empty() && summary.timeline.ttft()) {
    parts += AnswerWords::tr("passages were in the conversation already");
  }
  return parts.join(kDot) + miss_words(summary.reading);
}

QString meta_words(const desk::ConversationTurn& turn) {
  QStringList parts;
  const auto times = QJsonDocument::fromJson(turn.timeline_json.toUtf8()).object();
  const auto ttft = times.value(QLatin1String("ttft_ms"));
  if (ttft.isDouble()) {
    parts += AnswerWords::tr("TTFT %1").arg(time_words(ttft.toDouble(), TimeUnit::kSeconds));
  }
  if (!turn.passages.empty()) parts += passages_words(turn.passages);
  if (!turn.mode.isEmpty()) parts += AnswerWords::tr("mode %1").arg(one_line(turn.mode, kMaxName));
  return parts.join(kDot);
}

QString end_words(app::AnswerEnd end) {
  switch (end) {
    case app::AnswerEnd::kMaxTokens:
      return AnswerWords::tr("The answer reached its limit of tokens. Settings can raise it.");
    case app::AnswerEnd::kContextFull:
      return AnswerWords::tr("The model's context is full. Begin a new conversation.");
    case app::AnswerEnd::kStopped:
      return AnswerWords::tr("Stopped.");
    case app::AnswerEnd::kNothingFound:
      return AnswerWords::tr("Not found in the selected documents.");
    case app::AnswerEnd::kComplete:
      return {};
  }
  return {};
}

QString with_citations(const QString& answer, const std::vector<desk::PassageView>& passages) {
  QString text = answer.trimmed();
  if (passages.empty()) return text;
  text += QStringLiteral("\n\n") + AnswerWords::tr("Sources") + QLatin1Char('\n');
  for (const auto& passage : passages) {
    text += QStringLiteral("[%1] %2\n").arg(passage.number).arg(place_words(passage));
  }
  return text;
}

QString comparison_words(const Comparison& comparison) {
  QString words;
  const double ratio = comparison.cached_ms > 0 ? comparison.cold_ms / comparison.cached_ms : 0;
  if (ratio >= 1.1) {
    words = AnswerWords::tr("First token %1 times sooner with the cache, both measured.")
                .arg(QLocale().toString(ratio, 'f', ratio < 10 ? 1 : 0));
  } else {
    words = AnswerWords::tr("The cache made no difference here, both measured.");
  }
  if (!comparison.same_passages) {
    words += QLatin1Char(' ') + AnswerWords::tr("The two runs read different passages.");
  }
  if (!comparison.cached_was_complete) {
    words += QLatin1Char(' ') +
             AnswerWords::tr("Some passages had no cache yet when the question was asked.");
  }
  return words;
}

}  // namespace kvlink::ui
