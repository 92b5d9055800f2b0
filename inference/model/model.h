// SPDX-License-Identifier: Apache-2.0
// A decoder's weights as stored in its file, and everything else that came with them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "inference/model/model_config.h"
#include "kernels/base/result.h"
#include "kernels/base/sha256.h"
#include "kernels/base/view.h"

namespace kvlink::inference {

struct LayerWeights {
  const float* attention_norm = nullptr;  // [model_dim]
  WeightView wq;                          // [attention_dim, model_dim]
  WeightView wk;                          // [kv_dim, model_dim]
  WeightView wv;                          // [kv_dim, model_dim]
  WeightView wo;                          // [model_dim, attention_dim]
  const float* q_bias = nullptr;          // [attention_dim], or null: the family has no biases
  const float* k_bias = nullptr;          // [kv_dim]
  const float* v_bias = nullptr;          // [kv_dim]
  const float* q_norm = nullptr;          // [head_dim], or null: no norm of queries and keys
  const float* k_norm = nullptr;          // [head_dim]
  const float* ffn_norm = nullptr;        // [model_dim]
  WeightView gate;                        // [ffn_dim, model_dim]
  WeightView up;                          // [ffn_dim, model_dim]
  WeightView down;                        // [model_dim, ffn_dim]
};

/// The tokenizer and the chat template as the file states them, for inference/tokenizer to build
/// from. For a GGUF file the `tokenizer.ggml.*` keys; for a Hugging Face folder the text of
/// tokenizer.json and tokenizer_config.json or the bytes of tokenizer.model.
struct TokenizerSource {
  std::string kind;  ///< "gpt2" (byte-level BPE), "llama" (sentencepiece), "bert"
                     ///< from GGUF; "tokenizer.json", "tokenizer.model"; "" if none
  std::string pre;   ///< tokenizer.ggml.pre: "smollm", "gpt-2", "default", …
  std::vector<std::string> tokens;
  std::vector<float> scores;        ///< empty, or one per token
  std::vector<std::int32_t> types;  ///< empty, or one per token (GGUF token types)
  std::vector<std::string> merges;
  std::int32_t bos_id = -1;
  std::int32_t eos_id = -1;
  std::int32_t unk_id = -1;
  bool add_bos = false;
  bool add_space_prefix = true;
  std::vector<std::int32_t> stop_ids;   ///< every id that some file says ends a turn
  std::vector<std::string> stop_texts;  ///< the same where files give texts
  std::string json;                     ///< text of tokenizer.json
  std::string model_bytes;              ///< bytes of tokenizer.model
  std::string chat_template;            ///< may be empty
};

/// Read-only after load; shared by every thread. Owns the file mapping the views borrow from.
struct Model {
  ModelConfig config;
  TokenizerSource tokenizer;
  std::filesystem::path path;
  std::int64_t file_bytes = 0;
  std::string weight_types;            ///< "q4_1 210, f32 61": for `model ls`
  WeightView embedding;                // [vocab_size, model_dim]
  const float* output_norm = nullptr;  // [model_dim]
  WeightView output;                   // [vocab_size, model_dim]; equals embedding when tied
  std::vector<LayerWeights> layers;
  /// SHA-256 over config, tokenizer and every tensor (name, dtype, shape, bytes): which caches fit.
  Digest compute_fingerprint() const;

  /// Takes the files' pages out of this process, once what is needed of them is kept in another
  /// form; what is read again comes back from the page cache. Any thread.
  void release_pages() const;

  struct Storage;  ///< the mapping and converted vectors
  std::shared_ptr<const Storage> storage;
};

/// Loads a GGUF file (of a split one any part, all in one folder), a .safetensors file with its
/// config.json beside it, or such a folder, whose tensors may be spread over the files that
/// model.safetensors.index.json names. Files are memory-mapped; norms are converted to f32. Errors:
/// kNotFound, kIo, kCorrupt (what, where), kUnsupported (architecture or type by name).
Result<Model> load_model(const std::filesystem::path& path);

/// Only the tokenizer of a GGUF file, which may hold nothing else (a vocabulary file). Same errors.
Result<TokenizerSource> load_tokenizer_source(const std::filesystem::path& path);

}  // namespace kvlink::inference
