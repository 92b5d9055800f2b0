// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/ingest_lines.h"
#include "app/cli/json.h"
#include "app/cli/password_file.h"
#include "app/document_names.h"
#include "app/problem_remedy.h"

namespace kvlink::app {
namespace {

using Documents = std::vector<retrieval::Document>;
using Action = ProblemsArguments::Action;

bool has_problem(const retrieval::Document& document) {
  return remedy_of(document) != Remedy::kNone;
}

/// Those with a problem, of the documents named or of all.
Documents chosen_documents(retrieval::Library& library, const std::vector<std::string>& targets) {
  Documents found;
  std::set<retrieval::DocumentId> taken;
  const auto take = [&](Documents documents) {
    for (auto& document : documents) {
      if (has_problem(document) && taken.insert(document.id).second) {
        found.push_back(std::move(document));
      }
    }
  };
  if (targets.empty()) take(value_or_throw(library.documents()));
  for (const auto& target : targets) {
    auto documents = value_or_throw(find_documents(library, target));
    if (documents.empty()) {
      throw NothingFound(
          {ErrorCode::kNotFound, "There is no document " + target + " in the library."});
    }
    take(std::move(documents));
  }
  return found;
}

const char* name_of(Remedy remedy) {
  switch (remedy) {
    case Remedy::kPassword:
      return "password";
    case Remedy::kRecognise:
      return "ocr";
    case Remedy::kRetry:
      return "retry";
    case Remedy::kNone:
      break;
  }
  return "none";
}

/// The command that may put it right.
std::string command_for(const retrieval::Document& document) {
  const std::string id = std::to_string(document.id);
  if (document.ignored) return "kvlink problems --unignore " + id;
  const bool locked = remedy_of(document) == Remedy::kPassword;
  return "kvlink problems " + std::string(locked ? "--password-file FILE " : "--retry ") + id;
}

nlohmann::json json_of_problem(const retrieval::Document& document) {
  return {{"id", document.id},
          {"path", document.path},
          {"reason", document.problem},
          {"remedy", name_of(remedy_of(document))},
          {"searchable", document.state == retrieval::DocumentState::kSearchable},
          {"ignored", document.ignored},
          {"command", command_for(document)}};
}

ExitCode list(Output& output, const Documents& documents) {
  if (output.json()) {
    nlohmann::json rows = nlohmann::json::array();
    for (const auto& document : documents) rows.push_back(json_of_problem(document));
    output.print_line(to_text({{"problems", std::move(rows)}}));
    return ExitCode::kDone;
  }
  for (const auto& document : documents) {
    output.print_line(printable(std::to_string(document.id) + "\t" + document.path));
    output.print_line(printable((document.ignored ? "\tignored: " : "\t") + document.problem));
    output.print_line("\t" + command_for(document));
  }
  if (documents.empty()) output.print_line("Nothing is left to be done.");
  return ExitCode::kDone;
}

ExitCode ignore(CommandContext& context, const ProblemsArguments& arguments, bool ignored) {
  if (arguments.targets.empty()) {
    fail(ErrorCode::kInvalidInput, "Name the documents, or their numbers (kvlink problems).");
  }
  const auto session = context.open_session(Parts::kStores);
  auto& library = session->library();
  auto documents = chosen_documents(library, arguments.targets);
  std::vector<retrieval::DocumentId> ids;
  for (auto& document : documents) {
    ids.push_back(document.id);
    document.ignored = ignored;
  }
  value_or_throw(library.set_ignored(ids, ignored));
  return list(context.output, documents);
}

ExitCode read_again(CommandContext& context, const ProblemsArguments& arguments) {
  const bool has_password = !arguments.password_file.empty();
  const std::string password =
      has_password ? password_in(arguments.password_file, context.interrupt.token()) : "";
  const auto session = context.open_session(Parts::kAnswer);
  auto documents = chosen_documents(session->library(), arguments.targets);
  std::erase_if(documents, [&](const retrieval::Document& document) {
    const bool is_unwanted = document.ignored && arguments.targets.empty();
    const bool takes_password = remedy_of(document) == Remedy::kPassword;
    return is_unwanted || (has_password && !takes_password);
  });
  std::vector<std::filesystem::path> paths;
  for (const auto& document : documents) paths.emplace_back(document.path);
  Ingestion ingestion(*session, [&](const IngestProgress& progress) {
    context.output.progress(progress_line(progress));
  });
  ingestion.set_password(password);
  const auto report = value_or_throw(ingestion.add(
      paths, Ingestion::Caching::kYes, context.interrupt.token(), Ingestion::Rereading::kAll));
  tell_report(context.output, report, false);
  if (report.cancelled) return ExitCode::kCancelled;
  return report.all_searchable() ? ExitCode::kDone : ExitCode::kFailed;
}

}  // namespace

ExitCode run_command(CommandContext& context, const ProblemsArguments& arguments) {
  if (arguments.action == Action::kRetry || !arguments.password_file.empty()) {
    return read_again(context, arguments);
  }
  if (arguments.action != Action::kList) {
    return ignore(context, arguments, arguments.action == Action::kIgnore);
  }
  const auto session = context.open_session(Parts::kStores);
  auto documents = chosen_documents(session->library(), arguments.targets);
  std::erase_if(documents, [&](const retrieval::Document& document) {
    return document.ignored && !arguments.ignored && arguments.targets.empty();
  });
  return list(context.output, documents);
}

}  // namespace kvlink::app
