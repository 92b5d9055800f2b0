// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/tokenizer_json.h"

#include <algorithm>
#include <array>
#include <utility>

#include "inference/tokenizer/byte_fallback_json.h"
#include "inference/tokenizer/byte_level_bpe.h"
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

constexpr std::array<std::string_view, 4> kDeepSeekCoderPatterns = {
    "[\r\n]", R"(\s?\p{L}+)", R"(\s?\p{P}+)", "[一-龥ࠀ-一가-퟿]+"};

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

/// DeepSeek Coder's four patterns, behind which each number stands alone.
bool is_deepseek_coder(const std::vector<const json*>& parts, const std::string& names) {
  if (names != "Split, Split, Split, Split, Digits, ByteLevel") return false;
  for (std::size_t i = 0; i < kDeepSeekCoderPatterns.size(); ++i) {
    if (isolated_regex(*parts[i]) != kDeepSeekCoderPatterns[i]) return false;
  }
  return flag_member(*parts[4], "individual_digits", false) &&
         !flag_member(*parts[5], "use_regex", true);
}

/// The supported shapes: ByteLevel; Digits, ByteLevel; Split, ByteLevel without its own pattern;
/// DeepSeek Coder's list.
ByteLevelOptions read_pre_tokenizer(const json& pre) {
  std::vector<const json*> parts;
  if (type_name(pre) == "Sequence") {
    for (const json& part : member(pre, "pretokenizers")) parts.push_back(&part);
  } else {
    parts.push_back(&pre);
  }
  std::string names;
  for (const json* part : parts) names += (names.empty() ? "" : ", ") + type_name(*part);
  const bool byte_level_last = names == "ByteLevel" || names == "Digits, ByteLevel" ||
                               names == "Split, ByteLevel" || is_deepseek_coder(parts, names);
  if (!byte_level_last) unsupported("pre-tokenizer [" + names + "] with model BPE");

  ByteLevelOptions options;
  options.add_prefix_space = flag_member(*parts.back(), "add_prefix_space", true);
  const bool own_pattern = flag_member(*parts.back(), "use_regex", true);
  const json& first = *parts.front();
  if (parts.size() == 6) {
    options.pre_tokenizer = PreTokenizer::kDeepSeekCoder;
  } else if (names == "Split, ByteLevel" && !own_pattern) {
    options.pre_tokenizer = split_pattern(first);
  } else if (names == "Digits, ByteLevel" && own_pattern &&
             flag_member(first, "individual_digits", false)) {
    options.pre_tokenizer = PreTokenizer::kSmolLm;
  } else if (names != "ByteLevel" || !own_pattern) {
    unsupported("pre-tokenizer [" + names + "] with these settings");
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
TokenizerSource read_byte_level_source(const json& document, const TokenizerSource& stated) {
  const json& model = member(document, "model");
  JsonVocabulary vocabulary = read_vocabulary(document);
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
  if (type != "BPE") unsupported("model " + type);
  expect_plain_bpe(member(document, "model"));
  if (flag_member(member(document, "model"), "byte_fallback", false)) {
    return make_score_bpe(read_byte_fallback_source(document, source));
  }
  ByteLevelOptions options = read_pre_tokenizer(member(document, "pre_tokenizer"));
  options.nfc = read_nfc(member(document, "normalizer"));
  options.whole_words_first = flag_member(member(document, "model"), "ignore_merges", false);
  return std::make_unique<ByteLevelBpe>(read_byte_level_source(document, source), options);
}

}  // namespace kvlink::inference
