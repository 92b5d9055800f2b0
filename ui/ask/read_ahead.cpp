// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/read_ahead.h"

#include <QCoreApplication>
#include <utility>

#include "ui/ask/answer_words.h"
#include "ui/inspect/quantities.h"

namespace kvlink::ui {
namespace {

class ReadAheadWords {
  Q_DECLARE_TR_FUNCTIONS(kvlink::ui::ReadAheadWords)
};

}  // namespace

QString read_ahead_words(const ReadAhead& ahead) {
  if (ahead.n_blocks == 0) return {};
  return ReadAheadWords::tr(
             "%n block(s), %1, read ahead in %2 while you typed: Enter found them in memory.",
             nullptr, static_cast<int>(ahead.n_blocks))
      .arg(bytes_text(ahead.bytes), time_words(ahead.milliseconds));
}

void ReadAheadLedger::note(const desk::PrefetchReport& report) {
  for (const auto& read : report.read) read_.insert(read.chunk, read);
}

void ReadAheadLedger::note(const std::vector<desk::BlockEvent>& events) {
  for (const auto& event : events) {
    if (event.outcome != desk::BlockEvent::Outcome::kFromMemory) continue;
    const auto found = read_.constFind(event.chunk);
    if (found == read_.cend()) continue;
    ++used_.n_blocks;
    used_.bytes += found->bytes;
    used_.milliseconds += found->milliseconds;
    read_.erase(found);
  }
}

ReadAhead ReadAheadLedger::close() {
  read_.clear();
  return std::exchange(used_, {});
}

}  // namespace kvlink::ui
