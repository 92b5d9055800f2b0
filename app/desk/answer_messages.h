// SPDX-License-Identifier: Apache-2.0
// Questions, answers and conversations as the window sees them. Plain values.
#pragma once

#include <QString>
#include <memory>
#include <optional>
#include <vector>

#include "app/answer_pipeline.h"
#include "app/desk/messages.h"
#include "app/timeline.h"

namespace kvlink::desk {

struct AskRequest {
  RequestId id = 0;  ///< of next_request_id()
  QString question = {};
  /// When Enter was pressed: where the clock starts.
  app::Timeline::Clock::time_point sent = app::Timeline::Clock::now();
  std::optional<inference::LinkMode> mode = {};  ///< nothing: the setting's
  std::vector<DocumentId> scope = {};            ///< empty: the whole library
  std::optional<DocumentId> whole = {};          ///< read this document instead of searching
  bool without_cache = false;  ///< prefill everything, as a program without KV reuse
  bool from_disk = false;      ///< drop memory and page cache first
  bool nearest = false;        ///< where nothing fits: answer from what comes nearest
  /// 0: begins a new conversation, which finished() names.
  ConversationId conversation = 0;
  /// false: beside the conversation, nothing is kept ("answer without cache" for comparison).
  bool keep = true;
};

/// One passage that a question found.
struct PassageView {
  std::int64_t number = 0;  ///< as in [n]
  ChunkId chunk = 0;
  DocumentId document = 0;
  QString path;
  QString title;
  QString heading;
  QString text;
  std::int64_t line_begin = 0;
  std::int64_t line_end = 0;
  double score = 0;
  bool in_context = false;  ///< was read for an earlier question
};

/// Retrieval is over; comes before the first token.
struct AnswerSources {
  RequestId id = 0;
  std::vector<PassageView> passages;
};

/// The first piece at once, then batches of 40 ms.
struct AnswerText {
  RequestId id = 0;
  QString appended;
  bool is_first = false;
  double ttft_ms = 0;  ///< with the first piece: since `sent`, measured on the answering thread
};

/// One block of a running answer, as it is looked up.
struct BlockEvent {
  RequestId id = 0;
  ChunkId chunk = 0;
  DocumentId document = 0;   ///< 0: not known
  std::int64_t ordinal = 0;  ///< 0-based place in the document
  Digest content;
  enum class Outcome : std::uint8_t { kFromMemory, kFromDisk, kMissed, kEncoded };
  Outcome outcome = Outcome::kFromMemory;
  std::int64_t n_tokens = 0;
  std::int64_t n_bytes = 0;
  QString reason;  ///< of a miss, a sentence
};

/// Stages that ended while the answer is under way, for the live waterfall.
struct AnswerStages {
  RequestId id = 0;
  std::vector<app::Timeline::Span> spans;  ///< all so far; an open one has end 0
};

struct AnswerSummary {
  RequestId id = 0;
  ConversationId conversation = 0;  ///< 0: not kept
  QString question;
  QString text;
  app::AnswerEnd end = app::AnswerEnd::kComplete;
  inference::LinkMode mode = inference::LinkMode::kReposition;
  bool without_cache = false;
  bool from_disk = false;
  std::vector<PassageView> passages;
  std::vector<PassageView> nearest;  ///< nothing fits: what comes nearest, not read
  app::ReadReport reading;
  std::int64_t n_history_tokens = 0;
  std::int64_t n_tokens = 0;
  app::Timeline timeline;
  std::vector<QString> notices;
};

struct AnswerFailure {
  RequestId id = 0;
  Problem problem;
};

struct ConversationRow {
  ConversationId id = 0;
  QString name;
  std::int64_t updated_unix = 0;
};

struct ConversationTurn {
  QString question;
  QString answer;
  QString mode;
  QString timeline_json;              ///< as Timeline::to_json
  std::vector<PassageView> passages;  ///< those that still exist, numbered as they were
  std::int64_t created_unix = 0;
};

struct ConversationView {
  ConversationId id = 0;
  QString name;
  std::vector<ConversationTurn> turns;
};

/// What reading ahead while the user types has brought into memory.
struct PrefetchReport {
  RequestId id = 0;
  QString text;
  std::int64_t n_blocks = 0;  ///< of the passages found, in memory now
  struct Read {
    ChunkId chunk = 0;
    std::int64_t bytes = 0;
    double milliseconds = 0;
  };
  std::vector<Read> read = {};  ///< of them, read from disk just now
  double milliseconds = 0;
};

}  // namespace kvlink::desk
