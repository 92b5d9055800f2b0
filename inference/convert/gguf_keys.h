// SPDX-License-Identifier: Apache-2.0
// The keys of a GGUF file for a loaded model.
#pragma once

#include <vector>

#include "inference/convert/gguf_writer.h"
#include "inference/model/model.h"

namespace kvlink::inference {

/// Keys of a file that came from GGUF: as they are, but for those about its parts and types.
void copy_gguf_keys(const GgufFile& file, GgufFileWriter& out);

/// Keys for a model that came from a Hugging Face folder, whose config.json is given: settings,
/// rotation, tokenizer, chat template. Returns Llama 3's frequency factors, which are a tensor;
/// empty for any other rotation. Throws kUnsupported for what GGUF cannot state.
std::vector<float> write_keys(const Model& model, std::string_view config_text,
                              GgufFileWriter& out);

}  // namespace kvlink::inference
