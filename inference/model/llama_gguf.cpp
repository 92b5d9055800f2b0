// SPDX-License-Identifier: Apache-2.0
#include "inference/model/llama_gguf.h"

#include <array>
#include <cmath>

#include "inference/model/finite_scan.h"
#include "inference/model/limits.h"
#include "inference/model/model_storage.h"
#include "inference/model/printable.h"
#include "inference/model/rope_frequencies.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

constexpr std::uint64_t kMaxTextBytes = 4'096;

/// Keys that change what a Llama decoder computes and that this program does not compute. A key
/// that ends in '.' stands for all that begin with it.
constexpr std::array<std::string_view, 16> kRefusedKeys{
    "expert_",
    "attention.sliding_window",
    "attention.clamp_kqv",
    "attention.max_alibi_bias",
    "attention.scale",
    "attention.causal",
    "attention.layer_norm_epsilon",
    "attention.kv_lora_rank",
    "attention.q_lora_rank",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "logit_scale",
    "residual_scale",
    "embedding_scale",
    "rope.scale_linear",
    "rope.scaling.",
};

bool is_harmless(const GgufFile& file, const std::string& key, const GgufValue& value) {
  if (key == "llama.rope.scaling.type") {
    return value.type == GgufType::kString && file.text(key, kMaxTextBytes) == "none";
  }
  if (key == "llama.attention.causal") {
    return value.type == GgufType::kBool && file.flag(key) == true;
  }
  const bool is_count = key.starts_with("llama.expert_") || key == "llama.attention.sliding_window";
  if (is_count && (value.type == GgufType::kU32 || value.type == GgufType::kI32)) {
    return file.count(key) == 0U;
  }
  return false;
}

void refuse_variants(const GgufFile& file) {
  for (const auto& [key, value] : file.values()) {
    for (const std::string_view refused : kRefusedKeys) {
      if (key.starts_with("llama." + std::string(refused)) && !is_harmless(file, key, value)) {
        fail(ErrorCode::kUnsupported, file.source() + " sets " + printable(key) +
                                          ", a variant of the architecture that is not "
                                          "supported");
      }
    }
  }
  if (file.count("split.count").value_or(1) > 1) {
    fail(ErrorCode::kUnsupported, file.source() +
                                      " is one part of a split model; merge the parts "
                                      "into one file first");
  }
}

std::int32_t read_count(const GgufFile& file, const std::string& key, std::uint64_t max,
                        std::optional<std::uint64_t> fallback = std::nullopt) {
  const auto found = file.count(key);
  if (!found && !fallback) fail(ErrorCode::kCorrupt, file.source() + ": " + key + " is missing");
  const std::uint64_t value = found.value_or(fallback.value_or(0));
  if (value == 0 || value > max) {
    fail(ErrorCode::kCorrupt, file.source() + ": " + key + " is " + std::to_string(value) +
                                  ", expected 1 to " + std::to_string(max));
  }
  return static_cast<std::int32_t>(value);
}

float read_real(const GgufFile& file, const std::string& key, std::optional<double> fallback,
                double min, double max) {
  const auto found = file.real(key);
  if (!found && !fallback) fail(ErrorCode::kCorrupt, file.source() + ": " + key + " is missing");
  const double value = found.value_or(fallback.value_or(0));
  if (!(value >= min && value <= max)) {
    fail(ErrorCode::kCorrupt,
         file.source() + ": " + key + " is " + std::to_string(value) + ", which is out of range");
  }
  return static_cast<float>(value);
}

void read_heads(const GgufFile& file, ModelConfig& config) {
  config.n_heads = read_count(file, "llama.attention.head_count", limits::kMaxHeads);
  config.n_kv_heads = read_count(file, "llama.attention.head_count_kv", limits::kMaxHeads,
                                 static_cast<std::uint64_t>(config.n_heads));
  if (config.n_heads % config.n_kv_heads != 0) {
    fail(ErrorCode::kCorrupt, file.source() + ": " + std::to_string(config.n_heads) +
                                  " heads do not share " + std::to_string(config.n_kv_heads) +
                                  " key-value heads evenly");
  }
  const bool has_key_length = file.find("llama.attention.key_length") != nullptr;
  if (!has_key_length && config.model_dim % config.n_heads != 0) {
    fail(ErrorCode::kCorrupt, file.source() + ": embedding_length " +
                                  std::to_string(config.model_dim) + " is not a multiple of " +
                                  std::to_string(config.n_heads) + " heads");
  }
  config.head_dim = read_count(file, "llama.attention.key_length", limits::kMaxHeadDim,
                               static_cast<std::uint64_t>(config.model_dim / config.n_heads));
  const auto value_dim = read_count(file, "llama.attention.value_length", limits::kMaxHeadDim,
                                    static_cast<std::uint64_t>(config.head_dim));
  if (value_dim != config.head_dim) {
    fail(ErrorCode::kUnsupported,
         file.source() + ": keys and values of different length are not supported");
  }
}

kernels::Rope read_rope(const GgufFile& file, std::int32_t head_dim) {
  const auto n_rotated = read_count(file, "llama.rope.dimension_count", limits::kMaxHeadDim,
                                    static_cast<std::uint64_t>(head_dim));
  if (n_rotated > head_dim || n_rotated % 2 != 0) {
    fail(ErrorCode::kCorrupt,
         file.source() + ": llama.rope.dimension_count " + std::to_string(n_rotated) +
             " is not an even number up to the head dimension " + std::to_string(head_dim));
  }
  const float base = read_real(file, "llama.rope.freq_base", 10'000.0, 1.0, 1e12);
  return plain_rope(n_rotated, base, kernels::RopePairing::kInterleaved);
}

ModelConfig read_config(const GgufFile& file) {
  ModelConfig config;
  config.architecture = file.text("general.architecture", kMaxTextBytes).value_or("");
  if (config.architecture != "llama") {
    fail(ErrorCode::kUnsupported, file.source() + " has architecture \"" +
                                      printable(config.architecture) +
                                      "\"; supported is \"llama\"");
  }
  refuse_variants(file);
  config.name = file.text("general.name", kMaxTextBytes).value_or("");
  config.n_layers = read_count(file, "llama.block_count", limits::kMaxLayers);
  config.model_dim = read_count(file, "llama.embedding_length", limits::kMaxModelDim);
  config.ffn_dim = read_count(file, "llama.feed_forward_length", limits::kMaxFfnDim);
  config.context_length = read_count(file, "llama.context_length", limits::kMaxContext);
  read_heads(file, config);
  config.rms_norm_eps =
      read_real(file, "llama.attention.layer_norm_rms_epsilon", std::nullopt, 1e-12, 0.1);
  config.rope = read_rope(file, config.head_dim);
  return config;
}

/// The number of tokens is the embedding's number of rows; the vocabulary and llama.vocab_size,
/// where given, must say the same.
std::int32_t read_vocab_size(const GgufFile& file, const TensorTable& table, std::size_t n_tokens) {
  const TensorEntry* embedding = table.find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2) {
    fail(ErrorCode::kCorrupt, file.source() + ": tensor token_embd.weight is missing");
  }
  const auto rows = static_cast<std::uint64_t>(embedding->shape[0]);
  if (rows > limits::kMaxVocabulary) {
    fail(ErrorCode::kUnsupported,
         file.source() + ": a vocabulary of " + std::to_string(rows) + " tokens is too large");
  }
  const auto stated = file.count("llama.vocab_size").value_or(rows);
  if (stated != rows || (n_tokens != 0 && n_tokens != rows)) {
    fail(ErrorCode::kCorrupt, file.source() + ": " + std::to_string(rows) +
                                  " embedding rows, llama.vocab_size " + std::to_string(stated) +
                                  ", " + std::to_string(n_tokens) + " tokens");
  }
  return static_cast<std::int32_t>(rows);
}

LayerWeights read_layer(TensorTable& table, const ModelConfig& config, std::int32_t layer) {
  const std::string prefix = "blk." + std::to_string(layer) + ".";
  LayerWeights w;
  w.attention_norm = table.vector(prefix + "attn_norm.weight", config.model_dim);
  w.wq = table.matrix(prefix + "attn_q.weight", config.attention_dim(), config.model_dim);
  w.wk = table.matrix(prefix + "attn_k.weight", config.kv_dim(), config.model_dim);
  w.wv = table.matrix(prefix + "attn_v.weight", config.kv_dim(), config.model_dim);
  w.wo = table.matrix(prefix + "attn_output.weight", config.model_dim, config.attention_dim());
  w.ffn_norm = table.vector(prefix + "ffn_norm.weight", config.model_dim);
  w.gate = table.matrix(prefix + "ffn_gate.weight", config.ffn_dim, config.model_dim);
  w.up = table.matrix(prefix + "ffn_up.weight", config.ffn_dim, config.model_dim);
  w.down = table.matrix(prefix + "ffn_down.weight", config.model_dim, config.ffn_dim);
  return w;
}

}  // namespace

Model model_from_gguf(std::span<const std::byte> bytes, std::shared_ptr<Model::Storage> storage,
                      const std::string& source) {
  GgufFile file = GgufFile::parse(bytes, source);
  Model model;
  model.config = read_config(file);
  storage->tensors = file.take_tensors();
  TensorTable table(*storage, source);
  const auto* tokens = file.find("tokenizer.ggml.tokens");
  ModelConfig& config = model.config;
  config.vocab_size = read_vocab_size(file, table, tokens == nullptr ? 0 : tokens->count);

  model.embedding = table.matrix("token_embd.weight", config.vocab_size, config.model_dim);
  model.output_norm = table.vector("output_norm.weight", config.model_dim);
  model.output = table.has("output.weight")
                     ? table.matrix("output.weight", config.vocab_size, config.model_dim)
                     : model.embedding;
  for (std::int32_t layer = 0; layer < config.n_layers; ++layer) {
    model.layers.push_back(read_layer(table, config, layer));
  }
  table.expect_all_taken();
  expect_finite(storage->tensors, source);
  model.tokenizer = tokenizer_from_gguf(file);
  model.weight_types = summarize_types(storage->tensors);
  model.storage = std::move(storage);
  return model;
}

}  // namespace kvlink::inference
