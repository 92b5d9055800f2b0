// SPDX-License-Identifier: Apache-2.0
// Llama 3's tokenizer.model: one "base64 rank" line for every token.
#pragma once

#include <string_view>

#include "inference/model/model.h"

namespace kvlink::inference {

/// Whether bytes called tokenizer.model hold ranks instead of a sentencepiece model.
bool is_rank_file(std::string_view bytes);

/// The vocabulary (kind "gpt2") of `source.model_bytes`: a token's merge is the pair that merging
/// its bytes by all lower ranks leaves, and Llama 3's 256 control tokens stand behind the ranks.
/// Throws kCorrupt for damage, kUnsupported for ranks of another family, which do not say how they
/// cut words. Linear in the file (n log n inside a token).
TokenizerSource vocabulary_of_ranks(const TokenizerSource& source);

}  // namespace kvlink::inference
