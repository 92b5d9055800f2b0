// SPDX-License-Identifier: Apache-2.0
// Writes the seed inputs of gguf_fuzz and safetensors_fuzz below the folder given: run by hand when
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

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_model_seeds FOLDER\n");
    return 2;
  }
  write_gguf_seeds(std::filesystem::path(argv[1]) / "gguf_fuzz");
  write_safetensors_seeds(std::filesystem::path(argv[1]) / "safetensors_fuzz");
  return 0;
}
