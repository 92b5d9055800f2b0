// SPDX-License-Identifier: Apache-2.0
#include "inference/embedder_weights.h"

#include <nlohmann/json.hpp>

#include "inference/model/finite_scan.h"
#include "inference/model/json_text.h"
#include "inference/model/limits.h"
#include "inference/model/printable.h"
#include "inference/model/safetensors_file.h"
#include "kernels/base/result.h"
#include "kernels/embed.h"

namespace kvlink::inference {
namespace {

constexpr std::int32_t kMiniLmHeads = 12;
constexpr std::uint64_t kMaxPositions = 65'536;

/// What config.json says beyond the tensors' shapes.
struct Stated {
  std::int32_t n_heads = kMiniLmHeads;
  double norm_eps = 1e-12;
};

Stated read_config(const std::filesystem::path& file) {
  Stated stated;
  if (!std::filesystem::exists(file)) return stated;
  const auto config =
      parse_json_object(read_small_file(file, limits::kMaxConfigBytes), "config.json");
  const std::string type = json_text(config, "model_type", "bert");
  const std::string activation = json_text(config, "hidden_act", "gelu");
  const std::string position = json_text(config, "position_embedding_type", "absolute");
  if (type != "bert" || activation != "gelu" || position != "absolute") {
    fail(ErrorCode::kUnsupported,
         "config.json describes model_type " + printable(type) + " with hidden_act " +
             printable(activation) + " and " + printable(position) +
             " positions; supported is bert with gelu and absolute positions");
  }
  stated.n_heads =
      json_count(config, "num_attention_heads", limits::kMaxHeads, "config.json", kMiniLmHeads);
  stated.norm_eps = json_real(config, "layer_norm_eps", 1e-12, 1e-15, 0.1, "config.json");
  return stated;
}

/// Takes an encoder's tensors out of a table by their BERT names.
class EncoderReader {
 public:
  EncoderReader(TensorTable& table, std::string prefix, std::string source)
      : table_(table), prefix_(std::move(prefix)), source_(std::move(source)) {}

  /// Rows and columns of a matrix that gives the geometry, within limits.
  std::pair<std::int32_t, std::int32_t> shape(const std::string& name, std::uint64_t max_rows,
                                              std::uint64_t max_cols) const {
    const TensorEntry* tensor = table_.find(prefix_ + name);
    if (tensor == nullptr || tensor->shape.size() != 2) {
      fail(ErrorCode::kCorrupt, source_ + ": matrix " + name + " is missing");
    }
    const auto rows = static_cast<std::uint64_t>(tensor->shape[0]);
    const auto cols = static_cast<std::uint64_t>(tensor->shape[1]);
    if (rows == 0 || rows > max_rows || cols == 0 || cols > max_cols) {
      fail(ErrorCode::kCorrupt,
           source_ + ": matrix " + name + " has shape " + shape_text(tensor->shape));
    }
    return {static_cast<std::int32_t>(rows), static_cast<std::int32_t>(cols)};
  }

  bool has(const std::string& name) const { return table_.has(prefix_ + name); }
  WeightView matrix(const std::string& name, std::int64_t rows, std::int64_t cols) {
    return table_.matrix(prefix_ + name, rows, cols);
  }
  LinearWeights linear(const std::string& name, std::int64_t rows, std::int64_t cols) {
    return {table_.matrix(prefix_ + name + ".weight", rows, cols),
            table_.vector(prefix_ + name + ".bias", rows)};
  }
  LayerNormWeights norm(const std::string& name, std::int64_t dim) {
    return {table_.vector(prefix_ + name + ".weight", dim),
            table_.vector(prefix_ + name + ".bias", dim)};
  }
  EncoderLayerWeights layer(std::size_t index, std::int64_t dim, std::int64_t ffn_dim);

 private:
  TensorTable& table_;
  std::string prefix_;
  std::string source_;
};

EncoderLayerWeights EncoderReader::layer(std::size_t index, std::int64_t dim,
                                         std::int64_t ffn_dim) {
  const std::string name = "encoder.layer." + std::to_string(index) + ".";
  EncoderLayerWeights w;
  w.query = linear(name + "attention.self.query", dim, dim);
  w.key = linear(name + "attention.self.key", dim, dim);
  w.value = linear(name + "attention.self.value", dim, dim);
  w.attention_output = linear(name + "attention.output.dense", dim, dim);
  w.attention_norm = norm(name + "attention.output.LayerNorm", dim);
  w.intermediate = linear(name + "intermediate.dense", ffn_dim, dim);
  w.output = linear(name + "output.dense", dim, ffn_dim);
  w.output_norm = norm(name + "output.LayerNorm", dim);
  return w;
}

void read_embeddings(EncoderReader& reader, EmbedderWeights& w, const std::string& source) {
  const auto [vocab_size, dim] = reader.shape("embeddings.word_embeddings.weight",
                                              limits::kMaxVocabulary, limits::kMaxModelDim);
  const auto [n_positions, position_dim] =
      reader.shape("embeddings.position_embeddings.weight", kMaxPositions, limits::kMaxModelDim);
  const auto [n_types, type_dim] =
      reader.shape("embeddings.token_type_embeddings.weight", 256, limits::kMaxModelDim);
  if (dim % w.n_heads != 0 || position_dim != dim || type_dim != dim) {
    fail(ErrorCode::kCorrupt, source + ": embeddings of " + std::to_string(dim) + ", " +
                                  std::to_string(position_dim) + " and " +
                                  std::to_string(type_dim) + " columns do not fit " +
                                  std::to_string(w.n_heads) + " heads");
  }
  w.dim = dim;
  w.max_positions = n_positions;
  w.words = reader.matrix("embeddings.word_embeddings.weight", vocab_size, dim);
  const auto positions = reader.matrix("embeddings.position_embeddings.weight", n_positions, dim);
  const auto types = reader.matrix("embeddings.token_type_embeddings.weight", n_types, dim);
  std::vector<float> type(static_cast<std::size_t>(dim));
  kernels::dequantize_row(types, 0, type.data());
  w.positions.resize(static_cast<std::size_t>(n_positions) * type.size());
  for (std::int64_t p = 0; p < n_positions; ++p) {
    float* row = w.positions.data() + p * dim;
    kernels::dequantize_row(positions, p, row);
    for (std::size_t i = 0; i < type.size(); ++i) row[i] += type[i];
  }
  w.embedding_norm = reader.norm("embeddings.LayerNorm", dim);
}

}  // namespace

EmbedderWeights load_embedder_weights(const std::filesystem::path& folder) {
  const Stated stated = read_config(folder / "config.json");
  EmbedderWeights w;
  w.n_heads = stated.n_heads;
  w.norm_eps = static_cast<float>(stated.norm_eps);
  w.storage.files.emplace_back(folder / "model.safetensors");
  const std::string source = "model.safetensors";
  SafetensorsFile file = SafetensorsFile::parse(w.storage.files.front().bytes(), source);
  // A buffer of 0, 1, 2, … that older exports carry.
  file.expect_only([](std::string_view name) { return name.ends_with("position_ids"); }, source);
  w.storage.tensors = std::move(file.tensors);
  expect_finite(w.storage.tensors, source);

  TensorTable table(w.storage, source);
  const std::string prefix = table.has("bert.embeddings.word_embeddings.weight") ? "bert." : "";
  EncoderReader reader(table, prefix, source);
  read_embeddings(reader, w, source);
  w.ffn_dim = reader
                  .shape("encoder.layer.0.intermediate.dense.weight", limits::kMaxFfnDim,
                         limits::kMaxModelDim)
                  .first;
  while (w.layers.size() < limits::kMaxLayers &&
         reader.has("encoder.layer." + std::to_string(w.layers.size()) +
                    ".attention.self.query.weight")) {
    w.layers.push_back(reader.layer(w.layers.size(), w.dim, w.ffn_dim));
  }
  // The pooler serves BERT's classification head; sentence embeddings take the mean instead.
  table.ignore(prefix + "pooler.dense.weight");
  table.ignore(prefix + "pooler.dense.bias");
  table.expect_all_taken();
  w.storage.files.front().expect_unchanged_size();
  w.weight_types = summarize_types(w.storage.tensors);
  return w;
}

}  // namespace kvlink::inference
