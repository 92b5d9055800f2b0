// SPDX-License-Identifier: Apache-2.0
// Weights of a BERT encoder, read and checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "inference/model/tensor_table.h"
#include "kernels/base/view.h"

namespace kvlink::inference {

/// weight [out, in] as stored, bias [out] f32.
struct LinearWeights {
  WeightView weight;
  const float* bias = nullptr;
};

/// weight and bias [dim] f32.
struct LayerNormWeights {
  const float* weight = nullptr;
  const float* bias = nullptr;
};

struct EncoderLayerWeights {
  LinearWeights query;
  LinearWeights key;
  LinearWeights value;
  LinearWeights attention_output;
  LayerNormWeights attention_norm;
  LinearWeights intermediate;  // [ffn_dim, dim]
  LinearWeights output;        // [dim, ffn_dim]
  LayerNormWeights output_norm;
};

/// Read-only after load; owns what the views borrow. Move-only in effect (TensorStorage).
struct EmbedderWeights {
  std::int32_t dim = 0;
  std::int32_t n_heads = 0;
  std::int32_t ffn_dim = 0;
  std::int32_t max_positions = 0;
  float norm_eps = 1e-12F;
  WeightView words;              // [vocab_size, dim]
  std::vector<float> positions;  // [max_positions, dim]: position plus token type 0
  LayerNormWeights embedding_norm;
  std::vector<EncoderLayerWeights> layers;
  std::string weight_types;
  TensorStorage storage;
};

/// Reads model.safetensors and, where present, config.json. Throws kNotFound, kIo, kCorrupt,
/// kUnsupported (another architecture, activation or weight type, by name).
EmbedderWeights load_embedder_weights(const std::filesystem::path& folder);

}  // namespace kvlink::inference
