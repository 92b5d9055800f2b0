// SPDX-License-Identifier: Apache-2.0
// What one question's Timeline says, arranged for the eye: bars, and how long it would have taken
// without caches.
#pragma once

#include <QString>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "app/desk/answer_messages.h"
#include "app/timeline.h"

namespace kvlink::ui {

/// The bars of the waterfall, in the order in which they happen.
enum class Bar : std::uint8_t {
  kRetrieve,
  kPlan,
  kRead,  ///< blocks from files; from memory where no file was read
  kVerify,
  kEncodeMissing,
  kWait,  ///< shown only when there was any
  kCopy,  ///< to the memory of a GPU; shown only when there was any
  kRotate,
  kPrefill,
  kFirstToken,
  kFirstDecode,  ///< on a GPU; shown only when there was any
};
inline constexpr std::size_t kBarCount = 11;
QString bar_name(Bar bar);

/// All spans of one bar. Milliseconds since the question was sent.
struct StageBar {
  Bar bar = Bar::kRetrieve;
  struct Piece {
    double begin_ms = 0;
    double end_ms = 0;
  };
  std::vector<Piece> pieces;
  double total_ms = 0;
  std::int64_t bytes = 0;
  std::int64_t tokens = 0;
  std::int64_t blocks = 0;
  QString tier;
};

/// One per stage that is always shown, the others only if there are any. An open span (end 0) ends
/// at `now_ms`. Decoding is not part of the time to the first token and not here, but for its first
/// step on a GPU, which is timed there.
std::vector<StageBar> bars_of(const std::vector<app::Timeline::Span>& spans, double now_ms = 0);
/// Everything about a bar, one fact a line.
QString bar_details(const StageBar& bar);
/// A tier in the user's language: "memory", "disk", "memory+disk".
QString tier_text(const QString& tier);

/// One answered question. Value type.
struct QuestionTiming {
  QString question;
  std::int64_t asked_unix = 0;
  std::optional<double> ttft_ms;  ///< nothing: it was stopped before, or nothing was found
  bool nothing_found = false;     ///< no passage fits: nothing was generated
  QString mode;
  bool without_cache = false;  ///< every document token was prefilled
  std::int64_t n_document_tokens = 0;
  std::int64_t n_reused_tokens = 0;
  std::int64_t n_prefilled_tokens = 0;
  std::int64_t n_document_tokens_prefilled = 0;
  std::int64_t n_answer_tokens = 0;
  std::int64_t bytes_read = 0;
  double decode_ms = 0;
  QString model;       ///< fingerprint; figures of one model say nothing about another
  QString read_ahead;  ///< what had been read before Enter, a sentence; "" nothing
  std::vector<StageBar> bars;
};
QuestionTiming timing_of(const desk::AnswerSummary& summary, std::int64_t asked_unix);

/// How long the same question takes without caches.
struct ColdFigure {
  double ms = 0;
  bool measured = false;         ///< false: every sentence about it carries the word "estimated"
  double tokens_per_second = 0;  ///< what an estimate is made from
};

/// The last questions, and the fastest prefill that was measured on this machine with this model.
/// The fastest, so that an estimate never flatters the caches. GUI thread.
class TimingHistory {
 public:
  static constexpr std::size_t kCapacity = 50;
  /// Fewer tokens say more about overheads than about the model.
  static constexpr std::int64_t kMinRateTokens = 32;

  void add(QuestionTiming timing);
  /// One of an earlier day: it says nothing about how fast this machine is now.
  void restore(QuestionTiming timing);
  /// Tokens the model was seen to read, and how long it took.
  void add_rate(std::int64_t n_tokens, double milliseconds);
  void add_rate(double tokens_per_second);
  /// Another model: figures of the old one say nothing about it.
  void forget_rate() { tokens_per_second_ = 0; }
  void clear() { questions_.clear(); }

  const std::deque<QuestionTiming>& questions() const { return questions_; }  ///< oldest first
  double tokens_per_second() const { return tokens_per_second_; }
  /// Measured when the same question was answered without cache over as many document tokens; else
  /// estimated from the measured rate; nothing when there is none, or for a cold question itself.
  std::optional<ColdFigure> cold_figure(const QuestionTiming& timing) const;

 private:
  std::deque<QuestionTiming> questions_;
  double tokens_per_second_ = 0;
};

/// "Without caches 4.62 s (measured): 14.2 times as long", with "estimated" where it is.
QString cold_sentence(const QuestionTiming& timing, const ColdFigure& cold);

}  // namespace kvlink::ui
