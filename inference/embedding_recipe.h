// SPDX-License-Identifier: Apache-2.0
// How an embedder's folder wants texts turned into vectors, beyond the encoder itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace kvlink::inference {

/// The defaults are MiniLM's, whose package comes without such files.
struct EmbeddingRecipe {
  enum class Pooling : std::uint8_t { kMean, kFirst };  ///< of all tokens; [CLS] alone
  Pooling pooling = Pooling::kMean;
  std::int32_t max_tokens = 256;  ///< with [CLS] and [SEP]; longer text is cut
  std::string query_prefix;       ///< in front of a question ("query: ")
  std::string passage_prefix;     ///< in front of what is searched ("passage: ")

  bool operator==(const EmbeddingRecipe&) const = default;
};

/// From modules.json, the pooling module's config.json, sentence_bert_config.json and
/// config_sentence_transformers.json, each where it is there. Throws kUnsupported for steps that
/// are not computed (other poolings, layers behind them), by name; kCorrupt for damage.
EmbeddingRecipe read_embedding_recipe(const std::filesystem::path& folder);

}  // namespace kvlink::inference
