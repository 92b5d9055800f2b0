// SPDX-License-Identifier: Apache-2.0
#include "inference/embedder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "inference/embedder_pass.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_paths.h"
#include "tests/support/tiny_model.h"

namespace kvlink::inference {
namespace {

using tests::TemporaryFolder;

/// A tiny embedder in its own folder, with a backend.
class TinyEmbedder : public testing::Test {
 protected:
  void SetUp() override { tests::write_tiny_embedder(folder_.path()); }
  std::unique_ptr<Embedder> load() { return value_or_throw(Embedder::load(folder_.path())); }
  std::vector<float> embed(const std::vector<std::string>& texts) {
    return value_or_throw(load()->embed(backend_, texts));
  }
  void write(const std::string& file, const std::string& text) {
    const auto path = folder_.path() / file;
    std::filesystem::create_directories(path.parent_path());
    tests::write_file(path, text);
  }
  /// The error of loading after `edit` changed the file's bytes.
  template <typename Edit>
  Error error_after(const std::string& file, Edit edit) {
    std::string bytes = tests::read_file(folder_.path() / file);
    edit(bytes);
    tests::write_file(folder_.path() / file, bytes);
    auto embedder = Embedder::load(folder_.path());
    if (embedder) throw std::runtime_error("loaded");
    return embedder.error();
  }

  TemporaryFolder folder_;
  kernels::CpuBackend backend_{{.n_threads = 2}};
};

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double(a[i]) * b[i];
  return sum;
}

TEST_F(TinyEmbedder, GivesUnitVectorsOfItsDimension) {
  const auto embedder = load();
  EXPECT_EQ(embedder->dim(), 32);
  EXPECT_EQ(embedder->max_tokens(), 64);
  const auto vectors = embed({"the red river", "", "a green mountain"});
  ASSERT_EQ(vectors.size(), 96U);
  for (std::size_t t = 0; t < 3; ++t) {
    const auto row = std::span(vectors).subspan(t * 32, 32);
    EXPECT_NEAR(dot(row, row), 1.0, 1e-5);
  }
}

TEST_F(TinyEmbedder, GivesEachTextTheSameVectorAloneAndInABatch) {
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i) {
    texts.push_back("the river " + std::string(static_cast<std::size_t>(i), 'x') + " is blue " +
                    std::to_string(i * 7919));
  }
  const auto together = embed(texts);
  for (std::size_t t = 0; t < texts.size(); t += 13) {
    const auto alone = embed({texts[t]});
    const auto row = std::span(together).subspan(t * 32, 32);
    EXPECT_NEAR(dot(alone, row), 1.0, 1e-5) << t;
  }
}

TEST_F(TinyEmbedder, CutsLongTextsToItsPositions) {
  const std::string longer(5000, 'q');
  std::string words;
  for (int i = 0; i < 500; ++i) words += "river ";
  EXPECT_EQ(load()->tokenize(words).size(), 64U);
  EXPECT_EQ(load()->tokenize(words).front(), 2);
  EXPECT_EQ(load()->tokenize(words).back(), 3);
  EXPECT_EQ(embed({words, longer}).size(), 64U);
}

TEST_F(TinyEmbedder, PoolsTheFirstTokenWhereTheFolderSaysSo) {
  const auto mean = embed({"the river is blue"});
  const Digest of_mean = load()->fingerprint();
  write("1_Pooling/config.json",
        R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false})");
  const auto first = embed({"the river is blue"});
  EXPECT_NE(load()->fingerprint().hex(), of_mean.hex()) << "stored vectors do not fit";
  const auto weights = load_embedder_weights(folder_.path());
  const TokenBatch batch{load()->tokenize("the river is blue"),
                         {0, std::ssize(load()->tokenize("the river is blue"))}};
  const auto states = encode_batch(backend_, weights, batch, {});
  EXPECT_NEAR(dot(first, std::span(states).first(32)) /
                  std::sqrt(dot(std::span(states).first(32), std::span(states).first(32))),
              1.0, 1e-5);
  EXPECT_LT(dot(first, mean), 0.9999);
}

TEST_F(TinyEmbedder, PutsThePrefixOfTheFolderInFront) {
  const auto bare = embed({"query: blue", "blue"});
  const Digest without = load()->fingerprint();
  write("config_sentence_transformers.json", R"({"prompts": {"query": "query: "}})");
  const auto embedder = load();
  const std::string text = "blue";
  const auto query =
      value_or_throw(embedder->embed(backend_, std::span(&text, 1), TextRole::kQuery));
  const auto passage = value_or_throw(embedder->embed(backend_, std::span(&text, 1)));
  EXPECT_NEAR(dot(query, std::span(bare).first(32)), 1.0, 1e-5);
  EXPECT_NEAR(dot(passage, std::span(bare).subspan(32)), 1.0, 1e-5);
  EXPECT_EQ(embedder->fingerprint().hex(), without.hex()) << "stored vectors are passages";
}

TEST_F(TinyEmbedder, RefusesStepsThatItDoesNotCompute) {
  const auto refused = [&](const char* file, const char* text, const char* named) {
    write(file, text);
    const auto embedder = Embedder::load(folder_.path());
    std::filesystem::remove(folder_.path() / file);
    ASSERT_FALSE(embedder) << file;
    EXPECT_NE(embedder.error().message.find(named), std::string::npos) << embedder.error().message;
  };
  refused("1_Pooling/config.json", R"({"pooling_mode_lasttoken": true})", "lasttoken");
  refused("1_Pooling/config.json",
          R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true})", "pooling_mode");
  refused("modules.json", R"([{"type": "sentence_transformers.models.Dense"}])", "Dense");
  refused("modules.json", R"({"a": 1})", "list");
  refused("sentence_bert_config.json", R"({"max_seq_length": -5})", "max_seq_length");
}

TEST_F(TinyEmbedder, ReturnsNothingForNoTexts) { EXPECT_TRUE(embed({}).empty()); }

TEST_F(TinyEmbedder, ChangesItsFingerprintWithAnyWeightOrWord) {
  const Digest before = load()->fingerprint();
  EXPECT_EQ(before, load()->fingerprint());
  const auto file = folder_.path() / "model.safetensors";
  std::string bytes = tests::read_file(file);
  bytes[bytes.size() - 4] ^= 1;
  tests::write_file(file, bytes);
  const Digest changed = load()->fingerprint();
  EXPECT_NE(changed, before);
  std::string words = tests::read_file(folder_.path() / "vocab.txt");
  words.replace(words.find("river"), 5, "lakes");
  tests::write_file(folder_.path() / "vocab.txt", words);
  EXPECT_NE(load()->fingerprint(), changed);
}

TEST_F(TinyEmbedder, RefusesAVocabularyLargerThanItsTable) {
  const Error error = error_after("vocab.txt", [](std::string& text) { text += "extra\nwords\n"; });
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
}

TEST_F(TinyEmbedder, RefusesNotANumberInItsWeights) {
  const Error error = error_after("model.safetensors", [](std::string& bytes) {
    bytes.replace(bytes.size() - 4, 4, tests::raw_bytes(std::nanf("")));
  });
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
}

TEST_F(TinyEmbedder, RefusesOtherArchitecturesByName) {
  const Error error = error_after("config.json", [](std::string& text) {
    text.replace(text.find("\"bert\""), 6, "\"mpnet\"");
  });
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_NE(error.message.find("mpnet"), std::string::npos);
}

TEST_F(TinyEmbedder, RefusesHeadsThatDoNotDivideItsDimension) {
  const Error error = error_after("config.json", [](std::string& text) {
    text.replace(text.find("\"num_attention_heads\": 4"), 24, "\"num_attention_heads\": 5");
  });
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
}

TEST_F(TinyEmbedder, NamesWhatIsMissing) {
  std::filesystem::remove(folder_.path() / "vocab.txt");
  const auto without_words = Embedder::load(folder_.path());
  ASSERT_FALSE(without_words);
  EXPECT_EQ(without_words.error().code, ErrorCode::kNotFound);
  EXPECT_NE(without_words.error().message.find("vocab.txt"), std::string::npos);
  std::filesystem::remove(folder_.path() / "model.safetensors");
  EXPECT_EQ(Embedder::load(folder_.path()).error().code, ErrorCode::kNotFound);
}

TEST(DefaultEmbedder, AgreesWithTransformers) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  KVLINK_SKIP_WITHOUT_EMBEDDER();
  const auto golden = nlohmann::json::parse(
      tests::read_file(*tests::test_data() / "models" / "minilm_golden.json"));
  const auto embedder = value_or_throw(Embedder::load(*tests::default_embedder()));
  kernels::CpuBackend backend({});
  EXPECT_EQ(embedder->dim(), 384);
  EXPECT_EQ(embedder->max_tokens(), 256);
  std::vector<std::string> texts;
  for (const auto& entry : golden["cases"]) texts.push_back(entry["text"].get<std::string>());
  const auto vectors = value_or_throw(embedder->embed(backend, texts));
  for (std::size_t t = 0; t < texts.size(); ++t) {
    const auto& entry = golden["cases"][t];
    EXPECT_EQ(embedder->tokenize(texts[t]), entry["ids"].get<std::vector<std::int32_t>>()) << t;
    const auto expected = entry["embedding"].get<std::vector<float>>();
    const auto row = std::span(vectors).subspan(t * 384, 384);
    EXPECT_GE(dot(row, expected) / std::sqrt(dot(expected, expected)), 0.9999) << t;
  }
}

}  // namespace
}  // namespace kvlink::inference
