// SPDX-License-Identifier: Apache-2.0
// A tokenizer.json as a tree, and the parts that every kind of model in it shares.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inference/tokenizer/user_tokens.h"
#include "inference/tokenizer/vocabulary.h"

namespace kvlink::inference {

/// Parses at most 256 MiB of at most 32 levels. Throws kCorrupt.
nlohmann::json parse_tokenizer_json(std::string_view text);

/// A member, or null when it is absent. Throws kCorrupt when `parent` is not an object.
const nlohmann::json& member(const nlohmann::json& parent, const char* name);
/// Members of a known type with a value for absent and null. Throw kCorrupt for another type.
std::string text_member(const nlohmann::json& parent, const char* name, const char* otherwise);
bool flag_member(const nlohmann::json& parent, const char* name, bool otherwise);

struct JsonVocabulary {
  std::vector<std::string> tokens;    ///< by id; "" where the file has a gap
  std::vector<std::int32_t> types;    ///< GGUF token types
  std::vector<AddedTokenRule> rules;  ///< of added tokens that are not simply found anywhere
};
/// model.vocab (an object of text to id) and added_tokens together.
JsonVocabulary read_vocabulary(const nlohmann::json& document);

/// The special tokens that the post-processor puts around one text.
struct JsonTemplate {
  std::string first;
  std::string last;
};
JsonTemplate read_template(const nlohmann::json& document);

/// model.merges as "left right", whichever way the file writes a pair.
std::vector<std::string> read_merges(const nlohmann::json& merges);

/// The id of a token's text; -1 for "" and for a text that is no token. Linear.
std::int32_t id_of(const JsonVocabulary& vocabulary, const std::string& token);

/// "normalizer Prepend" for a message; "none" for null.
std::string type_name(const nlohmann::json& part);

}  // namespace kvlink::inference
