// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/tokenizer_json.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "inference/tokenizer/byte_fallback_json.h"
#include "inference/tokenizer/byte_level_bpe.h"
#include "inference/tokenizer/deepseek_words.h"
#include "inference/tokenizer/json_document.h"
#include "inference/tokenizer/tokenizer_kinds.h"

namespace kvlink::inference {
namespace {

using nlohmann::json;

constexpr int kMaxWordChars = 200;  // longest-match pieces cost the square of a word's length

[[noreturn]] void unsupported(const std::string& what) {
  fail(ErrorCode::kUnsupported, "tokenizer.json: " + what + " is not handled");
}

// Published split patterns, each of which has a scanner. Spelled as the files spell them.
constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::array<std::pair<std::string_view, PreTokenizer>, 3> kPatterns = {
    {{kGpt2Pattern, PreTokenizer::kGpt2},
     {kLlama3Pattern, PreTokenizer::kLlama3},
     {kQwen2Pattern, PreTokenizer::kQwen2}}};

/// A family that states a list of patterns and other steps in front of ByteLevel.
struct PatternList {
  PreTokenizer kind;
  std::vector<std::string> patterns;
  bool digits_alone;  ///< a step Digits behind the patterns
};

std::vector<PatternList> pattern_lists() {
  constexpr const char* kAsian = "[一-龥ࠀ-一가-퟿]+";
  return {
      {PreTokenizer::kDeepSeekCoder, {"[\r\n]", R"(\s?\p{L}+)", R"(\s?\p{P}+)", kAsian}, true},
      {PreTokenizer::kDeepSeekLlm,
       {"[\r\n]", deepseek_letters_pattern(), R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)", R"(\s+$)",
        kAsian},
       true},
      {PreTokenizer::kDeepSeekV3,
       {R"(\p{N}{1,3})", "[一-龥\u3040-\u309f\u30a0-\u30ff]+",
        R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^)"
        "\r\n"
        R"(\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[)"
        "\r\n"
        R"(]*|\s*[)"
        "\r\n"
        R"(]+|\s+(?!\S)|\s+)"},
       false},
  };
}

std::string model_type(const json& document) {
  const json& model = member(document, "model");
  // Files from before models were named hold BPE when they hold merges.
  const bool has_merges = member(model, "merges").is_array();
  return text_member(model, "type", has_merges ? "BPE" : "without a type");
}

/// Whether text is to be brought into form C, the only change that byte-level BPE knows here.
bool read_nfc(const json& normalizer) {
  if (normalizer.is_null()) return false;
  if (type_name(normalizer) == "NFC") return true;
  const json& parts = member(normalizer, "normalizers");
  if (type_name(normalizer) == "Sequence" && parts.is_array()) {
    if (parts.empty()) return false;
    if (parts.size() == 1) return read_nfc(parts.front());
  }
  unsupported("normalizer " + type_name(normalizer) + " with model BPE");
}

std::string isolated_regex(const json& split) {
  const json& pattern = member(split, "pattern");
  if (text_member(split, "behavior", "") != "Isolated" || flag_member(split, "invert", false)) {
    unsupported("pre-tokenizer Split that does not isolate its matches");
  }
  return pattern.is_object() ? text_member(pattern, "Regex", "") : std::string();
}

PreTokenizer split_pattern(const json& split) {
  const std::string regex = isolated_regex(split);
  for (const auto& [known, kind] : kPatterns) {
    if (regex == known) return kind;
  }
  unsupported("pre-tokenizer Split with the pattern \"" + regex.substr(0, 200) + "\"");
}

/// A line end that a file writes as "\r" and "\n" in the pattern's own language.
std::string with_plain_line_ends(std::string pattern) {
  for (const auto& [written, meant] : {std::pair{"\\r", '\r'}, std::pair{"\\n", '\n'}}) {
    for (auto at = pattern.find(written); at != std::string::npos; at = pattern.find(written, at)) {
      pattern.replace(at, 2, 1, meant);
    }
  }
  return pattern;
}

/// The family whose patterns stand in front of the last step; the others are refused by name.
std::optional<PreTokenizer> listed_family(const std::vector<const json*>& parts) {
  for (const PatternList& list : pattern_lists()) {
    const std::size_t n = list.patterns.size() + (list.digits_alone ? 1 : 0);
    bool is_list = parts.size() == n + 1;
    for (std::size_t i = 0; is_list && i < list.patterns.size(); ++i) {
      is_list = type_name(*parts[i]) == "Split" &&
                with_plain_line_ends(isolated_regex(*parts[i])) == list.patterns[i];
    }
    if (is_list && list.digits_alone) {
      is_list = type_name(*parts[n - 1]) == "Digits" &&
                flag_member(*parts[n - 1], "individual_digits", false);
    }
    if (is_list) return list.kind;
  }
  return std::nullopt;
}

/// The supported shapes: ByteLevel; Digits, ByteLevel; Split, ByteLevel without its own pattern;
/// the lists of DeepSeek.
ByteLevelOptions read_pre_tokenizer(const json& pre) {
  std::vector<const json*> parts;
  if (type_name(pre) == "Sequence") {
    for (const json& part : member(pre, "pretokenizers")) parts.push_back(&part);
  } else {
    parts.push_back(&pre);
  }
  std::string names;
  for (const json* part : parts) names += (names.empty() ? "" : ", ") + type_name(*part);
  if (parts.empty() || type_name(*parts.back()) != "ByteLevel") {
    unsupported("pre-tokenizer [" + names + "] with model BPE");
  }
  ByteLevelOptions options;
  options.add_prefix_space = flag_member(*parts.back(), "add_prefix_space", true);
  const bool own_pattern = flag_member(*parts.back(), "use_regex", true);
  const auto family = own_pattern ? std::nullopt : listed_family(parts);
  const json& first = *parts.front();
  if (family) {
    options.pre_tokenizer = *family;
  } else if (names == "Split, ByteLevel" && !own_pattern) {
    options.pre_tokenizer = split_pattern(first);
  } else if (names == "Digits, ByteLevel" && own_pattern &&
             flag_member(first, "individual_digits", false)) {
    options.pre_tokenizer = PreTokenizer::kSmolLm;
  } else if (names != "ByteLevel" || !own_pattern) {
    unsupported("pre-tokenizer [" + names + "] with these patterns and settings");
  }
  if (options.add_prefix_space && parts.size() > 1) {
    unsupported("pre-tokenizer [" + names + "] with add_prefix_space");
  }
  return options;
}

void expect_plain_bpe(const json& model) {
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!text_member(model, name, "").empty()) unsupported(std::string("model BPE with ") + name);
  }
  if (!member(model, "dropout").is_null()) unsupported("model BPE with dropout");
}

int checked_word_chars(const json& value) {
  if (value.is_null()) return WordPieceOptions{}.max_word_chars;
  const bool in_range = value.is_number_unsigned() && value.get<std::uint64_t>() >= 1 &&
                        value.get<std::uint64_t>() <= kMaxWordChars;
  if (!in_range) unsupported("max_input_chars_per_word outside 1 to 200");
  return value.get<int>();
}

WordPieceOptions read_bert_options(const json& document) {
  const json& normalizer = member(document, "normalizer");
  const json& pre = member(document, "pre_tokenizer");
  if (type_name(normalizer) != "BertNormalizer") {
    unsupported("normalizer " + type_name(normalizer) + " with model WordPiece");
  }
  if (type_name(pre) != "BertPreTokenizer") {
    unsupported("pre-tokenizer " + type_name(pre) + " with model WordPiece");
  }
  const json& model = member(document, "model");
  WordPieceOptions options;
  options.lower_case = flag_member(normalizer, "lowercase", true);
  options.strip_accents = flag_member(normalizer, "strip_accents", options.lower_case);
  options.split_cjk = flag_member(normalizer, "handle_chinese_chars", true);
  options.clean_text = flag_member(normalizer, "clean_text", true);
  options.unk_token = text_member(model, "unk_token", "[UNK]");
  options.continuation = text_member(model, "continuing_subword_prefix", "##");
  options.max_word_chars = checked_word_chars(member(model, "max_input_chars_per_word"));
  const JsonTemplate around = read_template(document);
  if (!around.first.empty()) options.cls_token = around.first;
  if (!around.last.empty()) options.sep_token = around.last;
  const json& padding = member(document, "padding");
  if (padding.is_object()) options.pad_token = text_member(padding, "pad_token", "[PAD]");
  return options;
}

WordPieceDescription read_wordpiece(const json& document) {
  JsonVocabulary vocabulary = read_vocabulary(document);
  const auto user_defined = static_cast<std::int32_t>(TokenType::kUserDefined);
  if (std::count(vocabulary.types.begin(), vocabulary.types.end(), user_defined) > 0) {
    unsupported("an added token that is not special with model WordPiece");
  }
  return {std::move(vocabulary.tokens), read_bert_options(document)};
}

/// In the shape that a GGUF vocabulary has, so that one class serves both. Ids that other files
/// stated stand in `stated`; the document fills the gaps.
TokenizerSource read_byte_level_source(const json& document, JsonVocabulary vocabulary,
                                       const TokenizerSource& stated) {
  const json& model = member(document, "model");
  TokenizerSource source;
  source.kind = "gpt2";
  source.bos_id = stated.bos_id;
  source.eos_id = stated.eos_id;
  source.unk_id = stated.unk_id;
  source.add_bos = stated.add_bos;
  if (source.unk_id < 0) source.unk_id = id_of(vocabulary, text_member(model, "unk_token", ""));
  const std::int32_t first = id_of(vocabulary, read_template(document).first);
  if (first >= 0 && (source.bos_id < 0 || source.bos_id == first)) {
    source.bos_id = first;
    source.add_bos = true;
  }
  source.merges = read_merges(member(model, "merges"));
  source.tokens = std::move(vocabulary.tokens);
  source.types = std::move(vocabulary.types);
  return source;
}

struct BytePairs {
  TokenizerSource source;    // kind "gpt2" or "llama"
  ByteLevelOptions options;  // "gpt2" only
  std::vector<AddedTokenRule> rules = {};
};

BytePairs read_byte_pairs(const json& document, const TokenizerSource& stated) {
  if (model_type(document) != "BPE") unsupported("model " + model_type(document));
  const json& model = member(document, "model");
  expect_plain_bpe(model);
  if (flag_member(model, "byte_fallback", false)) {
    return {read_byte_fallback_source(document, stated), {}};
  }
  ByteLevelOptions options = read_pre_tokenizer(member(document, "pre_tokenizer"));
  options.nfc = read_nfc(member(document, "normalizer"));
  options.whole_words_first = flag_member(model, "ignore_merges", false);
  JsonVocabulary vocabulary = read_vocabulary(document);
  std::vector<AddedTokenRule> rules = std::move(vocabulary.rules);
  return {read_byte_level_source(document, std::move(vocabulary), stated), options,
          std::move(rules)};
}

}  // namespace

WordPieceDescription read_wordpiece_json(std::string_view text) {
  const json document = parse_tokenizer_json(text);
  const std::string type = model_type(document);
  if (type != "WordPiece") unsupported("model " + type + " where WordPiece is needed");
  return read_wordpiece(document);
}

std::unique_ptr<Tokenizer> make_from_tokenizer_json(const TokenizerSource& source) {
  const json document = parse_tokenizer_json(source.json);
  const std::string type = model_type(document);
  if (type == "WordPiece") {
    WordPieceDescription description = read_wordpiece(document);
    return make_word_piece_tokenizer(value_or_throw(
        WordPiece::from_tokens(std::move(description.tokens), std::move(description.options))));
  }
  if (type == "Unigram") {
    // The library does this model; the file that it reads lies beside this one.
    if (!source.model_bytes.empty()) return make_from_sentencepiece_model(source);
    unsupported("model Unigram without tokenizer.model beside it");
  }
  const BytePairs pairs = read_byte_pairs(document, source);
  if (pairs.source.kind == "llama") return make_score_bpe(pairs.source);
  return std::make_unique<ByteLevelBpe>(pairs.source, pairs.options, pairs.rules);
}

TokenizerSource vocabulary_of_json(const TokenizerSource& source) {
  const json document = parse_tokenizer_json(source.json);
  if (model_type(document) != "BPE") {
    unsupported("model " + model_type(document) + " in a GGUF vocabulary");
  }
  BytePairs pairs = read_byte_pairs(document, source);
  if (pairs.source.kind == "llama") return std::move(pairs.source);
  const bool has_rules = std::any_of(pairs.rules.begin(), pairs.rules.end(), [](const auto& rule) {
    return rule.single_word || rule.left_space || rule.right_space;
  });
  if (has_rules) unsupported("an added token that looks at its neighbours in a GGUF vocabulary");
  for (const std::string_view name : pre_tokenizer_names()) {
    pairs.source.pre = name;
    if (byte_level_options(pairs.source) == pairs.options) return std::move(pairs.source);
  }
  unsupported(
      "its combination of word cutting, normal form and leading space in a GGUF vocabulary");
}

}  // namespace kvlink::inference
