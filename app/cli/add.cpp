// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/ingest_lines.h"
#include "app/cli/password_file.h"
#include "app/folder_following.h"
#include "app/ingestion.h"
#include "app/reconcile.h"
#include "app/reindexing.h"
#include "app/words.h"

namespace kvlink::app {
namespace {

void tell_sync(Output& output, const SyncReport& synced) {
  if (synced.n_removed > 0) {
    output.note(counted(synced.n_removed, "document") + " removed: the files are gone.");
  }
  if (synced.n_offline > 0) {
    output.note(counted(synced.n_offline, "document") +
                " offline: the folder is not there. What was read stays searchable.");
  }
  if (synced.n_online > 0) output.note(counted(synced.n_online, "document") + " back.");
}

FolderFollowing start_following(CommandContext& context, Session& session, Ingestion& ingestion,
                                std::span<const std::filesystem::path> paths,
                                const AddArguments& arguments, const ScanOptions& scan) {
  auto watch = value_or_throw(FolderWatch::start(paths, {.scan = scan}));
  const auto caching = arguments.no_kv ? Ingestion::Caching::kNo : Ingestion::Caching::kYes;
  const FolderFollowing::Events events{
      .on_added =
          [&](const IngestReport& report) { tell_report(context.output, report, arguments.no_kv); },
      .on_synced = [&](const SyncReport& synced) { tell_sync(context.output, synced); }};
  return {session, ingestion, std::move(watch), scan, caching, events};
}

/// Until somebody interrupts, which is how it ends.
ExitCode follow(CommandContext& context, FolderFollowing& following) {
  context.output.note("Watching " + counted(following.n_watched(), "folder") + "; Ctrl-C ends.");
  if (following.n_unwatched() > 0) {
    context.output.note(counted(following.n_unwatched(), "folder") +
                        " beyond the system's limit (fs.inotify.max_user_watches): they are looked "
                        "at once a minute.");
  }
  const bool is_done = value_or_throw(following.run(context.interrupt.token()));
  return is_done ? ExitCode::kDone : ExitCode::kCancelled;
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
    ingestion.set_password(password_in(arguments.password_file, context.interrupt.token()));
  }
  const ScanOptions scan{.exclude = arguments.exclude, .hidden = arguments.hidden};
  ingestion.set_scan(scan);
  const std::vector<std::filesystem::path> paths(arguments.paths.begin(), arguments.paths.end());
  const auto caching = arguments.no_kv ? Ingestion::Caching::kNo : Ingestion::Caching::kYes;
  // What changes while the first run reads is found after it.
  std::optional<FolderFollowing> following;
  if (arguments.watch) {
    following.emplace(start_following(context, *session, ingestion, paths, arguments, scan));
  }
  const auto report = value_or_throw(ingestion.add(paths, caching, context.interrupt.token()));
  tell_report(context.output, report, arguments.no_kv);
  if (report.cancelled) return ExitCode::kCancelled;
  // What a killed `remove` had not erased yet.
  value_or_throw(erase_removed(session->library(), session->store()));
  reindex_and_tell(context, *session);
  if (context.interrupt.token().stop_requested()) return ExitCode::kCancelled;
  if (following) return follow(context, *following);
  return report.all_searchable() ? ExitCode::kDone : ExitCode::kFailed;
}

}  // namespace kvlink::app
