// SPDX-License-Identifier: Apache-2.0
// What reading ahead while the user typed was good for, in measured numbers.
#pragma once

#include <QHash>
#include <QString>
#include <algorithm>
#include <vector>

#include "app/desk/answer_messages.h"

namespace kvlink::ui {

/// Blocks that were read from disk before Enter and that the answer then took from memory.
struct ReadAhead {
  std::int64_t n_blocks = 0;
  std::int64_t bytes = 0;
  double milliseconds = 0;  ///< that reading them took, before Enter
  double loading_ms = 0;    ///< that taking them from memory took, after Enter

  double saved_ms() const { return std::max(0.0, milliseconds - loading_ms); }
};

/// "" when nothing was. Says what was measured: how long the reading took that Enter did not wait
/// for, and what it did wait for instead; never a time that was not.
QString read_ahead_words(const ReadAhead& ahead);

/// Remembers what was read ahead until a question has been answered. GUI thread.
class ReadAheadLedger {
 public:
  void note(const desk::PrefetchReport& report);
  /// Of the blocks that this answer looked up, those that were read ahead and were still in memory.
  void note(const std::vector<desk::BlockEvent>& events);
  /// What the answer had of it; the ledger begins anew. The time from memory is that of all its
  /// blocks in memory, shared out by their number.
  ReadAhead close(const desk::AnswerSummary& summary);

 private:
  QHash<desk::ChunkId, desk::PrefetchReport::Read> read_;
  ReadAhead used_;
};

}  // namespace kvlink::ui
