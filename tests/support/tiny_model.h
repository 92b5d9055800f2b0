// SPDX-License-Identifier: Apache-2.0
// Small random models for tests, the same on every machine for the same seed.
#pragma once

#include <cstdint>
#include <filesystem>

#include "kernels/base/dtype.h"
#include "tests/support/gguf_writer.h"

namespace kvlink::tests {

/// Geometry and types of the generator. Quantised types need dims that are multiples of 32.
struct TinyModelOptions {
  std::uint64_t seed = 1;
  DType dtype = DType::kF32;  ///< of every matrix; norms are f32
  std::int32_t n_layers = 2;
  std::int32_t model_dim = 64;
  std::int32_t n_heads = 4;
  std::int32_t n_kv_heads = 2;
  std::int32_t ffn_dim = 128;
  std::int32_t context_length = 2048;
  bool tied_output = true;
};

/// A llama GGUF as a writer, to be changed before it is written: a byte-level BPE vocabulary (kind
/// "gpt2", pre "smollm") of the controls <|endoftext|> 0, <|im_start|> 1 (BOS), <|im_end|> 2 (EOS),
/// the 256 byte characters and a few merges, and a ChatML template. Untrained: its text is noise.
GgufWriter tiny_generator(const TinyModelOptions& options = {});

/// tiny_generator() as a file.
void write_tiny_generator(const std::filesystem::path& path, const TinyModelOptions& options = {});

/// A BERT folder for Embedder::load: 2 layers, dim 32, 4 heads, 64 positions, a WordPiece
/// vocabulary of single characters and some words. model.safetensors, config.json, vocab.txt.
void write_tiny_embedder(const std::filesystem::path& folder, std::uint64_t seed = 1);

}  // namespace kvlink::tests
