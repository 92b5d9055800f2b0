// SPDX-License-Identifier: Apache-2.0
// An answer's numbers and sources in words: the same on screen, in the clipboard and for a reader.
#pragma once

#include <QString>
#include <QStringList>
#include <optional>
#include <vector>

#include "app/desk/answer_messages.h"

namespace kvlink::ui {

/// "38 ms", "0.19 s", "12.4 s"; below a second in milliseconds only with kMilliseconds.
enum class TimeUnit : std::uint8_t { kSeconds, kMilliseconds };
QString time_words(double milliseconds, TimeUnit unit = TimeUnit::kMilliseconds);
QString count_words(std::int64_t count);

/// "guide.md"
QString file_words(const desk::PassageView& passage);
/// "guide.md › Installing · lines 12–18"
QString place_words(const desk::PassageView& passage);
/// "3 passages from 2 documents"
QString passages_words(const std::vector<desk::PassageView>& passages);

/// The part of what was brought into the context that came from stored blocks, 0 to 1; nothing when
/// everything was there from earlier questions.
std::optional<double> share_from_cache(const app::ReadReport& reading);
/// Of the tokens after the first; nothing for shorter answers.
std::optional<double> tokens_per_second(const desk::AnswerSummary& summary);

/// "TTFT 0.19 s · 41 tok/s · 5 passages from 3 documents · 96 % of context from cache"
QString meta_words(const desk::AnswerSummary& summary);
/// The same of a kept turn, of which only mode and times are known; "" when they are not.
QString meta_words(const desk::ConversationTurn& turn);
/// Why an answer is not complete; "" when it is.
QString end_words(app::AnswerEnd end);

/// The answer and its numbered sources, for the clipboard.
QString with_citations(const QString& answer, const std::vector<desk::PassageView>& passages);

/// Two measured times to the first token, with and without cache, compared honestly.
struct Comparison {
  double cached_ms = 0;
  double cold_ms = 0;
  bool same_passages = true;
  bool cached_was_complete = true;  ///< no passage had to be read for want of a block
};
QString comparison_words(const Comparison& comparison);

}  // namespace kvlink::ui
