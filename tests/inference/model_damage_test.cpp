// SPDX-License-Identifier: Apache-2.0
// Every truncation and every flipped bit of small files, and files that are not plain files.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "inference/model/llama_gguf.h"
#include "inference/model/model_storage.h"
#include "inference/model/safetensors_file.h"
#include "tests/inference/small_gguf.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::inference {
namespace {

using tests::TemporaryFolder;

Result<Model> load(const std::string& bytes) {
  return returning([&] {
    return model_from_gguf(std::as_bytes(std::span(bytes)), std::make_shared<Model::Storage>(),
                           "case.gguf");
  });
}
Result<SafetensorsFile> parse(const std::string& bytes) {
  return returning(
      [&] { return SafetensorsFile::parse(std::as_bytes(std::span(bytes)), "case.safetensors"); });
}

bool is_typed(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kUnsupported;
}

bool lies_within(std::span<const std::byte> piece, const std::string& whole) {
  const auto all = std::as_bytes(std::span(whole));
  return piece.empty() ||
         (piece.data() >= all.data() && piece.data() + piece.size() <= all.data() + all.size());
}

/// Whether a model that loaded describes tensors inside the file, and a geometry that agrees with
/// them.
bool is_consistent(const Model& model, const std::string& bytes) {
  const auto fits = [&](const WeightView& w, std::int64_t rows, std::int64_t cols) {
    const auto size = static_cast<std::size_t>(rows * row_bytes(w.dtype, cols));
    return w.rows == rows && w.cols == cols && lies_within({w.data, size}, bytes);
  };
  const ModelConfig& c = model.config;
  bool ok = fits(model.embedding, c.vocab_size, c.model_dim) &&
            std::ssize(model.layers) == c.n_layers && c.rope.n_rotated() <= c.head_dim;
  for (const LayerWeights& layer : model.layers) {
    ok = ok && fits(layer.wq, c.attention_dim(), c.model_dim) &&
         fits(layer.wk, c.kv_dim(), c.model_dim) &&
         fits(layer.wo, c.model_dim, c.attention_dim()) && fits(layer.down, c.model_dim, c.ffn_dim);
  }
  return ok;
}

TEST(DamagedGguf, EveryTruncationIsAnError) {
  const std::string whole = tests::smallest_gguf().bytes();
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const auto model = load(whole.substr(0, n));
    ASSERT_FALSE(model) << n;
    ASSERT_TRUE(is_typed(model.error())) << n << model.error().message;
  }
}

TEST(DamagedGguf, EveryFlippedBitInTheHeaderIsAnErrorOrAConsistentModel) {
  std::string bytes = tests::smallest_gguf().bytes();
  const std::size_t header = bytes.size() - [] {
    std::size_t n = 0;
    for (const auto& t : tests::smallest_gguf().tensors) n += t.bytes.size();
    return n;
  }();
  int n_errors = 0;
  for (std::size_t bit = 0; bit < header * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    const auto model = load(bytes);
    if (model) {
      ASSERT_TRUE(is_consistent(*model, bytes)) << bit;
    } else {
      ASSERT_TRUE(is_typed(model.error())) << bit << model.error().message;
      ++n_errors;
    }
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  }
  // What is left are bits of texts, unknown keys and free parameters.
  EXPECT_GT(n_errors, static_cast<int>(header) * 3);
}

std::string small_safetensors() {
  tests::SafetensorsWriter file;
  const std::vector<float> values(8, 1.0F);
  file.add("first", DType::kF32, {2, 4}, values);
  file.add("second", DType::kF16, {8}, values);
  file.add("third", DType::kBF16, {8, 1}, values);
  return file.bytes();
}

TEST(DamagedSafetensors, EveryTruncationIsAnError) {
  const std::string whole = small_safetensors();
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const auto file = parse(whole.substr(0, n));
    ASSERT_FALSE(file) << n;
    ASSERT_EQ(file.error().code, ErrorCode::kCorrupt) << n;
  }
}

TEST(DamagedSafetensors, EveryFlippedBitInTheHeaderIsAnErrorOrAnotherName) {
  std::string bytes = small_safetensors();
  const std::size_t header = bytes.size() - (32 + 16 + 16);
  int n_errors = 0;
  for (std::size_t bit = 0; bit < header * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    const auto file = parse(bytes);
    if (file) {
      std::size_t n_bytes = 0;
      for (const TensorEntry& t : file->tensors) {
        ASSERT_TRUE(lies_within(t.bytes, bytes)) << bit;
        n_bytes += t.bytes.size();
      }
      ASSERT_TRUE(n_bytes == 64 || !file->others.empty()) << bit;
    } else {
      ASSERT_TRUE(is_typed(file.error())) << bit << file.error().message;
      ++n_errors;
    }
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  }
  EXPECT_GT(n_errors, static_cast<int>(header) * 6);
}

TEST(ModelPath, RefusesWhatIsNotAPlainFile) {
  const TemporaryFolder folder;
  const auto fifo = folder.path() / "fifo.gguf";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(load_model(fifo).error().code, ErrorCode::kIo);
  EXPECT_EQ(load_model("/dev/zero").error().code, ErrorCode::kIo);
  EXPECT_EQ(load_model(folder.path() / "none.gguf").error().code, ErrorCode::kNotFound);
  tests::write_file(folder.path() / "empty.gguf", "");
  const auto empty = load_model(folder.path() / "empty.gguf");
  EXPECT_EQ(empty.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(empty.error().message.find("empty.gguf"), std::string::npos);
}

TEST(ModelPath, RefusesASparseTerabyteWithoutReadingIt) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "sparse.gguf";
  tests::write_file(path, tests::small_gguf().bytes());
  std::error_code error;
  std::filesystem::resize_file(path, std::uintmax_t{1} << 40, error);
  if (error) GTEST_SKIP() << "this file system has no sparse terabyte";
  const auto model = load_model(path);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::kCorrupt);
}

TEST(ModelPath, NoticesAFileThatShrinksWhileItIsRead) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "model.gguf";
  tests::write_file(path, tests::small_gguf().bytes());
  const MappedFile file(path);
  EXPECT_NO_THROW(file.expect_unchanged_size());
  std::filesystem::resize_file(path, 100);
  EXPECT_THROW(file.expect_unchanged_size(), Exception);
}

TEST(ModelFingerprint, ChangesWithWeightsGeometryAndVocabulary) {
  const auto fingerprint = [](tests::GgufWriter file) {
    const std::string bytes = file.bytes();
    return value_or_throw(load(bytes)).compute_fingerprint();
  };
  const Digest before = fingerprint(tests::small_gguf());
  EXPECT_EQ(before, fingerprint(tests::small_gguf()));
  auto file = tests::small_gguf();
  file.tensor("blk.0.ffn_up.weight").bytes[5] ^= 1;
  EXPECT_NE(before, fingerprint(file));
  file = tests::small_gguf();
  file.set_f32("llama.rope.freq_base", 20'000.0F);
  EXPECT_NE(before, fingerprint(file));
  file = tests::small_gguf();
  file.set_texts("tokenizer.ggml.merges", std::vector<std::string>{"i n"});
  EXPECT_NE(before, fingerprint(file));
  file = tests::small_gguf();
  file.set_text("general.name", "renamed");
  EXPECT_EQ(before, fingerprint(file));
}

}  // namespace
}  // namespace kvlink::inference
