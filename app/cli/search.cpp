// SPDX-License-Identifier: Apache-2.0
#include "app/cli/command.h"
#include "app/cli/json.h"
#include "app/cli/source_lines.h"
#include "retrieval/query_filter.h"

namespace kvlink::app {

ExitCode run_command(CommandContext& context, const SearchArguments& arguments) {
  const auto session = context.open_session(Parts::kSearch);
  retrieval::SearchRequest request;
  request.text = arguments.query;
  request.limit = arguments.limit;
  request.documents = documents_named(*session, arguments.documents);
  const std::string plain = retrieval::question_to_embed(arguments.query);
  const auto vector =
      value_or_throw(session->embed(std::span(&plain, 1), inference::Priority::kQuestion));
  request.vector = vector;
  const auto hits = value_or_throw(session->library().search(request));
  nlohmann::json rows = nlohmann::json::array();
  std::int64_t number = 0;
  for (const auto& hit : hits) {
    rows.push_back(json_of(hit.chunk, hit.path, hit.score));
    rows.back()["cosine"] = hit.cosine;
    rows.back()["lexical_rank"] = hit.lexical_rank;
    rows.back()["dense_rank"] = hit.dense_rank;
    if (!context.output.json()) {
      context.output.print_line(source_line(++number, hit.chunk, hit.path, hit.score));
      context.output.print_line("    " + excerpt(hit.chunk.chunk.text, 160));
    }
  }
  if (context.output.json()) context.output.print_line(to_text({{"results", std::move(rows)}}));
  if (!hits.empty()) return ExitCode::kDone;
  context.output.note("Nothing in the library is about this.");
  return ExitCode::kNothingFound;
}

}  // namespace kvlink::app
