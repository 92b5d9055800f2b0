// SPDX-License-Identifier: Apache-2.0
// Well-formed models: what load_model makes of them.
#include <gtest/gtest.h>

#include <filesystem>

#include "inference/model/model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_paths.h"
#include "tests/support/tiny_model.h"

namespace kvlink::inference {
namespace {

using tests::TemporaryFolder;
using tests::TinyModelOptions;

Model load(const std::filesystem::path& path) { return value_or_throw(load_model(path)); }

TEST(ModelLoad, ReadsTheGeometryOfATinyGguf) {
  const TemporaryFolder folder;
  tests::write_tiny_generator(folder.path() / "tiny.gguf");
  const Model model = load(folder.path() / "tiny.gguf");
  EXPECT_EQ(model.config.architecture, "llama");
  EXPECT_EQ(model.config.name, "tiny");
  EXPECT_EQ(model.config.n_layers, 2);
  EXPECT_EQ(model.config.n_heads, 4);
  EXPECT_EQ(model.config.n_kv_heads, 2);
  EXPECT_EQ(model.config.head_dim, 16);
  EXPECT_EQ(model.config.vocab_size, 288);
  EXPECT_EQ(model.config.context_length, 2048);
  EXPECT_EQ(model.config.rope.n_rotated(), 16);
  EXPECT_FLOAT_EQ(model.config.rope.frequencies[4], 0.01F);
  EXPECT_EQ(model.layers.size(), 2U);
  EXPECT_EQ(model.weight_types, "f32 20");
  EXPECT_EQ(model.tokenizer.kind, "gpt2");
  EXPECT_EQ(model.tokenizer.pre, "smollm");
  EXPECT_EQ(model.tokenizer.tokens.size(), 288U);
  EXPECT_EQ(model.tokenizer.bos_id, 1);
  EXPECT_EQ(model.tokenizer.eos_id, 2);
  EXPECT_FALSE(model.tokenizer.add_bos);
}

TEST(ModelLoad, TiesTheOutputOnlyWhenTheFileHasNone) {
  const TemporaryFolder folder;
  tests::write_tiny_generator(folder.path() / "tied.gguf");
  tests::write_tiny_generator(folder.path() / "untied.gguf", {.tied_output = false});
  const Model tied = load(folder.path() / "tied.gguf");
  const Model untied = load(folder.path() / "untied.gguf");
  EXPECT_EQ(tied.output.data, tied.embedding.data);
  EXPECT_NE(untied.output.data, untied.embedding.data);
}

TEST(ModelLoad, KeepsEveryWeightTypeAsStored) {
  const TemporaryFolder folder;
  for (const DType dtype :
       {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0, DType::kQ4_0, DType::kQ4_1}) {
    const auto path = folder.path() / (std::string(dtype_name(dtype)) + ".gguf");
    tests::write_tiny_generator(path, {.dtype = dtype});
    const Model model = load(path);
    EXPECT_EQ(model.layers[1].down.dtype, dtype);
    EXPECT_EQ(model.layers[1].down.rows, 64);
    EXPECT_EQ(model.layers[1].down.cols, 128);
  }
}

TEST(ModelLoad, ReadsTheDefaultGenerator) {
  KVLINK_SKIP_WITHOUT_GENERATOR();
  const Model model = load(*tests::default_generator());
  EXPECT_EQ(model.config.n_layers, 30);
  EXPECT_EQ(model.config.model_dim, 576);
  EXPECT_EQ(model.config.n_heads, 9);
  EXPECT_EQ(model.config.n_kv_heads, 3);
  EXPECT_EQ(model.config.head_dim, 64);
  EXPECT_EQ(model.config.ffn_dim, 1536);
  EXPECT_EQ(model.config.vocab_size, 49152);
  EXPECT_EQ(model.config.context_length, 8192);
  EXPECT_EQ(model.output.data, model.embedding.data);
  EXPECT_EQ(model.embedding.dtype, DType::kQ8_0);
  EXPECT_EQ(model.layers[29].wq.dtype, DType::kQ4_1);
  EXPECT_EQ(model.weight_types, "q4_1 210, f32 61, q8_0 1");
  EXPECT_EQ(model.tokenizer.merges.size(), 48900U);
  EXPECT_NE(model.tokenizer.chat_template.find("<|im_start|>"), std::string::npos);
}

}  // namespace
}  // namespace kvlink::inference
