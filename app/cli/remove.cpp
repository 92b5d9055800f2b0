// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/json.h"
#include "app/document_names.h"
#include "app/reconcile.h"
#include "app/words.h"

namespace kvlink::app {

ExitCode run_command(CommandContext& context, const RemoveArguments& arguments) {
  const auto session = context.open_session(Parts::kStores);
  nlohmann::json removed = nlohmann::json::array();
  nlohmann::json missing = nlohmann::json::array();
  std::vector<retrieval::DocumentId> ids;
  std::set<retrieval::DocumentId> done;
  for (const auto& target : arguments.targets) {
    const auto documents = value_or_throw(find_documents(session->library(), target));
    if (documents.empty()) missing.push_back(target);
    for (const auto& document : documents) {
      if (!done.insert(document.id).second) continue;
      ids.push_back(document.id);
      removed.push_back({{"id", document.id}, {"path", document.path}});
    }
  }
  value_or_throw(session->library().remove(ids));
  if (!context.output.json()) {
    for (const auto& document : removed) {
      context.output.print_line(printable("removed " + document["path"].get<std::string>()));
    }
  }
  const auto n_blocks = value_or_throw(erase_removed(session->library(), session->store()));
  if (!context.output.json() && !ids.empty()) {
    context.output.print_line(counted(n_blocks, "cached block") + " erased");
  }
  for (const auto& target : missing) {
    context.output.note("There is no document " + target.get<std::string>() + " in the library.");
  }
  const bool all_found = missing.empty();
  if (context.output.json()) {
    context.output.print_line(to_text({{"removed", std::move(removed)},
                                       {"blocks", n_blocks},
                                       {"not_found", std::move(missing)}}));
  }
  return all_found ? ExitCode::kDone : ExitCode::kNothingFound;
}

}  // namespace kvlink::app
