// SPDX-License-Identifier: Apache-2.0
// Which models lie in the models folder, and which of them a session uses.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "kernels/base/result.h"

namespace kvlink::app {

enum class ModelRole : std::uint8_t { kGenerator, kEmbedder };

/// A file or folder that looks like a model. Nothing in it has been checked yet.
struct FoundModel {
  std::string name;  ///< relative to the models folder; what --model accepts
  std::filesystem::path path;
  ModelRole role = ModelRole::kGenerator;
  std::int64_t bytes = 0;  ///< of its weights
};

/// GGUF files and Hugging Face folders in `folder` and one level below, by name. A folder that
/// cannot be read holds none.
std::vector<FoundModel> find_models(const std::filesystem::path& folder);

/// What a model at this path would be used for. Anything that is not an embedder's folder counts as
/// a generator; whether it is one, loading shows.
ModelRole role_of_model(const std::filesystem::path& path);

/// The path of a wanted model: a path that exists, or a name find_models gives; "" takes the
/// default (SmolLM2-135M-Instruct.Q4_1.gguf and all-MiniLM-L6-v2 where they are, else the first by
/// name). kNotFound says what was looked for, where, and what to do.
Result<std::filesystem::path> resolve_model(const std::filesystem::path& folder, ModelRole role,
                                            const std::string& wanted);

/// Bytes of the files that a model is made of, before any is read. Throws what list_shards throws.
std::int64_t model_file_bytes(const std::filesystem::path& path);

}  // namespace kvlink::app
