// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "app/cli/command.h"
#include "app/cli/ingest_lines.h"
#include "app/cli/json.h"
#include "app/ingestion.h"
#include "app/words.h"

namespace kvlink::app {
namespace {

using Action = CacheArguments::Action;

/// The filters that together mean what the options say: one for each passage of --doc, else one.
std::vector<cache::BlockFilter> filters_of(Session& session, const CacheArguments& arguments) {
  cache::BlockFilter base;
  if (!arguments.id_prefix.empty()) base.id_prefix = arguments.id_prefix;
  if (arguments.stale) base.not_model = session.encoding().model;
  if (arguments.document.empty()) return {base};
  std::set<Digest> contents;
  const auto ids = documents_named(session, std::span(&arguments.document, 1));
  for (const auto id : ids) {
    for (const auto& chunk : value_or_throw(session.library().chunks(id))) {
      contents.insert(chunk.content);
    }
  }
  std::vector<cache::BlockFilter> filters;
  for (const auto& content : contents) {
    filters.push_back(base);
    filters.back().content = content;
  }
  return filters;
}

ExitCode list_blocks(CommandContext& context, Session& session,
                     const std::vector<cache::BlockFilter>& filters) {
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& filter : filters) {
    for (const auto& row : value_or_throw(session.store().list(filter))) {
      rows.push_back({{"id", row.id.hex()},
                      {"model", row.model.hex()},
                      {"recipe", row.recipe.hex()},
                      {"content", row.content.hex()},
                      {"tokens", row.n_tokens},
                      {"bytes", row.file_bytes},
                      {"dtype", dtype_name(row.dtype)},
                      {"created_unix", row.created_unix},
                      {"used_unix", row.used_unix},
                      {"hits", row.n_hits},
                      {"encode_ms", row.encode_ms},
                      {"load_ms", row.load_ms},
                      {"pinned", row.pinned},
                      {"damage", row.damage}});
      if (context.output.json()) continue;
      std::string line = row.id.hex().substr(0, 12) + "\t" + counted(row.n_tokens, "token") + "\t" +
                         bytes_in_words(row.file_bytes) + "\t" + dtype_name(row.dtype) + "\t" +
                         counted(row.n_hits, "hit");
      if (row.pinned) line += "\tpinned";
      if (!row.damage.empty()) line += "\tset aside: " + row.damage;
      context.output.print_line(printable(line));
    }
  }
  const bool found = !rows.empty();
  if (context.output.json()) context.output.print_line(to_text({{"blocks", std::move(rows)}}));
  if (!found) context.output.note("There is no such block.");
  return found ? ExitCode::kDone : ExitCode::kNothingFound;
}

ExitCode verify_blocks(CommandContext& context, Session& session,
                       const std::vector<cache::BlockFilter>& filters) {
  cache::VerifyReport report;
  const auto progress = [&](std::int64_t done, std::int64_t total) {
    context.output.progress("checking " + count_in_words(done) + " of " + counted(total, "block"));
  };
  const auto stop = context.interrupt.token();
  for (const auto& filter : filters) {
    auto part = value_or_throw(session.store().verify(filter, progress, stop));
    report.n_checked += part.n_checked;
    report.n_damaged += part.n_damaged;
    for (auto& problem : part.problems) report.problems.push_back(std::move(problem));
  }
  const bool cancelled = stop.stop_requested();
  context.output.end_progress();
  for (const auto& problem : report.problems) context.output.note(problem);
  if (context.output.json()) {
    context.output.print_line(to_text({{"checked", report.n_checked},
                                       {"damaged", report.n_damaged},
                                       {"problems", report.problems},
                                       {"cancelled", cancelled}}));
  } else {
    context.output.print_line(counted(report.n_checked, "block") + " checked, " +
                              count_in_words(report.n_damaged) + " damaged.");
    if (report.n_damaged > 0) {
      context.output.note(
          "Damaged blocks are set aside; `kvlink cache rebuild` computes them again.");
    }
  }
  if (cancelled) {
    context.output.note("Stopped before every block was checked.");
    return ExitCode::kCancelled;
  }
  return report.n_damaged == 0 ? ExitCode::kDone : ExitCode::kFailed;
}

ExitCode change_blocks(CommandContext& context, Session& session, const CacheArguments& arguments,
                       const std::vector<cache::BlockFilter>& filters) {
  const bool named = arguments.all || arguments.stale || !arguments.document.empty() ||
                     !arguments.id_prefix.empty();
  if (!named) {
    fail(ErrorCode::kInvalidInput,
         "Say which blocks: --doc DOCUMENT, --id BEGINNING, --stale, or --all.");
  }
  std::int64_t n = 0;
  for (const auto& filter : filters) {
    if (arguments.action == Action::kEvict) {
      const auto pinned =
          arguments.pinned_too ? cache::KvStore::Pinned::kInclude : cache::KvStore::Pinned::kKeep;
      n += value_or_throw(session.store().evict(filter, pinned));
    } else {
      n += value_or_throw(session.store().set_pinned(filter, arguments.action == Action::kPin));
    }
  }
  const char* verb = arguments.action == Action::kEvict ? "evicted"
                     : arguments.action == Action::kPin ? "pinned"
                                                        : "unpinned";
  if (context.output.json()) {
    context.output.print_line(to_text({{verb, n}}));
  } else {
    context.output.print_line(counted(n, "block") + " " + verb + ".");
  }
  return n > 0 ? ExitCode::kDone : ExitCode::kNothingFound;
}

ExitCode rebuild_blocks(CommandContext& context, Session& session,
                        const CacheArguments& arguments) {
  std::vector<retrieval::DocumentId> ids;
  if (arguments.document.empty()) {
    for (const auto& document : value_or_throw(session.library().documents())) {
      ids.push_back(document.id);
    }
  } else {
    ids = documents_named(session, std::span(&arguments.document, 1));
  }
  Ingestion ingestion(session, [&](const IngestProgress& progress) {
    context.output.progress(progress_line(progress));
  });
  const auto report = value_or_throw(ingestion.cache_documents(ids, context.interrupt.token()));
  context.output.end_progress();
  if (context.output.json()) {
    context.output.print_line(to_text(json_of(report)));
  } else {
    context.output.print_line(caching_line(report));
    if (!report.stopped_because.empty()) context.output.note(report.stopped_because);
  }
  if (report.cancelled) return ExitCode::kCancelled;
  return report.n_left == 0 ? ExitCode::kDone : ExitCode::kFailed;
}

}  // namespace

ExitCode run_command(CommandContext& context, const CacheArguments& arguments) {
  // Which blocks are stale depends on the model; everything but rebuilding works without one.
  const bool needs_model = arguments.stale || arguments.action == Action::kRebuild;
  const auto session = context.open_session(needs_model ? Parts::kAnswer : Parts::kStores);
  if (arguments.action == Action::kRebuild) return rebuild_blocks(context, *session, arguments);
  const auto filters = filters_of(*session, arguments);
  if (arguments.action == Action::kList) return list_blocks(context, *session, filters);
  if (arguments.action == Action::kVerify) return verify_blocks(context, *session, filters);
  return change_blocks(context, *session, arguments, filters);
}

}  // namespace kvlink::app
