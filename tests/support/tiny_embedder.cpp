// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>
#include <vector>

#include "tests/support/random_floats.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/tiny_model.h"

namespace kvlink::tests {
namespace {

constexpr std::int64_t kLayers = 2;
constexpr std::int64_t kDim = 32;
constexpr std::int64_t kFfnDim = 64;
constexpr std::int64_t kPositions = 64;
constexpr const char* kConfig = R"({
  "model_type": "bert", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
  "intermediate_size": 64, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
  "max_position_embeddings": 64, "type_vocab_size": 2
}
)";

/// Specials, every printable ASCII character as a word's start and as its continuation, and words.
std::vector<std::string> vocabulary() {
  std::vector<std::string> tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]"};
  for (char c = '!'; c <= '~'; ++c) {
    if (c >= 'A' && c <= 'Z') continue;
    tokens.emplace_back(1, c);
    tokens.push_back(std::string("##") + c);
  }
  for (const char* word : {"the", "of", "and", "red", "green", "blue", "river", "mountain", "what",
                           "where", "is", "##ing", "##er"}) {
    tokens.emplace_back(word);
  }
  return tokens;
}

/// Adds tensors of one model with the random numbers of one seed.
struct BertTensors {
  SafetensorsWriter file;
  RandomFloats random;

  void add_table(const std::string& name, std::int64_t rows, std::int64_t cols, float spread) {
    file.add(name, DType::kF32, {rows, cols}, random.uniform(rows * cols, spread));
  }
  void add_linear(const std::string& name, std::int64_t rows, std::int64_t cols) {
    add_table(name + ".weight", rows, cols, std::sqrt(3.0F / static_cast<float>(cols)));
    file.add(name + ".bias", DType::kF32, {rows}, random.uniform(rows, 0.1F));
  }
  void add_norm(const std::string& name) {
    file.add(name + ".weight", DType::kF32, {kDim}, random.uniform(kDim, 0.2F, 1.0F));
    file.add(name + ".bias", DType::kF32, {kDim}, random.uniform(kDim, 0.1F));
  }
  void add_layer(std::int64_t layer) {
    const std::string prefix = "encoder.layer." + std::to_string(layer) + ".";
    for (const char* part : {"query", "key", "value"}) {
      add_linear(prefix + "attention.self." + part, kDim, kDim);
    }
    add_linear(prefix + "attention.output.dense", kDim, kDim);
    add_norm(prefix + "attention.output.LayerNorm");
    add_linear(prefix + "intermediate.dense", kFfnDim, kDim);
    add_linear(prefix + "output.dense", kDim, kFfnDim);
    add_norm(prefix + "output.LayerNorm");
  }
};

}  // namespace

void write_tiny_embedder(const std::filesystem::path& folder, std::uint64_t seed) {
  std::filesystem::create_directories(folder);
  const std::vector<std::string> tokens = vocabulary();
  BertTensors model{{}, RandomFloats(seed)};
  model.add_table("embeddings.word_embeddings.weight", static_cast<std::int64_t>(tokens.size()),
                  kDim, 1.0F);
  // Positions weigh less than words, so that texts with the same words stay close.
  model.add_table("embeddings.position_embeddings.weight", kPositions, kDim, 0.1F);
  model.add_table("embeddings.token_type_embeddings.weight", 2, kDim, 0.1F);
  model.add_norm("embeddings.LayerNorm");
  for (std::int64_t layer = 0; layer < kLayers; ++layer) model.add_layer(layer);
  write_file(folder / "model.safetensors", model.file.bytes());
  write_file(folder / "config.json", kConfig);
  std::string lines;
  for (const std::string& token : tokens) lines += token + "\n";
  write_file(folder / "vocab.txt", lines);
}

}  // namespace kvlink::tests
