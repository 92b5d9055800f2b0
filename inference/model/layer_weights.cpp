// SPDX-License-Identifier: Apache-2.0
#include "inference/model/layer_weights.h"

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

std::string weight(std::string_view name) { return std::string(name) + ".weight"; }

LayerWeights read_layer(TensorTable& table, const ModelConfig& config, const Architecture& arch,
                        const TensorNames& names, std::int32_t layer) {
  const auto matrix = [&](std::string_view name, std::int64_t rows, std::int64_t cols) {
    return table.matrix(weight(names.in_layer(layer, name)), rows, cols);
  };
  const auto vector = [&](std::string_view name, const char* kind, std::int64_t n) {
    return table.vector(names.in_layer(layer, name) + kind, n);
  };
  LayerWeights w;
  w.attention_norm = vector(names.attention_norm, ".weight", config.model_dim);
  w.wq = matrix(names.q, config.attention_dim(), config.model_dim);
  w.wk = matrix(names.k, config.kv_dim(), config.model_dim);
  w.wv = matrix(names.v, config.kv_dim(), config.model_dim);
  w.wo = matrix(names.o, config.model_dim, config.attention_dim());
  if (arch.has_qkv_bias) {
    w.q_bias = vector(names.q, ".bias", config.attention_dim());
    w.k_bias = vector(names.k, ".bias", config.kv_dim());
    w.v_bias = vector(names.v, ".bias", config.kv_dim());
  }
  if (arch.has_qk_norm) {
    w.q_norm = vector(names.q_norm, ".weight", config.head_dim);
    w.k_norm = vector(names.k_norm, ".weight", config.head_dim);
  }
  w.ffn_norm = vector(names.ffn_norm, ".weight", config.model_dim);
  w.gate = matrix(names.gate, config.ffn_dim, config.model_dim);
  w.up = matrix(names.up, config.ffn_dim, config.model_dim);
  w.down = matrix(names.down, config.model_dim, config.ffn_dim);
  return w;
}

}  // namespace

void read_weights(TensorTable& table, const Architecture& arch, const TensorNames& names,
                  Model& model) {
  const ModelConfig& config = model.config;
  model.embedding = table.matrix(weight(names.embedding), config.vocab_size, config.model_dim);
  model.output_norm = table.vector(weight(names.output_norm), config.model_dim);
  for (std::int32_t layer = 0; layer < config.n_layers; ++layer) {
    model.layers.push_back(read_layer(table, config, arch, names, layer));
  }
}

void expect_heads_fit(const ModelConfig& config, bool states_head_dim, const std::string& source) {
  const bool widths_fit = states_head_dim || config.model_dim % config.n_heads == 0;
  if (config.n_heads % config.n_kv_heads == 0 && config.head_dim % 2 == 0 && config.head_dim > 0 &&
      widths_fit) {
    return;
  }
  fail(ErrorCode::kCorrupt, source + ": " + std::to_string(config.n_heads) + " heads of " +
                                std::to_string(config.head_dim) + ", " +
                                std::to_string(config.n_kv_heads) +
                                " key-value heads and a width of " +
                                std::to_string(config.model_dim) + " do not fit together");
}

}  // namespace kvlink::inference
