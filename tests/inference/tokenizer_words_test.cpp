// SPDX-License-Identifier: Apache-2.0
// Words and normal forms against tests/golden/pre_tokens.json (made by make_pre_tokens.py).
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "inference/tokenizer/nfc.h"
#include "inference/tokenizer/pre_tokenizer.h"
#include "tests/inference/tokenizer_sources.h"

namespace kvlink::tests {
namespace {

using nlohmann::json;

json read_golden_words() {
  const char* root = std::getenv("KVLINK_SOURCE_DIR");
  std::ifstream in(std::filesystem::path(root == nullptr ? "." : root) / "tests" / "golden" /
                   "pre_tokens.json");
  return json::parse(in);
}

std::vector<std::size_t> word_lengths(inference::PreTokenizer kind, const std::string& text) {
  std::vector<std::size_t> lengths;
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t end = inference::next_word(kind, text, pos);
    lengths.push_back(end - pos);
    pos = end;
  }
  return lengths;
}

TEST(PreTokens, EveryFamilyCutsWhereItsPatternsDo) {
  const json golden = read_golden_words();
  const auto texts = golden.at("texts").get<std::vector<std::string>>();
  ASSERT_GT(texts.size(), 100U);
  for (const auto& [name, words] : golden.at("words").items()) {
    const auto kind = inference::pre_tokenizer_from_name(name);
    ASSERT_TRUE(kind) << name;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ(word_lengths(*kind, texts[i]), words[i].get<std::vector<std::size_t>>())
          << name << ": " << json(texts[i]).dump();
    }
  }
}

TEST(PreTokens, AMillionOfOneCharacterIsCutInLinearTime) {
  // With quadratic time this would not end.
  for (const char* unit : {"a", " ", "1", "\n", ".", "'", "\u4e00", "\u0301"}) {
    std::string text;
    while (text.size() < 1'000'000) text += unit;
    EXPECT_FALSE(word_lengths(inference::PreTokenizer::kDeepSeekCoder, text).empty());
  }
}

TEST(Nfc, IsTheFormThatUnicodeDefines) {
  const json golden = read_golden_words();
  for (std::size_t i = 0; i < golden.at("texts").size(); ++i) {
    EXPECT_EQ(inference::to_nfc(golden["texts"][i].get<std::string>()),
              golden["nfc"][i].get<std::string>());
  }
}

TEST(Nfc, LongTextIsCutOnlyWhereNothingJoins) {
  // Of 3 bytes each, so that parts of a power of two never end where a pair does.
  std::string decomposed;
  std::string composed;
  for (int i = 0; i < 20'000; ++i) {
    decomposed += "e\u0301";
    composed += "\u00e9";
  }
  EXPECT_EQ(inference::to_nfc(decomposed), composed);
}

TEST(Nfc, CombiningCharactersWithoutEndAreNormalisedInLinearTime) {
  std::string text = "a";
  while (text.size() < 1'000'000) text += "\u0301\u0316";
  // Sorted: the mark below stands before the one above, which then joins nothing.
  EXPECT_EQ(inference::to_nfc(text).size(), text.size() - 1);
}

TEST(Nfc, AppliesWhereTheFileSaysSo) {
  json vocab = json::object();
  for (int b = 0; b < 256; ++b) {
    vocab[inference::spelling_of_byte(static_cast<unsigned char>(b))] = b;
  }
  const json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  json document = {{"normalizer", {{"type", "NFC"}}},
                   {"pre_tokenizer", bytes},
                   {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", json::array()}}}};
  inference::TokenizerSource source;
  source.kind = "tokenizer.json";
  source.json = document.dump();
  EXPECT_EQ(make(source)->encode("e\u0301"), (std::vector<std::int32_t>{0xC3, 0xA9}));
  document["normalizer"] = nullptr;
  source.json = document.dump();
  EXPECT_EQ(make(source)->encode("e\u0301").size(), 3U);
}

}  // namespace
}  // namespace kvlink::tests
