// SPDX-License-Identifier: Apache-2.0
// Whether a model file works: read, identified, and used for one computation.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "app/model_files.h"
#include "app/model_memory.h"
#include "app/model_trial.h"
#include "inference/model/model_outline.h"
#include "kernels/base/result.h"

namespace kvlink::app {

struct ModelCheck {
  ModelRole role = ModelRole::kGenerator;
  std::string name;  ///< as the file calls itself
  std::string architecture;
  std::string weight_types;
  std::string tokenizer;
  std::string chat_format;
  std::string chat_format_from;  ///< why that one, in words
  std::string adapter;           ///< whether a link adapter fits, a sentence without its full stop
  std::string fingerprint;       ///< hex
  std::int64_t n_layers = 0;
  std::int64_t context_length = 0;
  std::int64_t kv_bytes_per_token = 0;  ///< of a stored block, f16
  std::int64_t weight_bytes = 0;        ///< of the files
  ModelMemory memory;                   ///< with 1,000 tokens: what a short conversation needs
  DType kv_type = DType::kF16;          ///< that `memory` counts with
  std::optional<std::int64_t> available_bytes;  ///< before loading; nothing if unknown
  ModelTrial trial;                             ///< generators only
};

/// Compares what the model needs with the memory that is there, loads it as a session would,
/// computes its fingerprint, and reads a built-in text with it (a generator; by ids if its
/// tokenizer is missing or not handled, which `tokenizer` then says) or embeds a sentence (an
/// embedder). kOutOfMemory when the files alone exceed the memory; numbers that are not finite are
/// kCorrupt; kCancelled when `watch` stops it. Other errors are those of loading. `watch` hears how
/// far the weights of a generator are read. `adapters`: folders of link adapters. `kv_type`: what a
/// session would keep KV in (Settings::kv_type).
Result<ModelCheck> check_model(const std::filesystem::path& path,
                               const inference::LoadWatch& watch = {},
                               std::span<const std::filesystem::path> adapters = {},
                               DType kv_type = DType::kF16);

/// Why a model's chats are written in `format` where nobody chose: words behind its name.
std::string reason_of_chat_format(const inference::TokenizerSource& source,
                                  const std::string& format);

}  // namespace kvlink::app
