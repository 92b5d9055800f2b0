// SPDX-License-Identifier: Apache-2.0
#include "inference/model/llama_gguf.h"

#include <algorithm>
#include <array>
#include <optional>

#include "inference/model/gguf_config.h"
#include "inference/model/layer_weights.h"
#include "inference/model/limits.h"
#include "inference/model/model_storage.h"
#include "inference/model/rope_frequencies.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

/// The number of tokens is the embedding's number of rows; the vocabulary and vocab_size, where
/// given, must say the same.
std::int32_t read_vocab_size(const GgufFile& file, const TensorTable& table,
                             const std::string& architecture, std::size_t n_tokens) {
  const TensorEntry* embedding = table.find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2) {
    fail(ErrorCode::kCorrupt, file.source() + ": tensor token_embd.weight is missing");
  }
  const auto rows = static_cast<std::uint64_t>(embedding->shape[0]);
  if (rows > limits::kMaxVocabulary) {
    fail(ErrorCode::kUnsupported,
         file.source() + ": a vocabulary of " + std::to_string(rows) + " tokens is too large");
  }
  const std::string key = architecture + ".vocab_size";
  const auto stated = file.count(key).value_or(rows);
  if (stated != rows || (n_tokens != 0 && n_tokens != rows)) {
    fail(ErrorCode::kCorrupt, file.source() + ": " + std::to_string(rows) + " embedding rows, " +
                                  key + " " + std::to_string(stated) + ", " +
                                  std::to_string(n_tokens) + " tokens");
  }
  return static_cast<std::int32_t>(rows);
}

/// Llama 3.1's scaling, spelled out by the converter.
void read_frequency_factors(TensorTable& table, const std::string& source, kernels::Rope& rope) {
  constexpr const char* kName = "rope_freqs.weight";
  if (!table.has(kName)) return;
  const std::size_t n = rope.frequencies.size();
  const float* factors = table.vector(kName, static_cast<std::int64_t>(n));
  if (!std::all_of(factors, factors + n, [](float f) { return f >= 1e-3F && f <= 1e6F; })) {
    fail(ErrorCode::kCorrupt, source + ": rope_freqs.weight holds an impossible factor");
  }
  divide_frequencies(rope, std::span(factors, n));
}

/// The first part holds the keys, every part some tensors and which part it is.
GgufFile parse_parts(std::span<const FilePart> parts, std::vector<TensorEntry>& tensors) {
  std::optional<GgufFile> first;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    GgufFile file = GgufFile::parse(parts[i].bytes, parts[i].name);
    const auto count = file.count("split.count").value_or(1);
    if (std::max<std::uint64_t>(count, 1) != parts.size() ||
        file.count("split.no").value_or(0) != i) {
      fail(parts.size() == 1 ? ErrorCode::kUnsupported : ErrorCode::kCorrupt,
           parts[i].name + " does not say that it is part " + std::to_string(i + 1) + " of " +
               std::to_string(parts.size()) +
               "; name the parts NAME-00001-of-00002.gguf and so on, in one folder");
    }
    for (TensorEntry& tensor : file.take_tensors()) tensors.push_back(std::move(tensor));
    if (tensors.size() > limits::kMaxTensors) {
      fail(ErrorCode::kUnsupported, parts[i].name + ": the parts list more than 65536 tensors");
    }
    if (i == 0) first = std::move(file);
  }
  const auto stated = first->count("split.tensors.count");
  if (stated && *stated != tensors.size()) {
    fail(ErrorCode::kCorrupt, first->source() + ": " + std::to_string(*stated) +
                                  " tensors are stated, the parts hold " +
                                  std::to_string(tensors.size()));
  }
  return std::move(*first);
}

}  // namespace

Model model_from_gguf(std::span<const std::byte> bytes, std::shared_ptr<Model::Storage> storage,
                      const std::string& source) {
  return model_from_gguf_parts(std::array{FilePart{bytes, source}}, std::move(storage),
                               kExpectFinite);
}

Model model_from_gguf_parts(std::span<const FilePart> parts,
                            std::shared_ptr<Model::Storage> storage, const WeightCheck& check) {
  KVLINK_CHECK(!parts.empty());
  const std::string& source = parts.front().name;
  const GgufFile file = parse_parts(parts, storage->tensors);
  const Architecture& arch = gguf_architecture(file);
  Model model;
  model.config = read_gguf_config(file);
  TensorTable table(*storage, source);
  const auto* tokens = file.find("tokenizer.ggml.tokens");
  ModelConfig& config = model.config;
  config.vocab_size =
      read_vocab_size(file, table, config.architecture, tokens == nullptr ? 0 : tokens->count);
  read_frequency_factors(table, source, config.rope);

  read_weights(table, arch, kGgufNames, model);
  model.output = table.has("output.weight")
                     ? table.matrix("output.weight", config.vocab_size, config.model_dim)
                     : model.embedding;
  table.expect_all_taken();
  check(storage->tensors, source);
  model.tokenizer = tokenizer_from_gguf(file);
  model.weight_types = summarize_types(storage->tensors);
  model.storage = std::move(storage);
  return model;
}

}  // namespace kvlink::inference
