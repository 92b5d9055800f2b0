// SPDX-License-Identifier: Apache-2.0
// From a Hugging Face folder of the Llama family to a Model.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "inference/model/finite_scan.h"
#include "inference/model/model.h"
#include "inference/model/model_storage.h"

namespace kvlink::inference {

/// Parses the bytes of a .safetensors file, which must outlive the model, with the text of its
/// config.json. Throws kCorrupt, kUnsupported. Tokenizer, path and size are left to the caller.
Model model_from_safetensors(std::span<const std::byte> bytes, std::string_view config_text,
                             std::shared_ptr<Model::Storage> storage, const std::string& source);

/// The same from the files that share a model's tensors; `check` sees every weight.
Model model_from_shards(std::span<const FilePart> shards, std::string_view config_text,
                        std::shared_ptr<Model::Storage> storage, const WeightCheck& check);

/// tokenizer.json, tokenizer.model or tok512.json of a folder, whichever is there first, with what
/// config.json and tokenizer_config.json say about it; kind "" when there is none.
TokenizerSource tokenizer_from_folder(const std::filesystem::path& folder,
                                      std::string_view config_text, std::int32_t vocab_size);

}  // namespace kvlink::inference
