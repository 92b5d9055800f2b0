// SPDX-License-Identifier: Apache-2.0
#include "inference/model/llama_hf.h"

#include <nlohmann/json.hpp>

#include "inference/model/finite_scan.h"
#include "inference/model/json_text.h"
#include "inference/model/limits.h"
#include "inference/model/model_storage.h"
#include "inference/model/printable.h"
#include "inference/model/rope_frequencies.h"
#include "inference/model/safetensors_file.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using nlohmann::json;

[[noreturn]] void unsupported(const std::string& source, const std::string& what) {
  fail(ErrorCode::kUnsupported, source + ": " + what + " is not supported");
}

/// Refuses by name what would change the computation.
void refuse_variants(const json& config, const std::string& source) {
  const std::string type = json_text(config, "model_type", "");
  if (type != "llama") {
    fail(ErrorCode::kUnsupported,
         source + ": model_type is \"" + printable(type) + "\"; supported is \"llama\"");
  }
  for (const char* key : {"attention_bias", "mlp_bias"}) {
    if (json_flag(config, key, false)) unsupported(source, key);
  }
  for (const char* key : {"quantization_config", "rope_scaling", "num_experts", "num_local_experts",
                          "sliding_window"}) {
    if (const auto found = config.find(key); found != config.end() && !found->is_null()) {
      unsupported(source, key);
    }
  }
  const std::string activation = json_text(config, "hidden_act", "silu");
  if (activation != "silu") unsupported(source, "hidden_act " + printable(activation));
}

double read_rope_base(const json& config, const std::string& source) {
  // Newer files nest the RoPE settings.
  const auto nested = config.find("rope_parameters");
  if (nested == config.end() || nested->is_null()) {
    return json_real(config, "rope_theta", 10'000.0, 1.0, 1e12, source);
  }
  if (!nested->is_object()) {
    fail(ErrorCode::kCorrupt, source + ": rope_parameters is not an object");
  }
  const std::string type = json_text(*nested, "rope_type", "default");
  if (type != "default") unsupported(source, "rope_type " + printable(type));
  return json_real(*nested, "rope_theta", 10'000.0, 1.0, 1e12, source);
}

ModelConfig read_config(const json& stated, const std::string& source) {
  refuse_variants(stated, source);
  ModelConfig config;
  config.architecture = "llama";
  config.n_layers = json_count(stated, "num_hidden_layers", limits::kMaxLayers, source);
  config.model_dim = json_count(stated, "hidden_size", limits::kMaxModelDim, source);
  config.ffn_dim = json_count(stated, "intermediate_size", limits::kMaxFfnDim, source);
  config.vocab_size = json_count(stated, "vocab_size", limits::kMaxVocabulary, source);
  config.context_length =
      json_count(stated, "max_position_embeddings", limits::kMaxContext, source);
  config.n_heads = json_count(stated, "num_attention_heads", limits::kMaxHeads, source);
  config.n_kv_heads =
      json_count(stated, "num_key_value_heads", limits::kMaxHeads, source, config.n_heads);
  config.head_dim = json_count(stated, "head_dim", limits::kMaxHeadDim, source,
                               config.model_dim / config.n_heads);
  const bool states_head_dim = stated.contains("head_dim") && !stated["head_dim"].is_null();
  if (config.n_heads % config.n_kv_heads != 0 || config.head_dim % 2 != 0 || config.head_dim == 0 ||
      (!states_head_dim && config.model_dim % config.n_heads != 0)) {
    fail(ErrorCode::kCorrupt, source + ": " + std::to_string(config.n_heads) + " heads, " +
                                  std::to_string(config.n_kv_heads) +
                                  " key-value heads and hidden_size " +
                                  std::to_string(config.model_dim) + " do not fit together");
  }
  config.rms_norm_eps =
      static_cast<float>(json_real(stated, "rms_norm_eps", 1e-6, 1e-12, 0.1, source));
  config.rope =
      plain_rope(config.head_dim, read_rope_base(stated, source), kernels::RopePairing::kHalves);
  return config;
}

LayerWeights read_layer(TensorTable& table, const ModelConfig& config, std::int32_t layer) {
  const std::string prefix = "model.layers." + std::to_string(layer) + ".";
  const std::string attention = prefix + "self_attn.";
  LayerWeights w;
  w.attention_norm = table.vector(prefix + "input_layernorm.weight", config.model_dim);
  w.wq = table.matrix(attention + "q_proj.weight", config.attention_dim(), config.model_dim);
  w.wk = table.matrix(attention + "k_proj.weight", config.kv_dim(), config.model_dim);
  w.wv = table.matrix(attention + "v_proj.weight", config.kv_dim(), config.model_dim);
  w.wo = table.matrix(attention + "o_proj.weight", config.model_dim, config.attention_dim());
  w.ffn_norm = table.vector(prefix + "post_attention_layernorm.weight", config.model_dim);
  w.gate = table.matrix(prefix + "mlp.gate_proj.weight", config.ffn_dim, config.model_dim);
  w.up = table.matrix(prefix + "mlp.up_proj.weight", config.ffn_dim, config.model_dim);
  w.down = table.matrix(prefix + "mlp.down_proj.weight", config.model_dim, config.ffn_dim);
  // Old files carry the frequencies that the configuration states.
  table.ignore(attention + "rotary_emb.inv_freq");
  return w;
}

void read_output(TensorTable& table, const json& stated, const std::string& source, Model& model) {
  const ModelConfig& config = model.config;
  const bool has_head = table.has("lm_head.weight");
  const bool is_tied = json_flag(stated, "tie_word_embeddings", !has_head);
  if (!is_tied && !has_head) {
    fail(ErrorCode::kCorrupt, source + ": tensor lm_head.weight is missing");
  }
  model.output = model.embedding;
  if (has_head) {
    const auto head = table.matrix("lm_head.weight", config.vocab_size, config.model_dim);
    if (!is_tied) model.output = head;
  }
}

}  // namespace

Model model_from_safetensors(std::span<const std::byte> bytes, std::string_view config_text,
                             std::shared_ptr<Model::Storage> storage, const std::string& source) {
  const json stated = parse_json_object(config_text, "config.json");
  Model model;
  model.config = read_config(stated, "config.json");
  const ModelConfig& config = model.config;
  SafetensorsFile file = SafetensorsFile::parse(bytes, source);
  file.expect_only([](std::string_view) { return false; }, source);
  storage->tensors = std::move(file.tensors);
  TensorTable table(*storage, source);
  model.embedding = table.matrix("model.embed_tokens.weight", config.vocab_size, config.model_dim);
  model.output_norm = table.vector("model.norm.weight", config.model_dim);
  read_output(table, stated, source, model);
  for (std::int32_t layer = 0; layer < config.n_layers; ++layer) {
    model.layers.push_back(read_layer(table, config, layer));
  }
  table.expect_all_taken();
  expect_finite(storage->tensors, source);
  model.weight_types = summarize_types(storage->tensors);
  model.storage = std::move(storage);
  return model;
}

}  // namespace kvlink::inference
