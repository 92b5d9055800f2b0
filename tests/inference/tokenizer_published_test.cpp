// SPDX-License-Identifier: Apache-2.0
// Published vocabularies, cut down to what some texts need: tests/golden/real_tokenizers.json (made
// by make_real_tokenizers.py).
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "inference/tokenizer/gguf_vocabulary.h"
#include "inference/tokenizer/nfc.h"
#include "tests/inference/tokenizer_sources.h"

namespace kvlink::tests {
namespace {

using inference::Tokenizer;
using inference::TokenizerSource;
using nlohmann::json;

json read_golden() {
  const char* root = std::getenv("KVLINK_SOURCE_DIR");
  std::ifstream in(std::filesystem::path(root == nullptr ? "." : root) / "tests" / "golden" /
                   "real_tokenizers.json");
  return json::parse(in);
}

/// The numbers that the published vocabulary gives the tokens of a text.
std::vector<std::int64_t> published(const Tokenizer& tokenizer, const json& golden,
                                    const std::string& text) {
  std::vector<std::int64_t> ids;
  for (const std::int32_t id : tokenizer.encode(text)) {
    ids.push_back(golden.at("numbers").at(static_cast<std::size_t>(id)).get<std::int64_t>());
  }
  return ids;
}

void expect_published_ids(const char* family, const Tokenizer& tokenizer) {
  const json file = read_golden();
  const json& golden = file.at(family);
  const auto texts = file.at("texts").get<std::vector<std::string>>();
  ASSERT_GT(texts.size(), 70U);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(published(tokenizer, golden, texts[i]),
              golden.at("ids").at(i).get<std::vector<std::int64_t>>())
        << family << ": " << json(texts[i]).dump();
  }
}

TokenizerSource source_of(const char* family) {
  TokenizerSource source;
  source.kind = "tokenizer.json";
  source.json = read_golden().at(family).at("tokenizer").dump();
  return source;
}

TEST(PublishedTokenizers, DeepSeekV3GivesItsIds) {
  expect_published_ids("deepseek-v3", *make(source_of("deepseek-v3")));
}

TEST(PublishedTokenizers, QwenGivesItsIds) {
  expect_published_ids("qwen", *make(source_of("qwen")));
}

TEST(PublishedTokenizers, AsGgufVocabulariesTheyGiveTheSameIds) {
  for (const char* family : {"deepseek-v3", "qwen"}) {
    const TokenizerSource source = source_of(family);
    const auto n_tokens = make(source)->vocab_size();
    expect_published_ids(family, *make(inference::gguf_vocabulary(source, n_tokens)));
  }
}

TEST(PublishedTokenizers, TextsComeBack) {
  const auto texts = read_golden().at("texts").get<std::vector<std::string>>();
  for (const char* family : {"deepseek-v3", "qwen"}) {
    const auto tokenizer = make(source_of(family));
    const bool is_normalised = std::string(family) == "qwen";
    for (const auto& text : texts) {
      EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)),
                is_normalised ? inference::to_nfc(text) : text);
    }
  }
}

}  // namespace
}  // namespace kvlink::tests
