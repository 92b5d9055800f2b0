// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/read_ahead.h"

#include <QCoreApplication>
#include <chrono>
#include <utility>

#include "ui/inspect/quantities.h"

namespace kvlink::ui {
namespace {

constexpr double kLeastSavedMs = 0.01;

class ReadAheadWords {
  Q_DECLARE_TR_FUNCTIONS(kvlink::ui::ReadAheadWords)
};

}  // namespace

QString read_ahead_words(const ReadAhead& ahead) {
  if (ahead.n_blocks == 0) return {};
  const QString saved =
      ahead.saved_ms() < kLeastSavedMs
          ? ReadAheadWords::tr("No time was saved, all measured.")
          : ReadAheadWords::tr("%1 saved, all measured.").arg(duration_text(ahead.saved_ms()));
  return ReadAheadWords::tr(
             "%n block(s), %1, read ahead while you typed: %2 from disk then, %3 from memory after "
             "Enter.",
             nullptr, static_cast<int>(ahead.n_blocks))
             .arg(bytes_text(ahead.bytes), duration_text(ahead.milliseconds),
                  duration_text(ahead.loading_ms)) +
         QLatin1Char(' ') + saved;
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

ReadAhead ReadAheadLedger::close(const desk::AnswerSummary& summary) {
  read_.clear();
  const auto n_blocks = summary.reading.n_blocks_from_memory;
  if (n_blocks > 0) {
    using app::Stage;
    const auto& times = summary.timeline;
    const auto loading =
        times.total(Stage::kLoad) - times.total(Stage::kRead) - times.total(Stage::kVerify);
    used_.loading_ms = std::chrono::duration<double, std::milli>(loading).count() *
                       static_cast<double>(used_.n_blocks) / static_cast<double>(n_blocks);
  }
  return std::exchange(used_, {});
}

}  // namespace kvlink::ui
