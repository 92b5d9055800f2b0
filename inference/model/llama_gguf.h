// SPDX-License-Identifier: Apache-2.0
// From a parsed GGUF file of the Llama family to a Model.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "inference/model/finite_scan.h"
#include "inference/model/gguf_file.h"
#include "inference/model/model.h"
#include "inference/model/model_storage.h"

namespace kvlink::inference {

/// Parses `bytes`, which must outlive the model: `storage` usually owns them. Throws kCorrupt,
/// kUnsupported. The model's path and size are left to the caller.
Model model_from_gguf(std::span<const std::byte> bytes, std::shared_ptr<Model::Storage> storage,
                      const std::string& source);

/// The same from the parts of a split file, the first one first; `check` sees every weight.
Model model_from_gguf_parts(std::span<const FilePart> parts,
                            std::shared_ptr<Model::Storage> storage, const WeightCheck& check);

/// The tokenizer.ggml.* keys, checked against each other; kind "" when there is no vocabulary.
TokenizerSource tokenizer_from_gguf(const GgufFile& file);

}  // namespace kvlink::inference
