// SPDX-License-Identifier: Apache-2.0
// Any tokenizer as the keys of a GGUF file state it.
#pragma once

#include <cstdint>

#include "inference/tokenizer/tokenizer.h"

namespace kvlink::inference {

/// The vocabulary with exactly `n_tokens` tokens (a model's embedding rows; unused ones fill up),
/// its named ids and its chat template, kind "gpt2", "llama" or "bert". The tokenizer made of it
/// gives the same ids. Throws kUnsupported for a tokenizer that such keys cannot state, kNotFound
/// for none, kCorrupt for damage.
TokenizerSource gguf_vocabulary(const TokenizerSource& source, std::int32_t n_tokens);

}  // namespace kvlink::inference
