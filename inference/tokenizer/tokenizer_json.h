// SPDX-License-Identifier: Apache-2.0
// Reading the text of a tokenizer.json. Bounded: size, nesting and ids are checked. Throws
// kCorrupt for what contradicts the format and kUnsupported, by name, for the rest.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inference/model/model.h"
#include "inference/tokenizer/wordpiece.h"

namespace kvlink::inference {

struct WordPieceDescription {
  std::vector<std::string> tokens;
  WordPieceOptions options;
};
/// kUnsupported when the model is anything but WordPiece.
WordPieceDescription read_wordpiece_json(std::string_view json);

/// `source.json` in the shape that a GGUF vocabulary has (kind "gpt2" with `pre`, or "llama"),
/// where that says everything; else kUnsupported says what it cannot say.
TokenizerSource vocabulary_of_json(const TokenizerSource& source);

}  // namespace kvlink::inference
