// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "app/cli/command.h"
#include "app/cli/json.h"
#include "app/words.h"

namespace kvlink::app {
namespace {

struct DocumentStatus {
  retrieval::Document document;
  std::int64_t n_cached = 0;  ///< passages of which some model has a block
};

std::vector<DocumentStatus> collect(Session& session, bool with_blocks) {
  std::set<Digest> cached;
  if (with_blocks) {
    for (const auto& row : value_or_throw(session.store().list())) cached.insert(row.content);
  }
  std::vector<DocumentStatus> all;
  for (auto& document : value_or_throw(session.library().documents())) {
    DocumentStatus status{.document = std::move(document)};
    if (with_blocks) {
      for (const auto& chunk : value_or_throw(session.library().chunks(status.document.id))) {
        if (cached.contains(chunk.content)) ++status.n_cached;
      }
    }
    all.push_back(std::move(status));
  }
  return all;
}

void print_document(Output& output, const DocumentStatus& status) {
  const auto& document = status.document;
  std::string line = std::to_string(document.id) + "\t" + document.path + "\t";
  if (document.state == retrieval::DocumentState::kFailed) {
    line += (document.ignored ? "ignored: " : "failed: ") + document.problem;
  } else {
    line += counted(document.n_chunks, "passage") + ", " + count_in_words(status.n_cached) +
            " cached, " + counted(document.n_tokens, "token");
    if (document.offline) line += ", offline";
  }
  output.print_line(printable(line));
}

}  // namespace

ExitCode run_command(CommandContext& context, const StatusArguments& arguments) {
  const auto session = context.open_session(Parts::kStores);
  const auto all = collect(*session, arguments.documents);
  std::int64_t n_failed = 0;
  std::int64_t n_ignored = 0;
  std::int64_t n_tokens = 0;
  nlohmann::json documents = nlohmann::json::array();
  for (const auto& status : all) {
    const bool failed = status.document.state == retrieval::DocumentState::kFailed;
    n_failed += failed && !status.document.ignored;
    n_ignored += failed && status.document.ignored;
    n_tokens += status.document.n_tokens;
    if (!arguments.documents) continue;
    documents.push_back(json_of(status.document));
    documents.back()["chunks_cached"] = status.n_cached;
    if (!context.output.json()) print_document(context.output, status);
  }
  const auto totals = session->store().totals();
  const auto n_chunks = session->library().n_chunks();
  const auto& settings = session->settings();
  if (context.output.json()) {
    nlohmann::json object = {{"documents", all.size()},
                             {"failed", n_failed},
                             {"ignored", n_ignored},
                             {"chunks", n_chunks},
                             {"tokens", n_tokens},
                             {"blocks", totals.n_blocks},
                             {"disk_bytes", totals.disk_bytes},
                             {"disk_budget_bytes", settings.disk_budget_bytes},
                             {"hits", totals.n_hits},
                             {"misses", totals.n_misses},
                             {"data_dir", context.paths.data.string()}};
    if (arguments.documents) object["document_list"] = std::move(documents);
    context.output.print_line(to_text(object));
    return ExitCode::kDone;
  }
  context.output.print_line(
      counted(static_cast<std::int64_t>(all.size()), "document") + " (" + count_in_words(n_failed) +
      " failed" + (n_ignored > 0 ? ", " + count_in_words(n_ignored) + " ignored" : "") + "), " +
      counted(n_chunks, "passage") + ", " + counted(n_tokens, "token"));
  context.output.print_line(
      counted(totals.n_blocks, "cached block") + ", " + bytes_in_words(totals.disk_bytes) + " of " +
      bytes_in_words(settings.disk_budget_bytes) + "; " + counted(totals.n_hits, "hit") + ", " +
      count_in_words(totals.n_misses) + " missed");
  context.output.print_line(printable("in " + context.paths.data.string()));
  return ExitCode::kDone;
}

}  // namespace kvlink::app
