// SPDX-License-Identifier: Apache-2.0
#include "inference/model/llama_hf.h"

#include <array>
#include <nlohmann/json.hpp>

#include "inference/model/finite_scan.h"
#include "inference/model/hf_config.h"
#include "inference/model/json_text.h"
#include "inference/model/model_storage.h"
#include "inference/model/safetensors_file.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using nlohmann::json;

LayerWeights read_layer(TensorTable& table, const ModelConfig& config, const Architecture& arch,
                        std::int32_t layer) {
  const std::string prefix = "model.layers." + std::to_string(layer) + ".";
  const std::string attention = prefix + "self_attn.";
  LayerWeights w;
  w.attention_norm = table.vector(prefix + "input_layernorm.weight", config.model_dim);
  w.wq = table.matrix(attention + "q_proj.weight", config.attention_dim(), config.model_dim);
  w.wk = table.matrix(attention + "k_proj.weight", config.kv_dim(), config.model_dim);
  w.wv = table.matrix(attention + "v_proj.weight", config.kv_dim(), config.model_dim);
  w.wo = table.matrix(attention + "o_proj.weight", config.model_dim, config.attention_dim());
  if (arch.has_qkv_bias) {
    w.q_bias = table.vector(attention + "q_proj.bias", config.attention_dim());
    w.k_bias = table.vector(attention + "k_proj.bias", config.kv_dim());
    w.v_bias = table.vector(attention + "v_proj.bias", config.kv_dim());
  }
  if (arch.has_qk_norm) {
    w.q_norm = table.vector(attention + "q_norm.weight", config.head_dim);
    w.k_norm = table.vector(attention + "k_norm.weight", config.head_dim);
  }
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
  return model_from_shards(std::array{FilePart{bytes, source}}, config_text, std::move(storage));
}

Model model_from_shards(std::span<const FilePart> shards, std::string_view config_text,
                        std::shared_ptr<Model::Storage> storage) {
  KVLINK_CHECK(!shards.empty());
  const json stated = parse_json_object(config_text, "config.json");
  Model model;
  model.config = read_hf_config(stated, "config.json");
  const Architecture& arch = hf_architecture(stated, "config.json");
  const ModelConfig& config = model.config;
  for (const FilePart& shard : shards) {
    SafetensorsFile file = SafetensorsFile::parse(shard.bytes, shard.name);
    file.expect_only([](std::string_view) { return false; }, shard.name);
    for (TensorEntry& tensor : file.tensors) storage->tensors.push_back(std::move(tensor));
  }
  const std::string& source = shards.front().name;
  TensorTable table(*storage, source);
  model.embedding = table.matrix("model.embed_tokens.weight", config.vocab_size, config.model_dim);
  model.output_norm = table.vector("model.norm.weight", config.model_dim);
  read_output(table, stated, source, model);
  for (std::int32_t layer = 0; layer < config.n_layers; ++layer) {
    model.layers.push_back(read_layer(table, config, arch, layer));
  }
  table.expect_all_taken();
  expect_finite(storage->tensors, source);
  model.weight_types = summarize_types(storage->tensors);
  model.storage = std::move(storage);
  return model;
}

}  // namespace kvlink::inference
