// SPDX-License-Identifier: Apache-2.0
// Whether a model file works: read, identified, and used for one computation.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "app/model_files.h"
#include "kernels/base/result.h"

namespace kvlink::app {

struct ModelCheck {
  ModelRole role = ModelRole::kGenerator;
  std::string name;  ///< as the file calls itself
  std::string architecture;
  std::string weight_types;
  std::string tokenizer;
  std::string chat_format;
  std::string fingerprint;  ///< hex
  std::int64_t n_layers = 0;
  std::int64_t context_length = 0;
  std::int64_t kv_bytes_per_token = 0;  ///< of a stored block, f16
};

/// Loads the model as a session would, computes its fingerprint, and forwards a few tokens (a
/// generator) or embeds a sentence (an embedder); numbers that are not finite are kCorrupt. Other
/// errors are those of loading.
Result<ModelCheck> check_model(const std::filesystem::path& path);

}  // namespace kvlink::app
