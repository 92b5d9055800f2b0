// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "app/cli/command.h"
#include "app/cli/ingest_lines.h"
#include "app/folder_sync.h"
#include "app/folder_watch.h"
#include "app/ingestion.h"
#include "app/reconcile.h"
#include "app/reindexing.h"
#include "app/words.h"

namespace kvlink::app {
namespace {

/// Files that come and go quickly are no problem to tell.
std::vector<std::filesystem::path> existing(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::filesystem::path> there;
  std::error_code ignored;
  std::copy_if(paths.begin(), paths.end(), std::back_inserter(there),
               [&](const auto& path) { return std::filesystem::exists(path, ignored); });
  return there;
}

void drop_missing_and_tell(CommandContext& context, Session& session,
                           std::span<const std::filesystem::path> paths,
                           std::span<const std::filesystem::path> reported = {}) {
  const auto synced = value_or_throw(drop_missing(session, paths, reported));
  if (synced.n_removed > 0) {
    context.output.note(counted(synced.n_removed, "document") + " removed: the files are gone.");
  }
  if (synced.n_offline > 0) {
    context.output.note(counted(synced.n_offline, "document") +
                        " offline: the folder is not there. What was read stays searchable.");
  }
  if (synced.n_online > 0) {
    context.output.note(counted(synced.n_online, "document") + " back.");
  }
}

/// Until somebody interrupts: what changes below the paths is added, what is gone leaves.
ExitCode follow(CommandContext& context, Session& session, Ingestion& ingestion,
                const std::vector<std::filesystem::path>& paths, const AddArguments& arguments,
                const ScanOptions& scan) {
  auto watch = value_or_throw(FolderWatch::start(paths, {.scan = scan}));
  ScanOptions in_folders = scan;
  in_folders.names_are_found = true;
  ingestion.set_scan(in_folders);
  drop_missing_and_tell(context, session, paths);
  context.output.note("Watching " + counted(watch.n_watched(), "folder") + "; Ctrl-C ends.");
  if (watch.n_unwatched() > 0) {
    context.output.note(counted(watch.n_unwatched(), "folder") +
                        " beyond the system's limit (fs.inotify.max_user_watches): they are looked "
                        "at once a minute.");
  }
  const auto stop = context.interrupt.token();
  while (!stop.stop_requested()) {
    const FolderChanges changes = watch.wait(stop);
    if (changes.empty()) continue;
    // What was renamed is found by its content before its old name is taken for gone.
    const auto& changed = changes.rescan ? paths : changes.changed;
    if (!changed.empty()) {
      const auto caching = arguments.no_kv ? Ingestion::Caching::kNo : Ingestion::Caching::kYes;
      const auto report = value_or_throw(ingestion.add(existing(changed), caching, stop));
      tell_report(context.output, report, arguments.no_kv);
      if (report.cancelled) continue;  // what was not looked at may be what an old name became
    }
    if (changes.rescan || !changes.removed.empty()) {
      drop_missing_and_tell(context, session, paths, changes.removed);
    }
  }
  return ExitCode::kDone;
}

/// After another embedder was chosen: its vectors, until it can serve.
void reindex_and_tell(CommandContext& context, Session& session) {
  const auto lacking = value_or_throw(session.library().n_chunks_to_embed());
  if (lacking == 0 && !session.is_between_embedders()) return;
  const auto report = value_or_throw(reindex(
      session,
      [&](std::int64_t done, std::int64_t total) {
        context.output.progress("new embedder: " + count_in_words(done) + " of " +
                                counted(total, "passage"));
      },
      context.interrupt.token()));
  context.output.end_progress();
  context.output.note(counted(report.n_embedded, "passage") +
                      (report.done ? " read by the new embedder; it finds them from here on."
                                   : " read by the new embedder. The same command goes on."));
}

}  // namespace

ExitCode run_command(CommandContext& context, const AddArguments& arguments) {
  const auto session = context.open_session(Parts::kAnswer);
  Ingestion ingestion(*session, [&](const IngestProgress& progress) {
    context.output.progress(progress_line(progress));
  });
  if (!arguments.password_file.empty()) {
    ingestion.set_password(password_in(arguments.password_file));
  }
  const ScanOptions scan{.exclude = arguments.exclude, .hidden = arguments.hidden};
  ingestion.set_scan(scan);
  const std::vector<std::filesystem::path> paths(arguments.paths.begin(), arguments.paths.end());
  const auto caching = arguments.no_kv ? Ingestion::Caching::kNo : Ingestion::Caching::kYes;
  const auto report = value_or_throw(ingestion.add(paths, caching, context.interrupt.token()));
  tell_report(context.output, report, arguments.no_kv);
  if (report.cancelled) return ExitCode::kCancelled;
  // What a killed `remove` had not erased yet.
  value_or_throw(erase_removed(session->library(), session->store()));
  reindex_and_tell(context, *session);
  if (context.interrupt.token().stop_requested()) return ExitCode::kCancelled;
  if (arguments.watch) return follow(context, *session, ingestion, paths, arguments, scan);
  return report.all_searchable() ? ExitCode::kDone : ExitCode::kFailed;
}

}  // namespace kvlink::app
