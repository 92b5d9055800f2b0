// SPDX-License-Identifier: Apache-2.0
// Sentencepiece vocabularies that were written as a tokenizer.json (Llama 2, Mistral, TinyLlama).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "inference/model/model.h"

namespace kvlink::inference {

/// A BPE model with byte_fallback as a vocabulary with scores (kind "llama"): a token's score is
/// the place of the first merge that makes it, so that merging takes the same order. Ids that other
/// files stated stand in `stated`. Throws kUnsupported for steps around the model that
/// sentencepiece does not take, kCorrupt for damage.
TokenizerSource read_byte_fallback_source(const nlohmann::json& document,
                                          const TokenizerSource& stated);

}  // namespace kvlink::inference
