// SPDX-License-Identifier: Apache-2.0
// Writes the seed inputs of the model fuzz targets below the folder given: run by hand when
// the formats change.
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/safetensors_writer.h"
#include "tests/support/tiny_model.h"

namespace {

using namespace kvlink;
using namespace kvlink::tests;

/// A model whose data section is small, so that mutations mostly hit the header.
GgufWriter fuzz_model() {
  GgufWriter file = tiny_generator({.n_layers = 1,
                                    .model_dim = 4,
                                    .n_heads = 2,
                                    .n_kv_heads = 1,
                                    .ffn_dim = 4,
                                    .context_length = 8});
  const std::vector<std::string> tokens{"a", "b", "ab", "<0x0A>"};
  const std::vector<std::string> merges{"a b"};
  const std::vector<std::int32_t> types{1, 1, 1, 6};
  file.set_texts("tokenizer.ggml.tokens", tokens);
  file.set_texts("tokenizer.ggml.merges", merges);
  file.set_i32s("tokenizer.ggml.token_type", types);
  file.tensor("token_embd.weight").dims = {4, 4};
  file.tensor("token_embd.weight").bytes.resize(4 * 4 * sizeof(float));
  return file;
}

void write_gguf_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_file(folder / "model.gguf", fuzz_model().bytes());
  GgufWriter vocabulary = fuzz_model();
  vocabulary.tensors.clear();
  write_file(folder / "vocabulary.gguf", vocabulary.bytes());
  write_file(folder / "empty.gguf", GgufWriter().bytes());
  GgufWriter quantized = tiny_generator({.dtype = DType::kQ4_1,
                                         .n_layers = 1,
                                         .model_dim = 32,
                                         .n_heads = 2,
                                         .n_kv_heads = 1,
                                         .ffn_dim = 32,
                                         .context_length = 8});
  // A model without a vocabulary also loads; only its token count is needed.
  for (const char* key : {"tokenizer.ggml.tokens", "tokenizer.ggml.merges", "tokenizer.ggml.model",
                          "tokenizer.ggml.token_type", "tokenizer.chat_template"}) {
    quantized.erase(key);
  }
  quantized.tensor("token_embd.weight").dims = {32, 4};
  quantized.tensor("token_embd.weight").bytes.resize(4 * 20);
  write_file(folder / "model_q4_1.gguf", quantized.bytes());
}

void write_safetensors_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  SafetensorsWriter file;
  const std::vector<float> values(8, 1.0F);
  file.add("first", DType::kF32, {2, 4}, values);
  file.add("second", DType::kF16, {8}, values);
  file.add("third", DType::kBF16, {8, 1}, values);
  write_file(folder / "three_types", file.bytes());
  write_file(folder / "empty", safetensors_bytes("{}", ""));
  write_file(folder / "metadata",
             safetensors_bytes(R"({"__metadata__":{"format":"pt","\u00e9\ud83d\ude00":"\n"},)"
                               R"("a":{"dtype":"I64","shape":[],"data_offsets":[0,8]}})",
                               "01234567"));
}

/// A Llama of dim 4 and one layer.
void write_hugging_face_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  SafetensorsWriter file;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    const std::vector<float> values(shape.size() == 1 ? 4 : 16, 0.5F);
    file.add(name, DType::kBF16, std::move(shape), values);
  };
  add("model.embed_tokens.weight", {4, 4});
  add("model.norm.weight", {4});
  for (const char* norm : {"input_layernorm", "post_attention_layernorm"}) {
    add(std::string("model.layers.0.") + norm + ".weight", {4});
  }
  for (const char* part : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                           "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}) {
    add(std::string("model.layers.0.") + part + ".weight", {4, 4});
  }
  const std::string config =
      R"({"model_type":"llama","hidden_size":4,"intermediate_size":4,"num_hidden_layers":1,)"
      R"("num_attention_heads":2,"num_key_value_heads":2,"vocab_size":4,"head_dim":2,)"
      R"("max_position_embeddings":8,"rms_norm_eps":1e-5,)"
      R"("rope_parameters":{"rope_type":"default","rope_theta":100},"tie_word_embeddings":true})";
  write_file(folder / "tied", config + std::string(1, '\0') + file.bytes());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_model_seeds FOLDER\n");
    return 2;
  }
  write_gguf_seeds(std::filesystem::path(argv[1]) / "gguf_fuzz");
  write_safetensors_seeds(std::filesystem::path(argv[1]) / "safetensors_fuzz");
  write_hugging_face_seeds(std::filesystem::path(argv[1]) / "hugging_face_fuzz");
  return 0;
}
