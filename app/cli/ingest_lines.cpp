// SPDX-License-Identifier: Apache-2.0
#include "app/cli/ingest_lines.h"

#include <filesystem>

#include "app/words.h"

namespace kvlink::app {

std::string progress_line(const IngestProgress& progress) {
  if (progress.phase == IngestPhase::kScanning) return "looking for files";
  std::string line;
  if (progress.phase == IngestPhase::kIndexing) {
    line = "indexing " + count_in_words(progress.n_files_done) + " of " +
           counted(progress.n_files, "file") + ", " +
           bytes_in_words(static_cast<std::int64_t>(progress.bytes_per_second)) + "/s";
  } else {
    line = "caching " + count_in_words(progress.n_tokens_done) + " of " +
           counted(progress.n_tokens, "token") + ", " +
           count_in_words(static_cast<std::int64_t>(progress.tokens_per_second)) + " tokens/s";
  }
  if (progress.seconds_left) line += ", " + seconds_in_words(*progress.seconds_left) + " left";
  if (!progress.current.empty()) {
    line += ": " + std::filesystem::path(progress.current).filename().string();
  }
  return line;
}

std::string caching_line(const EncodeReport& report) {
  std::string line = counted(report.n_encoded, "passage") + " cached";
  if (report.n_encoded > 0 && report.seconds > 0) {
    const auto rate = static_cast<double>(report.n_tokens_encoded) / report.seconds;
    line += " (" + counted(report.n_tokens_encoded, "token") + " in " +
            seconds_in_words(report.seconds) + ", " +
            count_in_words(static_cast<std::int64_t>(rate)) + " tokens/s)";
  }
  if (report.n_found > 0) line += ", " + count_in_words(report.n_found) + " were cached already";
  if (report.n_left > 0) line += ", " + count_in_words(report.n_left) + " are not cached";
  return line + ".";
}

}  // namespace kvlink::app
