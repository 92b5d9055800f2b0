// SPDX-License-Identifier: Apache-2.0
#include "app/cli/ingest_lines.h"

#include <filesystem>

#include "app/cli/json.h"
#include "app/words.h"

namespace kvlink::app {
namespace {

void print_report(Output& output, const IngestReport& report, bool no_kv) {
  for (const auto& notice : report.notices) output.note(notice);
  for (const auto& path : report.unsupported) {
    output.note("not supported: " + path + " (" + std::filesystem::path(path).extension().string() +
                ")");
  }
  for (const auto& problem : report.problems) {
    output.note("failed: " + problem.path + ": " + problem.reason);
  }
  const std::int64_t n_failed = static_cast<std::int64_t>(report.problems.size());
  std::string line =
      counted(report.n_added, "document") + " added, " + count_in_words(report.n_updated) +
      " updated, " + count_in_words(report.n_unchanged) + " unchanged, " +
      count_in_words(n_failed) + " failed, " +
      (report.n_ignored > 0 ? count_in_words(report.n_ignored) + " ignored, " : "") +
      count_in_words(static_cast<std::int64_t>(report.unsupported.size())) + " not supported.";
  output.print_line(line);
  if (!no_kv) output.print_line(caching_line(report.caching));
  if (!report.caching.stopped_because.empty()) output.note(report.caching.stopped_because);
  if (report.cancelled) output.note("Stopped. The same command goes on where it ended.");
}

void print_json(Output& output, const IngestReport& report) {
  nlohmann::json problems = nlohmann::json::array();
  for (const auto& problem : report.problems) problems.push_back(json_of(problem));
  output.print_line(to_text({{"added", report.n_added},
                             {"updated", report.n_updated},
                             {"unchanged", report.n_unchanged},
                             {"bytes", report.n_bytes},
                             {"index_seconds", report.index_seconds},
                             {"embed_seconds", report.embed_seconds},
                             {"wait_seconds", report.wait_seconds},
                             {"opened", report.n_opened},
                             {"parsed", report.n_parsed},
                             {"embedded", report.n_embedded},
                             {"failed", std::move(problems)},
                             {"ignored", report.n_ignored},
                             {"unsupported", report.unsupported},
                             {"notices", report.notices},
                             {"caching", json_of(report.caching)},
                             {"cancelled", report.cancelled},
                             {"all_searchable", report.all_searchable()}}));
}

}  // namespace

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

void tell_report(Output& output, const IngestReport& report, bool no_kv) {
  output.end_progress();
  if (output.json()) {
    print_json(output, report);
  } else {
    print_report(output, report, no_kv);
  }
}

}  // namespace kvlink::app
