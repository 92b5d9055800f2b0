// SPDX-License-Identifier: Apache-2.0
// What a model is and how it writes prompts, for other programs: the trainer asks it.
#pragma once

#include <filesystem>

#include "app/cli/command.h"

namespace kvlink::app {

/// Reads one JSON object a line from standard input and prints one JSON value a line:
///
///   {"describe": true}             what the model is: counts, rope, tokenizer, chat format, files
///   {"encode": "text"}             ids of plain text
///   {"decode": [ids]}              text
///   {"prefix": "instructions"}     ids up to the first passage
///   {"question": "text"}           ids from the question to the opening of the answer
///
/// A request that makes no sense gets {"error": "what is wrong"} and the next one is read. Ends
/// with the input. Throws what loading the model throws.
ExitCode write_prompts(CommandContext& context, const std::filesystem::path& model);

}  // namespace kvlink::app
