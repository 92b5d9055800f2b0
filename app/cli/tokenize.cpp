// SPDX-License-Identifier: Apache-2.0
#include "app/cli/command.h"
#include "app/cli/json.h"
#include "app/file_bytes.h"
#include "app/model_files.h"
#include "app/words.h"

namespace kvlink::app {

ExitCode run_command(CommandContext& context, const TokenizeArguments& arguments) {
  const auto path = value_or_throw(
      resolve_model(context.paths.models, ModelRole::kGenerator, context.global.model));
  const auto model = value_or_throw(inference::load_model(path));
  const auto tokenizer = value_or_throw(inference::make_tokenizer(model.tokenizer));
  std::string text = arguments.text;
  if (!arguments.file.empty()) {
    const Settings limits;
    const FileBytes read = read_file(arguments.file, limits.max_document_bytes);
    if (read.too_large) {
      fail(ErrorCode::kUnsupported,
           arguments.file + " is larger than " + bytes_in_words(limits.max_document_bytes) + ".");
    }
    text = read.bytes;
  }
  const auto ids = tokenizer->encode(text);
  if (context.output.json()) {
    nlohmann::json pieces = nlohmann::json::array();
    for (const auto id : ids) pieces.push_back(tokenizer->piece(id));
    context.output.print_line(to_text({{"tokenizer", tokenizer->describe()},
                                       {"count", ids.size()},
                                       {"ids", ids},
                                       {"pieces", std::move(pieces)}}));
    return ExitCode::kDone;
  }
  std::string lines;
  for (const auto id : ids) {
    lines += std::to_string(id) + "\t" + printable(tokenizer->piece(id)) + "\n";
  }
  context.output.print(lines);
  context.output.note(counted(static_cast<std::int64_t>(ids.size()), "token") + ", " +
                      tokenizer->describe());
  return ExitCode::kDone;
}

}  // namespace kvlink::app
