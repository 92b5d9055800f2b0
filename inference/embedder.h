// SPDX-License-Identifier: Apache-2.0
// Sentence embeddings with a MiniLM-class BERT encoder on the same kernels.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inference/device/gpu_options.h"
#include "kernels/base/result.h"
#include "kernels/base/sha256.h"
#include "kernels/cpu/cpu_backend.h"

namespace kvlink::inference {

/// What a text is to an embedder: some want a word in front of one or the other.
enum class TextRole : std::uint8_t { kPassage, kQuery };

/// Immutable after load but for its GPU; embed() calls take turns on the backend they are given.
class Embedder {
 public:
  /// A folder with model.safetensors, tokenizer.json (or vocab.txt) and, optionally, config.json
  /// and the files of embedding_recipe.h (pooling, length, prefixes); without config.json the
  /// geometry is read off the tensors' shapes (MiniLM: 12 heads, eps 1e-12).
  static Result<std::unique_ptr<Embedder>> load(const std::filesystem::path& folder);
  virtual ~Embedder() = default;

  virtual std::int32_t dim() const = 0;         ///< 384 for MiniLM
  virtual std::int32_t max_tokens() const = 0;  ///< longer text is cut; 256 where nothing is stated
  virtual std::vector<std::int32_t> tokenize(
      std::string_view text) const = 0;  ///< with [CLS], [SEP], without a prefix
  /// Computes on this GPU from here on, where there is one and as long as it works; else as before.
  /// Before the first embed().
  virtual void use_gpu(const GpuOptions& options) = 0;
  /// What became of it since the last call, for the user. Any thread.
  virtual std::vector<std::string> take_device_notices() const = 0;
  /// Mean over all tokens, or the first one's vector, L2-normalised; texts.size() * dim() floats,
  /// row per text. `between_layers` is called there and in their middle; the backend is free then.
  virtual Result<std::vector<float>> embed(
      kernels::CpuBackend& backend, std::span<const std::string> texts,
      TextRole role = TextRole::kPassage,
      const std::function<void()>& between_layers = {}) const = 0;
  /// SHA-256 of the weights, the vocabulary and the recipe: which stored vectors fit.
  virtual Digest fingerprint() const = 0;
  virtual std::string describe() const = 0;
};

}  // namespace kvlink::inference
