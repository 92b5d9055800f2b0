// SPDX-License-Identifier: Apache-2.0
// tokenizer.json: what is read, what is refused by name, and what is damaged.
#include <nlohmann/json.hpp>

#include "inference/tokenizer/wordpiece.h"
#include "tests/inference/tokenizer_sources.h"

namespace kvlink::tests {
namespace {

using nlohmann::json;
using Ids = std::vector<std::int32_t>;

constexpr const char* kLlama3Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

json byte_level(bool use_regex = true) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", use_regex}};
}

/// 256 byte tokens, "ab" = 256, "12" = 257, and a control token.
json bpe_document() {
  json vocab = json::object();
  for (int b = 0; b < 256; ++b) {
    vocab[inference::spelling_of_byte(static_cast<unsigned char>(b))] = b;
  }
  vocab["ab"] = 256;
  vocab["12"] = 257;
  return {{"added_tokens", {{{"id", 258}, {"content", "<|end|>"}, {"special", true}}}},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level()},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", {"a b", "1 2"}}}}};
}

inference::TokenizerSource source_of(const json& document) {
  inference::TokenizerSource source;
  source.kind = "tokenizer.json";
  source.json = document.dump();
  return source;
}

TEST(TokenizerJson, ReadsByteLevelBpe) {
  const auto tokenizer = make(source_of(bpe_document()));
  EXPECT_EQ(tokenizer->encode("ab12<|end|>").size(), 9U);
  EXPECT_EQ(tokenizer->encode("ab12"), (Ids{256, 257}));
  EXPECT_EQ(tokenizer->vocab_size(), 259);
  EXPECT_TRUE(tokenizer->is_control(258));
  EXPECT_EQ(tokenizer->control_id("<|end|>"), 258);
  EXPECT_EQ(tokenizer->bos_id(), -1);
}

TEST(TokenizerJson, ReadsMergesAsPairs) {
  json document = bpe_document();
  document["model"]["merges"] = json::array({json::array({"a", "b"})});
  EXPECT_EQ(make(source_of(document))->encode("ab12"), (Ids{256, '1', '2'}));
}

TEST(TokenizerJson, KnowsTheShapesOfPreTokenizers) {
  json document = bpe_document();
  json& pre = document["pre_tokenizer"];
  pre = {{"type", "Sequence"},
         {"pretokenizers", {{{"type", "Digits"}, {"individual_digits", true}}, byte_level()}}};
  EXPECT_EQ(make(source_of(document))->encode("ab12"), (Ids{256, '1', '2'}));
  EXPECT_EQ(make(source_of(document))->describe(), "byte-level BPE (smollm)");
  const json split = {{"type", "Split"},
                      {"pattern", {{"Regex", kLlama3Regex}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  pre = {{"type", "Sequence"}, {"pretokenizers", {split, byte_level(false)}}};
  EXPECT_EQ(make(source_of(document))->describe(), "byte-level BPE (llama-3)");
}

TEST(TokenizerJson, AddsASpaceInFrontWhenTheFileSaysSo) {
  json document = bpe_document();
  document["pre_tokenizer"]["add_prefix_space"] = true;
  EXPECT_EQ(make(source_of(document))->encode("ab"), (Ids{' ', 256}));
  EXPECT_EQ(make(source_of(document))->encode(" ab"), (Ids{' ', 256}));
}

TEST(TokenizerJson, TheTemplateNamesBos) {
  json document = bpe_document();
  document["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {{{"SpecialToken", {{"id", "<|end|>"}}}}, {{"Sequence", {{"id", "A"}}}}}}};
  const auto tokenizer = make(source_of(document));
  EXPECT_EQ(tokenizer->bos_id(), 258);
  EXPECT_TRUE(tokenizer->add_bos());
}

TEST(TokenizerJson, RefusesByNameWhatItDoesNotKnow) {
  const auto refuse = [](const char* pointer, const json& value, const std::string& named) {
    json document = bpe_document();
    document[json::json_pointer(pointer)] = value;
    expect_error(source_of(document), ErrorCode::kUnsupported, named);
  };
  refuse("/model/type", "Unigram", "Unigram");
  refuse("/normalizer", {{"type", "NFKC"}}, "NFKC");
  refuse("/pre_tokenizer", {{"type", "Metaspace"}}, "Metaspace");
  refuse("/pre_tokenizer", nullptr, "none");
  refuse("/pre_tokenizer/use_regex", false, "ByteLevel");
  refuse("/model/dropout", 0.1, "dropout");
  refuse("/model/end_of_word_suffix", "</w>", "end_of_word_suffix");
  const json split = {
      {"type", "Split"}, {"pattern", {{"Regex", "\\w+"}}}, {"behavior", "Isolated"}};
  refuse("/pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {split, byte_level(false)}}},
         "\\w+");
}

/// A sentencepiece vocabulary as converters write it: bytes, characters, "ab" and " ab".
json byte_fallback_document() {
  json vocab = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}};
  constexpr const char* kHex = "0123456789ABCDEF";
  for (int b = 0; b < 256; ++b) {
    vocab[std::string("<0x") + kHex[b / 16] + kHex[b % 16] + ">"] = 3 + b;
  }
  for (const char* text : {"\u2581", "a", "b", "ab", "\u2581ab", "abb"}) vocab[text] = vocab.size();
  json added = json::array();
  for (const auto& [id, text] :
       {std::pair(0, "<unk>"), std::pair(1, "<s>"), std::pair(2, "</s>")}) {
    added.push_back({{"id", id}, {"content", text}, {"special", true}});
  }
  const json prepend = {{"type", "Prepend"}, {"prepend", "\u2581"}};
  const json replace = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}};
  return {{"added_tokens", added},
          {"normalizer", {{"type", "Sequence"}, {"normalizers", {prepend, replace}}}},
          {"pre_tokenizer", nullptr},
          {"model",
           {{"type", "BPE"},
            {"unk_token", "<unk>"},
            {"byte_fallback", true},
            {"vocab", vocab},
            {"merges", {"a b", "\u2581 ab"}}}}};
}

TEST(TokenizerJson, ReadsBpeWithByteFallback) {
  json document = byte_fallback_document();
  const auto tokenizer = make(source_of(document));
  EXPECT_EQ(tokenizer->describe(), "sentencepiece");
  EXPECT_EQ(tokenizer->encode("ab a"), (Ids{263, 259, 260}));
  EXPECT_EQ(tokenizer->encode("abb"), (Ids{263, 261})) << "no merge makes abb";
  EXPECT_EQ(tokenizer->encode("a\n"), (Ids{259, 260, 3 + '\n'}));
  EXPECT_EQ(tokenizer->decode(Ids{263, 259, 260}), " ab a");
  EXPECT_TRUE(tokenizer->is_control(2));
  document["normalizer"] = nullptr;
  document["pre_tokenizer"] = {{"type", "Metaspace"},
                               {"replacement", "\u2581"},
                               {"prepend_scheme", "first"},
                               {"split", false}};
  EXPECT_EQ(make(source_of(document))->encode("ab"), Ids{263});
  document["pre_tokenizer"]["prepend_scheme"] = "never";
  EXPECT_EQ(make(source_of(document))->encode("ab"), Ids{262});
}

TEST(TokenizerJson, RefusesStepsThatSentencepieceDoesNotTake) {
  const auto refuse = [](const char* pointer, const json& value, const std::string& named) {
    json document = byte_fallback_document();
    document[json::json_pointer(pointer)] = value;
    expect_error(source_of(document), ErrorCode::kUnsupported, named);
  };
  refuse("/normalizer", {{"type", "NFKC"}}, "NFKC");
  refuse("/pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "\u2581"}}, "Metaspace");
  refuse("/pre_tokenizer", byte_level(), "ByteLevel");
  refuse("/model/ignore_merges", true, "ignore_merges");
  refuse("/model/type", "Unigram", "tokenizer.model");
}

TEST(TokenizerJson, RefusesDamagedFiles) {
  const auto refuse = [](const char* pointer, const json& value, const std::string& named) {
    json document = bpe_document();
    document[json::json_pointer(pointer)] = value;
    expect_error(source_of(document), ErrorCode::kCorrupt, named);
  };
  refuse("/model", 5, "not an object");
  refuse("/model/vocab", json::array(), "vocab");
  refuse("/model/vocab/ab", -1, "ab");
  refuse("/model/vocab/ab", 2147483648U, "ab");
  refuse("/model/vocab/ab", 1.5, "ab");
  refuse("/model/vocab/ab", 257, "257");
  refuse("/model/merges", {{"a", "b", "c"}}, "merge 0");
  refuse("/model/merges", {"ab"}, "merge 0");
  refuse("/model/merges", "a b", "merges");
  refuse("/added_tokens/0/id", 1, "id 1");
  refuse("/added_tokens", "x", "added_tokens");
}

TEST(TokenizerJson, AnEmptyAddedTokenIsHarmless) {
  json document = bpe_document();
  document["added_tokens"].push_back({{"id", 300}, {"content", ""}});
  EXPECT_EQ(make(source_of(document))->vocab_size(), 259);
}

TEST(TokenizerJson, RefusesTextThatIsNotJson) {
  inference::TokenizerSource source;
  source.kind = "tokenizer.json";
  for (const char* text : {"", "{", "[]", "{\"model\":", "\xFF", "{} {}"}) {
    source.json = text;
    expect_error(source, ErrorCode::kCorrupt, "tokenizer.json");
  }
}

TEST(TokenizerJson, RefusesDeepNestingWithoutRecursion) {
  inference::TokenizerSource source;
  source.kind = "tokenizer.json";
  source.json = "{\"model\":" + std::string(1'000'000, '[');
  expect_error(source, ErrorCode::kCorrupt, "deeper than 32");
}

json word_piece_document() {
  return {{"normalizer", {{"type", "BertNormalizer"}, {"lowercase", true}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", "<unk>"},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 10},
            {"vocab", {{"<unk>", 0}, {"a", 1}, {"##b", 2}, {"<s>", 3}, {"</s>", 4}}}}},
          {"post_processor",
           {{"type", "TemplateProcessing"},
            {"single",
             {{{"SpecialToken", {{"id", "<s>"}}}},
              {{"Sequence", {{"id", "A"}}}},
              {{"SpecialToken", {{"id", "</s>"}}}}}}}}};
}

TEST(TokenizerJson, ReadsWordPiece) {
  const auto tokenizer = make(source_of(word_piece_document()));
  EXPECT_EQ(tokenizer->encode("AB a c abbbbbbbbbb"), (Ids{1, 2, 1, 0, 0}));
  EXPECT_EQ(tokenizer->bos_id(), 3);
  EXPECT_EQ(tokenizer->eos_id(), 4);
  EXPECT_EQ(tokenizer->describe(), "WordPiece");
}

TEST(TokenizerJson, WordPieceNeedsBertsOwnSteps) {
  json document = word_piece_document();
  document["pre_tokenizer"]["type"] = "Whitespace";
  expect_error(source_of(document), ErrorCode::kUnsupported, "Whitespace");
  document = word_piece_document();
  document["model"]["max_input_chars_per_word"] = 100000;
  expect_error(source_of(document), ErrorCode::kUnsupported, "max_input_chars_per_word");
  const auto result = inference::WordPiece::from_json(bpe_document().dump());
  ASSERT_FALSE(result.has_value());
  EXPECT_NE(result.error().message.find("BPE"), std::string::npos);
}

}  // namespace
}  // namespace kvlink::tests
