// SPDX-License-Identifier: Apache-2.0
// The smallest GGUF models that load, for tests that damage them in many ways.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "tests/support/tiny_model.h"

namespace kvlink::tests {

/// One layer of dim 32 with the byte-level vocabulary.
inline GgufWriter small_gguf(DType dtype = DType::kF32) {
  return tiny_generator({.dtype = dtype,
                         .n_layers = 1,
                         .model_dim = 32,
                         .n_heads = 2,
                         .n_kv_heads = 1,
                         .ffn_dim = 32,
                         .context_length = 64});
}

/// The same with a vocabulary of four tokens: a header of about 2 KB.
inline GgufWriter smallest_gguf() {
  GgufWriter file = small_gguf();
  const std::vector<std::string> tokens{"a", "b", "ab", "<s>"};
  const std::vector<std::string> merges{"a b"};
  const std::array<std::int32_t, 4> types{1, 1, 1, 3};
  file.set_texts("tokenizer.ggml.tokens", tokens);
  file.set_texts("tokenizer.ggml.merges", merges);
  file.set_i32s("tokenizer.ggml.token_type", types);
  file.erase("tokenizer.chat_template");
  file.tensor("token_embd.weight").dims = {32, 4};
  file.tensor("token_embd.weight").bytes.resize(32 * 4 * sizeof(float));
  return file;
}

}  // namespace kvlink::tests
