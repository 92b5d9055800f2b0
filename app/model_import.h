// SPDX-License-Identifier: Apache-2.0
// Bringing a model into the models folder, and taking one out of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/model_files.h"
#include "kernels/base/file_system.h"
#include "kernels/base/result.h"

namespace kvlink::app {

enum class ImportMethod : std::uint8_t {
  kReference,  ///< a symbolic link: the model stays where it is
  kCopy,
};

struct ModelImport {
  std::filesystem::path source;  ///< a GGUF file (any part of a split one) or a folder
  std::string name = {};         ///< in the models folder; "" takes the source's
  ImportMethod method = ImportMethod::kReference;
};

/// Bytes copied so far, and in all.
using CopyProgress = std::function<void(std::int64_t done, std::int64_t total)>;

/// Reads the model's settings and tensors first and refuses what could not be used. A copy gets its
/// name when it is complete; a folder is copied without files that no model has. Returns where the
/// model is. kInvalidInput for a name that is taken or is none, kCancelled, kOutOfMemory for a full
/// disk, else what reading the model returns.
Result<std::filesystem::path> import_model(const ModelImport& request,
                                           const std::filesystem::path& models, FileSystem& files,
                                           const CopyProgress& progress = {},
                                           std::stop_token stop = {});

struct RemovedModel {
  bool was_reference = false;  ///< the model itself is untouched
  std::int64_t n_bytes = 0;    ///< given back to the disk
};

/// Erases a model by its name in the models folder (all parts of a split one), or only the link to
/// one that lies elsewhere. kNotFound for a name that find_models does not give.
Result<RemovedModel> remove_model(const std::filesystem::path& models, const std::string& name,
                                  FileSystem& files);

}  // namespace kvlink::app
