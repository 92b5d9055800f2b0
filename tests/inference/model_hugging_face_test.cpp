// SPDX-License-Identifier: Apache-2.0
// Hugging Face files: folders, single files, and what config.json may say.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "inference/model/model.h"
#include "tests/support/random_floats.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_paths.h"
#include "tests/support/tiny_model.h"

namespace kvlink::inference {
namespace {

using tests::TemporaryFolder;
using tests::write_file;

constexpr const char* kConfig = R"({"model_type":"llama","hidden_size":16,"intermediate_size":24,
 "num_hidden_layers":1,"num_attention_heads":2,"num_key_value_heads":1,"vocab_size":8,
 "max_position_embeddings":32,"rms_norm_eps":1e-05,"rope_theta":10000.0)";

/// One layer of dim 16 as the tensors of a Hugging Face file.
tests::SafetensorsWriter tiny_tensors(bool with_head) {
  tests::SafetensorsWriter file;
  tests::RandomFloats random(7);
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    std::int64_t n = 1;
    for (const std::int64_t extent : shape) n *= extent;
    file.add(name, DType::kF32, std::move(shape), random.uniform(n, 0.1F, 0.5F));
  };
  add("model.embed_tokens.weight", {8, 16});
  const std::string layer = "model.layers.0.";
  add(layer + "input_layernorm.weight", {16});
  add(layer + "self_attn.q_proj.weight", {16, 16});
  add(layer + "self_attn.k_proj.weight", {8, 16});
  add(layer + "self_attn.v_proj.weight", {8, 16});
  add(layer + "self_attn.o_proj.weight", {16, 16});
  add(layer + "post_attention_layernorm.weight", {16});
  add(layer + "mlp.gate_proj.weight", {24, 16});
  add(layer + "mlp.up_proj.weight", {24, 16});
  add(layer + "mlp.down_proj.weight", {16, 24});
  add("model.norm.weight", {16});
  if (with_head) add("lm_head.weight", {8, 16});
  return file;
}

/// A folder with the tiny tensors and kConfig, to which `more` members are added.
Result<Model> load_with(const std::string& more, bool with_head = true) {
  const TemporaryFolder folder;
  write_file(folder.path() / "model.safetensors", tiny_tensors(with_head).bytes());
  write_file(folder.path() / "config.json", kConfig + more + "}");
  return load_model(folder.path());
}

TEST(HuggingFaceModel, LoadsFromAFolderWithHalvesPairing) {
  const auto model = load_with("");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->config.head_dim, 8);
  EXPECT_EQ(model->config.n_kv_heads, 1);
  EXPECT_EQ(model->config.rope.pairing, kernels::RopePairing::kHalves);
  EXPECT_EQ(model->config.rope.n_rotated(), 8);
  EXPECT_EQ(model->tokenizer.kind, "");
  EXPECT_NE(model->output.data, model->embedding.data);
}

TEST(HuggingFaceModel, TiesTheOutputWhenTheConfigSaysSo) {
  const auto model = load_with(R"(,"tie_word_embeddings":true)");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->output.data, model->embedding.data);
  const auto missing = load_with(R"(,"tie_word_embeddings":false)", false);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(missing.error().message.find("lm_head.weight"), std::string::npos);
}

TEST(HuggingFaceModel, ReadsNestedRopeParameters) {
  const auto model = load_with(R"(,"rope_parameters":{"rope_type":"default","rope_theta":100.0})");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_FLOAT_EQ(model->config.rope.frequencies[2], 0.1F);
}

TEST(HuggingFaceModel, RefusesVariantsByName) {
  for (const std::string more :
       {R"(,"attention_bias":true)", R"(,"rope_scaling":{"rope_type":"longrope"})",
        R"(,"quantization_config":{})", R"(,"sliding_window":16)", R"(,"hidden_act":"gelu")",
        R"(,"rope_parameters":{"rope_type":"dynamic"})", R"(,"num_local_experts":8)"}) {
    const auto model = load_with(more);
    ASSERT_FALSE(model) << more;
    EXPECT_EQ(model.error().code, ErrorCode::kUnsupported) << more;
  }
}

TEST(HuggingFaceModel, RefusesImpossibleConfigs) {
  for (const std::string more :
       {R"(,"num_hidden_layers":0)", R"(,"num_hidden_layers":4294967295)",
        R"(,"num_attention_heads":3)", R"(,"num_key_value_heads":4)", R"(,"vocab_size":9)",
        R"(,"vocab_size":-1)", R"(,"hidden_size":1e3)", R"(,"rms_norm_eps":-1)",
        R"(,"rope_theta":0)", R"(,"rope_theta":"x")", R"(,"head_dim":7)",
        R"(,"max_position_embeddings":0)"}) {
    const auto model = load_with(more);
    ASSERT_FALSE(model) << more;
    EXPECT_EQ(model.error().code, ErrorCode::kCorrupt) << more << model.error().message;
  }
}

TEST(HuggingFaceModel, RefusesHostileConfigFiles) {
  const TemporaryFolder folder;
  write_file(folder.path() / "model.safetensors", tiny_tensors(true).bytes());
  const std::string deep = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{"), deep, std::string("{\"a\":\"\xFF\"}"),
        std::string(2'000'000, ' ') + "{}"}) {
    write_file(folder.path() / "config.json", text);
    const auto model = load_model(folder.path());
    ASSERT_FALSE(model) << text.substr(0, 20);
    EXPECT_TRUE(model.error().code == ErrorCode::kCorrupt ||
                model.error().code == ErrorCode::kUnsupported);
  }
}

TEST(HuggingFaceModel, SaysWhyAFamilyIsRefused) {
  const std::pair<const char*, const char*> families[] = {
      {"mixtral", "mixture of experts"}, {"deepseek_v3", "latent attention"},
      {"mamba2", "state-space"},         {"gemma2", "sliding window"},
      {"qwen2_5_vl", "images"},          {"qwen3_vl_moe", "images"},
      {"qwen3_moe", "experts"},          {"gpt_neox", "supported are llama"}};
  for (const auto& [type, reason] : families) {
    const auto model = load_with(std::string(R"(,"model_type":")") + type + "\"");
    ASSERT_FALSE(model) << type;
    EXPECT_EQ(model.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(model.error().message.find(reason), std::string::npos) << model.error().message;
  }
}

TEST(HuggingFaceModel, TakesAWindowThatNothingLeaves) {
  EXPECT_TRUE(load_with(R"(,"sliding_window":32)"));
  EXPECT_TRUE(load_with(R"(,"sliding_window":4,"use_sliding_window":false)"));
  EXPECT_TRUE(load_with(R"(,"sliding_window":4,"layer_types":["full_attention"])"));
  EXPECT_FALSE(load_with(R"(,"sliding_window":31)"));
  EXPECT_FALSE(load_with(R"(,"layer_types":["sliding_attention"])"));
  EXPECT_FALSE(load_with(R"(,"layer_types":["linear_attention"])"));
}

TEST(HuggingFaceModel, RefusesImpossibleRopeScaling) {
  for (const std::string more :
       {R"({"type":"linear","factor":0})", R"({"type":"llama3","low_freq_factor":4.0})",
        R"({"type":"yarn","factor":4.0,"rope_theta":1.0})", R"({"type":"yarn","beta_fast":-1})",
        R"({"type":"yarn","original_max_position_embeddings":0})", "4"}) {
    const auto model = load_with(R"(,"rope_scaling":)" + more);
    ASSERT_FALSE(model) << more;
    EXPECT_EQ(model.error().code, ErrorCode::kCorrupt) << model.error().message;
  }
}

TEST(HuggingFaceModel, GathersStopTokensFromEveryFile) {
  const TemporaryFolder folder;
  write_file(folder.path() / "model.safetensors", tiny_tensors(true).bytes());
  write_file(folder.path() / "config.json", std::string(kConfig) + R"(,"eos_token_id":[3,4]})");
  write_file(folder.path() / "tokenizer.json", "{}");
  write_file(folder.path() / "generation_config.json", R"({"eos_token_id":[5,3]})");
  write_file(folder.path() / "tokenizer_config.json",
             R"({"eos_token":{"content":"<|x|>"},"chat_template":[{"name":"rag","template":"r"},
                 {"name":"default","template":"d"}]})");
  const auto model = load_model(folder.path());
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->tokenizer.eos_id, 3);
  EXPECT_EQ(model->tokenizer.stop_ids, (std::vector<std::int32_t>{3, 4, 5, 3}));
  EXPECT_EQ(model->tokenizer.stop_texts, std::vector<std::string>{"<|x|>"});
  EXPECT_EQ(model->tokenizer.chat_template, "d");
  write_file(folder.path() / "generation_config.json", R"({"eos_token_id":8})");
  EXPECT_EQ(load_model(folder.path()).error().code, ErrorCode::kCorrupt);
}

TEST(HuggingFaceModel, SaysWhatIsMissing) {
  const TemporaryFolder folder;
  EXPECT_EQ(load_model(folder.path()).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(load_model(folder.path() / "none.gguf").error().code, ErrorCode::kNotFound);
  write_file(folder.path() / "model.safetensors", tiny_tensors(true).bytes());
  const auto model = load_model(folder.path());
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::kNotFound);
  EXPECT_NE(model.error().message.find("config.json"), std::string::npos);
}

TEST(HuggingFaceModel, CopiesTensorsThatAreNotAligned) {
  const TemporaryFolder folder;
  auto tensors = tiny_tensors(true);
  std::string header = tensors.header();
  header.resize(header.find_last_not_of(' ') + 1);
  while (header.size() % 4 != 1) header += ' ';
  write_file(folder.path() / "model.safetensors", tests::safetensors_bytes(header, tensors.data()));
  write_file(folder.path() / "config.json", std::string(kConfig) + "}");
  const auto model = load_model(folder.path());
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(model->layers[0].wq.data) % 4, 0U);
  EXPECT_EQ(std::memcmp(model->embedding.data, tensors.data().data(), 8 * 16 * 4), 0);
}

TEST(HuggingFaceModel, ReadsTheSameStoriesModelFromEveryFile) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  const auto models = *tests::test_data() / "models";
  const auto reference = load_model(models / "stories260K-f32.gguf");
  ASSERT_TRUE(reference) << reference.error().message;
  for (const char* name :
       {"stories260K-f16.gguf", "stories260K-q8_0.gguf", "stories260K-hf",
        "stories260K-hf/model.f16.safetensors", "stories260K-hf/model.bf16.safetensors"}) {
    const auto model = load_model(models / name);
    ASSERT_TRUE(model) << model.error().message;
    const ModelConfig& a = model->config;
    const ModelConfig& b = reference->config;
    EXPECT_EQ(a.n_layers, b.n_layers);
    EXPECT_EQ(a.n_heads, b.n_heads);
    EXPECT_EQ(a.n_kv_heads, b.n_kv_heads);
    EXPECT_EQ(a.head_dim, b.head_dim);
    EXPECT_EQ(a.ffn_dim, b.ffn_dim);
    EXPECT_EQ(a.vocab_size, b.vocab_size);
    EXPECT_EQ(a.context_length, b.context_length);
    EXPECT_EQ(a.rope.frequencies, b.rope.frequencies);
    EXPECT_FLOAT_EQ(a.rms_norm_eps, b.rms_norm_eps);
    EXPECT_EQ(model->output.data, model->embedding.data);
    EXPECT_EQ(model->tokenizer.kind, "llama") << name;
    EXPECT_EQ(model->tokenizer.tokens, reference->tokenizer.tokens) << name;
    EXPECT_EQ(model->tokenizer.types, reference->tokenizer.types) << name;
    EXPECT_EQ(model->tokenizer.scores, reference->tokenizer.scores) << name;
    EXPECT_EQ(model->tokenizer.bos_id, reference->tokenizer.bos_id) << name;
    EXPECT_NEAR(model->output_norm[3], reference->output_norm[3],
                0.01 * std::fabs(reference->output_norm[3]));
  }
}

}  // namespace
}  // namespace kvlink::inference
