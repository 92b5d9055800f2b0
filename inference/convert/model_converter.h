// SPDX-License-Identifier: Apache-2.0
// A model as one GGUF file of any type that is written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "kernels/base/dtype.h"
#include "kernels/base/file_system.h"
#include "kernels/base/result.h"

namespace kvlink::inference {

struct ConvertOptions {
  DType matrices = DType::kQ8_0;  ///< of every matrix; norms and biases are f32
  /// Of the embedding and the output matrix; nothing: as the others.
  std::optional<DType> embedding = {};
  bool replace = false;  ///< a file that is there already
};

struct ConvertReport {
  std::int64_t n_bytes = 0;
  std::string weight_types;          ///< "q4_0 210, f32 61"
  std::vector<std::string> notices;  ///< what the user should know about the result
};

/// Bytes of the new file written so far, and in all. May throw to stop.
using ConvertProgress = std::function<void(std::int64_t done, std::int64_t total)>;

/// Reads what load_model reads and writes `target`: under a temporary name that is renamed when the
/// file is complete and on disk, so that a stop or a failure leaves what was there. A matrix whose
/// rows are not whole blocks of its type becomes q8_0, or f16 where that does not fit either, with
/// a notice. Memory: one row and a few MiB beside the mapped source. Calling thread only.
///
/// Errors: those of load_model; kInvalidInput for a type that is not written or a target that
/// exists, kUnsupported for what GGUF cannot state (tokenizer, rotation), kOutOfMemory for a full
/// disk, kCancelled.
Result<ConvertReport> convert_model(const std::filesystem::path& source,
                                    const std::filesystem::path& target,
                                    const ConvertOptions& options, FileSystem& files,
                                    const ConvertProgress& progress = {},
                                    std::stop_token stop = {});

}  // namespace kvlink::inference
