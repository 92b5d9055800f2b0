// SPDX-License-Identifier: Apache-2.0
// A tokenizer.model as a vocabulary with scores, where that says everything.
#pragma once

#include <optional>

#include "inference/model/model.h"

namespace kvlink::inference {

/// The vocabulary (kind "llama") of `source.model_bytes`, which must have passed
/// check_sentencepiece_model. Nothing where our own merge loop would not give the library's ids:
/// models that are not BPE, that change characters or drop spaces, that lack byte tokens, or that
/// hold user-defined or unused pieces.
std::optional<TokenizerSource> sentencepiece_vocabulary(const TokenizerSource& source);

}  // namespace kvlink::inference
