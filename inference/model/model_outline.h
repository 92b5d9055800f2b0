// SPDX-License-Identifier: Apache-2.0
// What a model is, from its settings and its list of tensors: without reading the weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "inference/model/model.h"
#include "inference/model/model_config.h"

namespace kvlink::inference {

struct MatrixOutline {
  DType dtype = DType::kF32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  bool is_looked_up = false;  ///< the embedding: rows are taken from the file as it is stored
  bool is_multiplied = true;  ///< false: an embedding with an output matrix beside it
};

struct ModelOutline {
  ModelConfig config;
  TokenizerSource tokenizer;
  std::string weight_types;       ///< "q4_1 210, f32 61"
  std::int64_t weight_bytes = 0;  ///< of the files
  std::vector<MatrixOutline> matrices;
};

/// The same checks as load_model but for the weights' numbers: a few milliseconds and the memory of
/// the vocabulary, whatever the model's size. Same errors.
Result<ModelOutline> read_model_outline(const std::filesystem::path& path);

/// What somebody who waits for a model may see and do. Both are used by the loading thread.
struct LoadWatch {
  std::function<void(std::int64_t done, std::int64_t total)> progress;  ///< bytes of weights
  std::stop_token stop;
};

/// load_model with progress; kCancelled when it was stopped.
Result<Model> load_model(const std::filesystem::path& path, const LoadWatch& watch);

}  // namespace kvlink::inference
