// SPDX-License-Identifier: Apache-2.0
// What a model file says about itself, checked.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/rope.h"

namespace kvlink::inference {

/// Geometry of a decoder. Every count is checked against limits and the tensors' shapes at load.
struct ModelConfig {
  std::string architecture;  ///< "llama", "mistral", "qwen2", "qwen3"
  std::string name;          ///< as the file calls itself; may be empty
  std::int32_t n_layers = 0;
  std::int32_t n_heads = 0;
  std::int32_t n_kv_heads = 0;
  std::int32_t head_dim = 0;
  std::int32_t model_dim = 0;
  std::int32_t ffn_dim = 0;
  std::int32_t vocab_size = 0;
  std::int32_t context_length = 0;  ///< positions the model was trained for
  float rms_norm_eps = 1e-5F;
  kernels::Rope rope;

  std::int64_t kv_dim() const { return std::int64_t{n_kv_heads} * head_dim; }
  std::int64_t attention_dim() const { return std::int64_t{n_heads} * head_dim; }
};

}  // namespace kvlink::inference
