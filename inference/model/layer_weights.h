// SPDX-License-Identifier: Apache-2.0
// A decoder's tensors by the names that GGUF and Hugging Face give them.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "inference/model/architecture.h"
#include "inference/model/model.h"
#include "inference/model/tensor_table.h"

namespace kvlink::inference {

/// Without ".weight" and ".bias"; those of a layer stand behind layer_prefix, its number and a dot.
struct TensorNames {
  std::string_view embedding, output_norm, output;
  std::string_view layer_prefix;
  std::string_view attention_norm, q, k, v, o, q_norm, k_norm, ffn_norm, gate, up, down;

  std::string in_layer(std::int32_t layer, std::string_view name) const {
    return std::string(layer_prefix) + std::to_string(layer) + "." + std::string(name);
  }
};

inline constexpr TensorNames kGgufNames{.embedding = "token_embd",
                                        .output_norm = "output_norm",
                                        .output = "output",
                                        .layer_prefix = "blk.",
                                        .attention_norm = "attn_norm",
                                        .q = "attn_q",
                                        .k = "attn_k",
                                        .v = "attn_v",
                                        .o = "attn_output",
                                        .q_norm = "attn_q_norm",
                                        .k_norm = "attn_k_norm",
                                        .ffn_norm = "ffn_norm",
                                        .gate = "ffn_gate",
                                        .up = "ffn_up",
                                        .down = "ffn_down"};

inline constexpr TensorNames kHuggingFaceNames{.embedding = "model.embed_tokens",
                                               .output_norm = "model.norm",
                                               .output = "lm_head",
                                               .layer_prefix = "model.layers.",
                                               .attention_norm = "input_layernorm",
                                               .q = "self_attn.q_proj",
                                               .k = "self_attn.k_proj",
                                               .v = "self_attn.v_proj",
                                               .o = "self_attn.o_proj",
                                               .q_norm = "self_attn.q_norm",
                                               .k_norm = "self_attn.k_norm",
                                               .ffn_norm = "post_attention_layernorm",
                                               .gate = "mlp.gate_proj",
                                               .up = "mlp.up_proj",
                                               .down = "mlp.down_proj"};

/// Every name that a layer may have, for going from one naming to the other.
inline constexpr std::array<std::string_view TensorNames::*, 11> kLayerTensors{
    &TensorNames::attention_norm,
    &TensorNames::q,
    &TensorNames::k,
    &TensorNames::v,
    &TensorNames::o,
    &TensorNames::q_norm,
    &TensorNames::k_norm,
    &TensorNames::ffn_norm,
    &TensorNames::gate,
    &TensorNames::up,
    &TensorNames::down};

/// Takes the embedding, the last norm and every layer out of the table; the output matrix is left
/// to the caller. Throws what TensorTable throws.
void read_weights(TensorTable& table, const Architecture& arch, const TensorNames& names,
                  Model& model);

/// Throws kCorrupt when the heads and the width do not fit together.
void expect_heads_fit(const ModelConfig& config, bool states_head_dim, const std::string& source);

}  // namespace kvlink::inference
