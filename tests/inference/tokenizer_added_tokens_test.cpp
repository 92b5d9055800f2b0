// SPDX-License-Identifier: Apache-2.0
// Added tokens that look at their neighbours, against tests/golden/added_tokens.json (made by
// make_added_tokens.py).
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "inference/tokenizer/gguf_vocabulary.h"
#include "tests/inference/tokenizer_sources.h"

namespace kvlink::tests {
namespace {

nlohmann::json read_golden() {
  const char* root = std::getenv("KVLINK_SOURCE_DIR");
  std::ifstream in(std::filesystem::path(root == nullptr ? "." : root) / "tests" / "golden" /
                   "added_tokens.json");
  return nlohmann::json::parse(in);
}

inference::TokenizerSource source_of(const nlohmann::json& document) {
  inference::TokenizerSource source;
  source.kind = "tokenizer.json";
  source.json = document.dump();
  return source;
}

TEST(AddedTokens, AreFoundWhereTheirRulesSay) {
  const auto golden = read_golden();
  const auto tokenizer = make(source_of(golden.at("tokenizer")));
  const auto texts = golden.at("texts").get<std::vector<std::string>>();
  ASSERT_GT(texts.size(), 200U);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(tokenizer->encode(texts[i]), golden["ids"][i].get<std::vector<std::int32_t>>())
        << nlohmann::json(texts[i]).dump();
  }
}

TEST(AddedTokens, AVocabularyWithoutRulesRefusesThem) {
  const auto source = source_of(read_golden().at("tokenizer"));
  const auto result = returning([&] { return inference::gguf_vocabulary(source, 400); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(result.error().message.find("neighbours"), std::string::npos);
}

}  // namespace
}  // namespace kvlink::tests
