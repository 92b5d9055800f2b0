// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/byte_fallback_json.h"

#include <string_view>
#include <unordered_map>

#include "inference/tokenizer/json_document.h"
#include "inference/tokenizer/sentencepiece_spelling.h"
#include "inference/tokenizer/text_scan.h"

namespace kvlink::inference {
namespace {

using nlohmann::json;

[[noreturn]] void unsupported(const std::string& what) {
  fail(
      ErrorCode::kUnsupported,
      "tokenizer.json: " + what + " with byte_fallback is not handled; use the GGUF of this model");
}

/// Whether the normalizer puts a space in front: Prepend and Replace of spaces, as converters of
/// sentencepiece models write them, or nothing.
bool read_normalizer(const json& normalizer) {
  if (normalizer.is_null()) return false;
  bool prepends = false;
  const auto read = [&](const json& part) {
    const std::string type = type_name(part);
    if (type == "Prepend" && text_member(part, "prepend", "") == kSpaceMarkText) {
      prepends = true;
      return;
    }
    const json& pattern = type == "Replace" ? member(part, "pattern") : part;
    const bool marks_spaces = type == "Replace" && pattern.is_object() &&
                              text_member(pattern, "String", "") == " " &&
                              text_member(part, "content", "") == kSpaceMarkText;
    if (!marks_spaces) unsupported("normalizer " + type);
  };
  if (type_name(normalizer) != "Sequence") {
    read(normalizer);
    return prepends;
  }
  for (const json& part : member(normalizer, "normalizers")) read(part);
  return prepends;
}

/// The same for a Metaspace pre-tokenizer, which newer converters write instead.
bool read_metaspace(const json& pre) {
  if (pre.is_null()) return false;
  if (type_name(pre) != "Metaspace" || text_member(pre, "replacement", "") != kSpaceMarkText ||
      flag_member(pre, "split", true)) {
    unsupported("pre-tokenizer " + type_name(pre) + " that cuts words");
  }
  const std::string scheme = text_member(pre, "prepend_scheme", "");
  return scheme.empty() ? flag_member(pre, "add_prefix_space", true) : scheme != "never";
}

/// Tokens that merges make get the place of their first merge; others can only be found whole as
/// characters, so no merge may make them.
std::vector<float> scores_of(const std::vector<std::string>& merges,
                             const std::vector<std::string>& tokens,
                             std::vector<std::int32_t>& types) {
  std::unordered_map<std::string, std::size_t> first_merge;
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const std::size_t space = merges[i].find(' ', 1);
    if (space == std::string::npos) {
      fail(ErrorCode::kCorrupt, "tokenizer.json: merge " + std::to_string(i) + " is not two texts");
    }
    first_merge.emplace(merges[i].substr(0, space) + merges[i].substr(space + 1), i);
  }
  std::vector<float> scores;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const auto found = first_merge.find(tokens[id]);
    scores.push_back(found == first_merge.end() ? 0.0F : -static_cast<float>(found->second));
    const bool is_normal = types[id] == static_cast<std::int32_t>(TokenType::kNormal);
    const bool is_byte = is_normal && byte_of_token(tokens[id]).has_value();
    const bool is_character =
        !tokens[id].empty() && utf8_length(tokens[id].front()) >= tokens[id].size();
    if (is_byte) types[id] = static_cast<std::int32_t>(TokenType::kByte);
    if (is_normal && !is_byte && !is_character && found == first_merge.end()) {
      types[id] = static_cast<std::int32_t>(TokenType::kUnused);
    }
  }
  return scores;
}

}  // namespace

TokenizerSource read_byte_fallback_source(const json& document, const TokenizerSource& stated) {
  const json& model = member(document, "model");
  const bool in_front = read_normalizer(member(document, "normalizer"));
  const bool metaspace = read_metaspace(member(document, "pre_tokenizer"));
  if (flag_member(model, "ignore_merges", false)) unsupported("ignore_merges");
  JsonVocabulary vocabulary = read_vocabulary(document);
  for (const AddedTokenRule& rule : vocabulary.rules) {
    if (rule.single_word || rule.left_space || rule.right_space) {
      unsupported("an added token that looks at its neighbours");
    }
  }
  TokenizerSource source;
  source.kind = "llama";
  source.bos_id = stated.bos_id;
  source.eos_id = stated.eos_id;
  source.unk_id = id_of(vocabulary, text_member(model, "unk_token", ""));
  source.add_bos = stated.add_bos;
  source.add_space_prefix = in_front || metaspace;
  const std::int32_t first = id_of(vocabulary, read_template(document).first);
  if (first >= 0 && (source.bos_id < 0 || source.bos_id == first)) {
    source.bos_id = first;
    source.add_bos = true;
  }
  source.scores =
      scores_of(read_merges(member(model, "merges")), vocabulary.tokens, vocabulary.types);
  source.tokens = std::move(vocabulary.tokens);
  source.types = std::move(vocabulary.types);
  return source;
}

}  // namespace kvlink::inference
