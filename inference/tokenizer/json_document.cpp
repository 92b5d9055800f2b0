// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/json_document.h"

#include <algorithm>

namespace kvlink::inference {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxJsonBytes = std::size_t{256} << 20;
constexpr int kMaxDepth = 32;
/// Ids that no token has, at most: each costs as much memory as one that has.
constexpr std::size_t kMaxUnusedIds = std::size_t{1} << 16;

[[noreturn]] void corrupt(const std::string& detail) {
  fail(ErrorCode::kCorrupt, "tokenizer.json is damaged: " + detail);
}

/// `limit`: ids are below it.
std::size_t checked_token_id(const json& value, const std::string& token, std::size_t limit) {
  if (!value.is_number_integer()) corrupt("the id of \"" + token + "\" is not a whole number");
  const bool in_range = value.is_number_unsigned() && value.get<std::uint64_t>() < limit;
  if (!in_range) corrupt("the id of \"" + token + "\" is out of range");
  return value.get<std::size_t>();
}

void put(JsonVocabulary& vocabulary, std::size_t id, const std::string& token, TokenType type) {
  if (id >= vocabulary.tokens.size()) {
    vocabulary.tokens.resize(id + 1);
    vocabulary.types.resize(id + 1, static_cast<std::int32_t>(TokenType::kUnused));
  }
  std::string& slot = vocabulary.tokens[id];
  if (!slot.empty() && slot != token) {
    corrupt("id " + std::to_string(id) + " stands for \"" + slot + "\" and for \"" + token + "\"");
  }
  slot = token;
  vocabulary.types[id] = static_cast<std::int32_t>(type);
}

void put_added_token(JsonVocabulary& vocabulary, const json& added, std::size_t limit) {
  const std::string content = text_member(added, "content", "");
  if (content.empty()) return;  // matches nothing
  const std::size_t id = checked_token_id(member(added, "id"), content, limit);
  const bool special = flag_member(added, "special", false);
  const AddedTokenRule rule{.id = static_cast<std::int32_t>(id),
                            .single_word = flag_member(added, "single_word", false),
                            .left_space = flag_member(added, "lstrip", false),
                            .right_space = flag_member(added, "rstrip", false),
                            .is_normalized = flag_member(added, "normalized", !special)};
  const bool is_plain =
      !rule.single_word && !rule.left_space && !rule.right_space && !rule.is_normalized;
  // Control tokens are never looked for in text.
  if (!special && !is_plain) vocabulary.rules.push_back(rule);
  put(vocabulary, id, content, special ? TokenType::kControl : TokenType::kUserDefined);
}

const json* find_template(const json& processor, int depth) {
  if (!processor.is_object() || depth > 2) return nullptr;
  if (text_member(processor, "type", "") == "TemplateProcessing") return &processor;
  for (const json& part : member(processor, "processors")) {
    if (const json* found = find_template(part, depth + 1)) return found;
  }
  return nullptr;
}

std::string special_token(const json& item) {
  const json& special = member(item, "SpecialToken");
  return special.is_object() ? text_member(special, "id", "") : std::string();
}

}  // namespace

json parse_tokenizer_json(std::string_view text) {
  if (text.size() > kMaxJsonBytes) corrupt("it has more than 256 MiB");
  const auto check_depth = [](int depth, json::parse_event_t, json&) {
    if (depth > kMaxDepth) corrupt("it is nested deeper than 32 levels");
    return true;
  };
  try {
    json document = json::parse(text.begin(), text.end(), check_depth);
    if (!document.is_object()) corrupt("it is not an object");
    return document;
  } catch (const json::exception& e) {
    corrupt(e.what());
  }
}

const json& member(const json& parent, const char* name) {
  static const json kNull;
  if (!parent.is_object()) corrupt(std::string("what holds \"") + name + "\" is not an object");
  const auto it = parent.find(name);
  return it == parent.end() ? kNull : *it;
}

std::string text_member(const json& parent, const char* name, const char* otherwise) {
  const json& value = member(parent, name);
  if (value.is_null()) return otherwise;
  if (!value.is_string()) corrupt(std::string("\"") + name + "\" is not a text");
  return value.get<std::string>();
}

bool flag_member(const json& parent, const char* name, bool otherwise) {
  const json& value = member(parent, name);
  if (value.is_null()) return otherwise;
  if (!value.is_boolean()) corrupt(std::string("\"") + name + "\" is not true or false");
  return value.get<bool>();
}

JsonVocabulary read_vocabulary(const json& document) {
  const json& vocab = member(member(document, "model"), "vocab");
  if (!vocab.is_object()) corrupt("model.vocab is not an object");
  if (vocab.size() > kMaxVocabSize) corrupt("model.vocab has too many entries");
  const json& added_tokens = member(document, "added_tokens");
  if (!added_tokens.is_null() && !added_tokens.is_array()) corrupt("added_tokens is not a list");
  const std::size_t n_tokens = vocab.size() + added_tokens.size();
  const std::size_t limit = std::min(n_tokens + kMaxUnusedIds, kMaxVocabSize);
  JsonVocabulary vocabulary;
  vocabulary.tokens.reserve(vocab.size());
  for (const auto& [token, id] : vocab.items()) {
    put(vocabulary, checked_token_id(id, token, limit), token, TokenType::kNormal);
  }
  for (const json& added : added_tokens) put_added_token(vocabulary, added, limit);
  return vocabulary;
}

JsonTemplate read_template(const json& document) {
  const json* found = find_template(member(document, "post_processor"), 0);
  if (found == nullptr) return {};
  const json& single = member(*found, "single");
  if (!single.is_array() || single.empty()) return {};
  return {special_token(single.front()), special_token(single.back())};
}

std::vector<std::string> read_merges(const json& merges) {
  if (!merges.is_array()) corrupt("model.merges is not a list");
  std::vector<std::string> pairs;
  pairs.reserve(merges.size());
  for (const json& merge : merges) {
    if (merge.is_string()) {
      pairs.push_back(merge.get<std::string>());
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      pairs.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
    } else {
      fail(ErrorCode::kCorrupt,
           "tokenizer.json: merge " + std::to_string(pairs.size()) + " is not two texts");
    }
  }
  return pairs;
}

std::int32_t id_of(const JsonVocabulary& vocabulary, const std::string& token) {
  const auto it = std::find(vocabulary.tokens.begin(), vocabulary.tokens.end(), token);
  if (token.empty() || it == vocabulary.tokens.end()) return -1;
  return static_cast<std::int32_t>(it - vocabulary.tokens.begin());
}

std::string type_name(const json& part) {
  if (part.is_null()) return "none";
  return part.is_object() ? text_member(part, "type", "without a type") : "of no known form";
}

}  // namespace kvlink::inference
