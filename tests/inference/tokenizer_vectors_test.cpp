// SPDX-License-Identifier: Apache-2.0
// Every published vector, all ids equal.
#include "tests/inference/tokenizer_vectors.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "inference/tokenizer/gguf_vocabulary.h"
#include "inference/tokenizer/tokenizer_kinds.h"
#include "inference/tokenizer/wordpiece.h"
#include "kernels/base/sha256.h"
#include "kernels/base/utf8.h"

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

TEST(TokenizerVectors, LlamaSentencepieceFromGguf) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  expect_gguf_vectors("ggml-vocab-llama-spm.gguf", 46);
}

inference::TokenizerSource llama2_model() {
  inference::TokenizerSource source;
  source.kind = "tokenizer.model";
  source.model_bytes = read_file(tokenizers() / "llama2.tokenizer.model");
  return source;
}

TEST(TokenizerVectors, LlamaSentencepieceFromItsModel) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  const auto vectors = read_vectors(tokenizers() / "ggml-vocab-llama-spm.gguf");
  ASSERT_EQ(vectors.size(), 46U);
  expect_vectors(*inference::make_sentencepiece_library(llama2_model()), vectors);
  expect_vectors(*tokenizer_of(llama2_model()), vectors);
}

/// The vocabulary as converters write it into a tokenizer.json: each way to cut a token into two
/// tokens is a merge, in the order of the tokens' scores.
inference::TokenizerSource as_byte_fallback_json(const inference::TokenizerSource& gguf) {
  std::set<std::string> known(gguf.tokens.begin(), gguf.tokens.end());
  nlohmann::json vocab = nlohmann::json::object();
  nlohmann::json merges = nlohmann::json::array();
  std::vector<std::size_t> by_score;
  for (std::size_t id = 0; id < gguf.tokens.size(); ++id) {
    vocab[gguf.tokens[id]] = id;
    if (gguf.types[id] == 1) by_score.push_back(id);
  }
  std::stable_sort(by_score.begin(), by_score.end(),
                   [&](std::size_t a, std::size_t b) { return gguf.scores[a] > gguf.scores[b]; });
  for (const std::size_t id : by_score) {
    const std::string& token = gguf.tokens[id];
    for (std::size_t cut = 1; cut < token.size(); ++cut) {
      const bool is_inside = (token[cut] & 0xC0) == 0x80;
      const bool is_merge =
          !is_inside && known.contains(token.substr(0, cut)) && known.contains(token.substr(cut));
      if (is_merge) merges.push_back({token.substr(0, cut), token.substr(cut)});
    }
  }
  const nlohmann::json document = {{"normalizer", {{"type", "Prepend"}, {"prepend", "\u2581"}}},
                                   {"model",
                                    {{"type", "BPE"},
                                     {"unk_token", "<unk>"},
                                     {"byte_fallback", true},
                                     {"vocab", vocab},
                                     {"merges", merges}}}};
  inference::TokenizerSource source;
  source.kind = "tokenizer.json";
  source.json = document.dump();
  source.bos_id = gguf.bos_id;
  source.eos_id = gguf.eos_id;
  return source;
}

TEST(TokenizerVectors, EverySourceOfASentencepieceModelEqualsTheLibraryOnDocuments) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  const auto library = inference::make_sentencepiece_library(llama2_model());
  const auto gguf = source_from_gguf(tokenizers() / "ggml-vocab-llama-spm.gguf");
  const auto from_gguf = tokenizer_of(gguf);
  const auto from_model = tokenizer_of(llama2_model());
  const auto from_json = tokenizer_of(as_byte_fallback_json(gguf));
  const auto cases = nlohmann::json::parse(read_file(tokenizers() / "smollm2_documents.json"));
  for (const auto& one : cases) {
    const std::string file = one.at("file");
    const std::string text = read_file(*test_data() / file);
    const auto expected = library->encode(text);
    EXPECT_EQ(from_gguf->encode(text), expected) << file;
    EXPECT_EQ(from_model->encode(text), expected) << file;
    EXPECT_EQ(from_json->encode(text), expected) << file;
  }
}

TEST(TokenizerVectors, LlamaSentencepieceFromTokenizerJson) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  const auto gguf = source_from_gguf(tokenizers() / "ggml-vocab-llama-spm.gguf");
  expect_vectors(*tokenizer_of(as_byte_fallback_json(gguf)),
                 read_vectors(tokenizers() / "ggml-vocab-llama-spm.gguf"));
}

TEST(TokenizerVectors, RebuiltSentencepieceEqualsTheLibraryOnRandomText) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  const auto library = inference::make_sentencepiece_library(llama2_model());
  const auto rebuilt = tokenizer_of(llama2_model());
  EXPECT_EQ(rebuilt->bos_id(), library->bos_id());
  EXPECT_EQ(rebuilt->eos_id(), library->eos_id());
  EXPECT_EQ(rebuilt->vocab_size(), library->vocab_size());
  std::mt19937 random(3);
  const char* const pieces[] = {"a",   "the", " ",      "  ",         "\n",     "\t",
                                ".",   "1",   "\u00e9", "\u4e00",     "\u2581", "\u0301",
                                "ing", "Th",  "<s>",    "\U0001f600", "\u00a0", "\x01"};
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (auto n = random() % 30; n > 0; --n) text += pieces[random() % std::size(pieces)];
    ASSERT_EQ(rebuilt->encode(text), library->encode(text)) << nlohmann::json(text).dump();
  }
  for (std::int32_t id = 0; id < library->vocab_size(); ++id) {
    ASSERT_EQ(rebuilt->piece(id), library->piece(id)) << id;
    ASSERT_EQ(rebuilt->is_control(id), library->is_control(id)) << id;
  }
}

inference::TokenizerSource llama3_ranks() {
  inference::TokenizerSource source;
  source.kind = "tokenizer.model";
  source.model_bytes = read_file(tokenizers() / "llama3.tiktoken.model");
  return source;
}

TEST(TokenizerVectors, Llama3FromItsRanks) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  const auto vectors = read_vectors(tokenizers() / "ggml-vocab-llama-bpe.gguf");
  ASSERT_EQ(vectors.size(), 46U);
  const auto tokenizer = tokenizer_of(llama3_ranks());
  expect_vectors(*tokenizer, vectors);
  EXPECT_EQ(tokenizer->vocab_size(), 128'256);
  EXPECT_EQ(tokenizer->bos_id(), 128'000);
  EXPECT_EQ(tokenizer->eos_id(), 128'001);
  EXPECT_EQ(tokenizer->control_id("<|start_header_id|>"), 128'006);
  EXPECT_EQ(tokenizer->control_id("<|eot_id|>"), 128'009);
  EXPECT_EQ(tokenizer->control_id("<|reserved_special_token_247|>"), 128'255);
  EXPECT_TRUE(tokenizer->add_bos());
}

TEST(TokenizerVectors, Llama3RanksAsAGgufVocabularyGiveTheSameIds) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  auto source = llama3_ranks();
  const auto vocabulary = inference::gguf_vocabulary(source, 128'256);
  expect_vectors(*tokenizer_of(vocabulary),
                 read_vectors(tokenizers() / "ggml-vocab-llama-bpe.gguf"));
  source.model_bytes.resize(source.model_bytes.size() / 2);
  const auto cut = inference::make_tokenizer(source);
  ASSERT_FALSE(cut);
}

/// Every character that a document may hold, and a few that only damage can.
TEST(TokenizerVectors, EveryDocumentComesBack) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  const auto llama3 = tokenizer_of(llama3_ranks());
  const auto gpt2 = tokenizer_of(source_from_gguf(tokenizers() / "ggml-vocab-gpt-2.gguf"));
  const auto spm = tokenizer_of(source_from_gguf(tokenizers() / "ggml-vocab-llama-spm.gguf"));
  std::size_t n_files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(*test_data() / "documents")) {
    constexpr std::uintmax_t kMost = 200'000;
    if (!entry.is_regular_file() || entry.file_size() > kMost) continue;
    if (++n_files % 8 != 0) continue;
    const std::string text = repair_utf8(read_file(entry.path()));
    EXPECT_EQ(llama3->decode(llama3->encode(text)), text) << entry.path();
    EXPECT_EQ(gpt2->decode(gpt2->encode(text)), text) << entry.path();
    // Sentencepiece puts a space in front, and its own mark for a space is one.
    if (text.find("\u2581") != std::string::npos || text.empty()) continue;
    EXPECT_EQ(spm->decode(spm->encode(text)), " " + text) << entry.path();
  }
  EXPECT_GT(n_files, 400U);
}

TEST(TokenizerVectors, BertBge) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  expect_gguf_vectors("ggml-vocab-bert-bge.gguf", 46);
}

void expect_minilm_ids(const inference::WordPiece& pieces) {
  const auto golden =
      nlohmann::json::parse(read_file(*test_data() / "models" / "minilm_golden.json"));
  ASSERT_EQ(golden.at("cases").size(), 12U);
  for (const auto& expected : golden.at("cases")) {
    const std::string text = expected.at("text");
    std::vector<std::int32_t> ids = {pieces.cls_id()};
    for (const std::int32_t id : pieces.encode(text)) ids.push_back(id);
    if (ids.size() > 255) ids.resize(255);  // the golden values stop at 256 tokens
    ids.push_back(pieces.sep_id());
    EXPECT_EQ(ids, expected.at("ids").get<std::vector<std::int32_t>>()) << text;
  }
}

TEST(TokenizerVectors, MiniLmFromTokenizerJson) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  KVLINK_SKIP_WITHOUT_EMBEDDER();
  const std::string json = read_file(*default_embedder() / "tokenizer.json");
  expect_minilm_ids(value_or_throw(inference::WordPiece::from_json(json)));
}

TEST(TokenizerVectors, MiniLmFromVocabText) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  KVLINK_SKIP_WITHOUT_EMBEDDER();
  const std::string text = read_file(*default_embedder() / "vocab.txt");
  expect_minilm_ids(value_or_throw(inference::WordPiece::from_vocab_text(text)));
}

}  // namespace
}  // namespace kvlink::tests
