// SPDX-License-Identifier: Apache-2.0
// Every published vector, all ids equal.
#include "tests/inference/tokenizer_vectors.h"

#include <array>
#include <nlohmann/json.hpp>

#include "kernels/base/sha256.h"

namespace kvlink::tests {
namespace {

std::filesystem::path tokenizers() { return *test_data() / "tokenizers"; }

void expect_gguf_vectors(const std::string& name, std::size_t n_vectors) {
  const auto vectors = read_vectors(tokenizers() / name);
  ASSERT_EQ(vectors.size(), n_vectors);
  expect_vectors(*tokenizer_of(source_from_gguf(tokenizers() / name)), vectors);
}

TEST(TokenizerVectors, Gpt2) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  expect_gguf_vectors("ggml-vocab-gpt-2.gguf", 46);
}

TEST(TokenizerVectors, SmolLm2) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  KVLINK_SKIP_WITHOUT_GENERATOR();
  const auto vectors = read_vectors(tokenizers() / "smollm2");
  ASSERT_EQ(vectors.size(), 47U);
  expect_vectors(*tokenizer_of(source_from_gguf(*default_generator())), vectors);
}

TEST(TokenizerVectors, SmolLm2OverWholeDocuments) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  KVLINK_SKIP_WITHOUT_GENERATOR();
  const auto tokenizer = tokenizer_of(source_from_gguf(*default_generator()));
  const auto cases = nlohmann::json::parse(read_file(tokenizers() / "smollm2_documents.json"));
  ASSERT_EQ(cases.size(), 10U);
  for (const auto& expected : cases) {
    const std::string file = expected.at("file");
    const auto ids = tokenizer->encode(read_file(*test_data() / file));
    EXPECT_EQ(ids.size(), expected.at("n_tokens").get<std::size_t>()) << file;
    const Digest digest = sha256(std::as_bytes(std::span(ids)));
    EXPECT_EQ(digest.hex(), expected.at("sha256_le_u32").get<std::string>()) << file;
  }
}

}  // namespace
}  // namespace kvlink::tests
