// SPDX-License-Identifier: Apache-2.0
#include "inference/model/model.h"

#include "inference/model/limits.h"
#include "inference/model/llama_gguf.h"
#include "inference/model/llama_hf.h"
#include "inference/model/mapped_file.h"
#include "inference/model/model_parts.h"
#include "inference/model/model_storage.h"

namespace kvlink::inference {
namespace {

template <typename T>
void hash_value(Sha256& hash, T value) {
  hash.update(std::as_bytes(std::span<const T>(&value, 1)));
}

void hash_config(Sha256& hash, const ModelConfig& config) {
  hash.field(config.architecture);
  for (const std::int32_t value :
       {config.n_layers, config.n_heads, config.n_kv_heads, config.head_dim, config.model_dim,
        config.ffn_dim, config.vocab_size, config.context_length}) {
    hash_value(hash, value);
  }
  hash_value(hash, config.rms_norm_eps);
  hash_value(hash, config.rope.magnitude);
  hash_value(hash, static_cast<std::uint8_t>(config.rope.pairing));
  hash_value(hash, static_cast<std::uint64_t>(config.rope.frequencies.size()));
  hash.update(std::as_bytes(std::span(config.rope.frequencies)));
}

void hash_texts(Sha256& hash, const std::vector<std::string>& texts) {
  hash_value(hash, static_cast<std::uint64_t>(texts.size()));
  for (const std::string& text : texts) hash.field(text);
}

template <typename T>
void hash_numbers(Sha256& hash, const std::vector<T>& numbers) {
  hash_value(hash, static_cast<std::uint64_t>(numbers.size()));
  hash.update(std::as_bytes(std::span(numbers)));
}

void hash_tokenizer(Sha256& hash, const TokenizerSource& source) {
  hash.field(source.kind).field(source.pre);
  hash_texts(hash, source.tokens);
  hash_numbers(hash, source.scores);
  hash_numbers(hash, source.types);
  hash_texts(hash, source.merges);
  for (const std::int32_t id : {source.bos_id, source.eos_id, source.unk_id}) {
    hash_value(hash, id);
  }
  hash_value(hash, static_cast<std::uint8_t>(source.add_bos));
  hash_value(hash, static_cast<std::uint8_t>(source.add_space_prefix));
  hash.field(source.json).field(source.model_bytes).field(source.chat_template);
}

void hash_tensor(Sha256& hash, const TensorEntry& tensor) {
  hash.field(tensor.name);
  hash_value(hash, static_cast<std::uint8_t>(tensor.dtype));
  hash_numbers(hash, tensor.shape);
  hash.update(tensor.bytes);
}

/// Opens the files and lets `read` make a model of their bytes.
template <typename Read>
Model load_mapped(const std::vector<std::filesystem::path>& paths, Read read) {
  auto storage = std::make_shared<Model::Storage>();
  std::vector<FilePart> parts;
  std::int64_t n_bytes = 0;
  for (const auto& path : paths) {
    const auto bytes = storage->files.emplace_back(path).bytes();
    parts.push_back({bytes, path.filename().string()});
    n_bytes += static_cast<std::int64_t>(bytes.size());
  }
  Model model = read(parts, storage);
  for (const MappedFile& file : storage->files) file.expect_unchanged_size();
  model.file_bytes = n_bytes;
  return model;
}

Model load_gguf(const std::filesystem::path& path, const WeightCheck& check) {
  return load_mapped(gguf_parts(path), [&](const auto& parts, const auto& storage) {
    return model_from_gguf_parts(parts, storage, check);
  });
}

Model load_safetensors(const std::filesystem::path& folder,
                       const std::vector<std::filesystem::path>& files, const WeightCheck& check) {
  const std::string config = read_small_file(folder / "config.json", limits::kMaxConfigBytes);
  Model model = load_mapped(files, [&](const auto& parts, const auto& storage) {
    return model_from_shards(parts, config, storage, check);
  });
  model.config.name = std::filesystem::absolute(folder).filename().string();
  model.tokenizer = tokenizer_from_folder(folder, config, model.config.vocab_size);
  return model;
}

Model load_folder(const std::filesystem::path& folder, const WeightCheck& check) {
  const auto file = folder / "model.safetensors";
  if (std::filesystem::exists(file)) return load_safetensors(folder, {file}, check);
  if (std::filesystem::exists(folder / "model.safetensors.index.json")) {
    return load_safetensors(folder, list_shards(folder), check);
  }
  fail(ErrorCode::kNotFound, folder.string() +
                                 " holds no model.safetensors; choose a GGUF file or "
                                 "a folder with config.json and model.safetensors");
}

Model load_any(const std::filesystem::path& path, const WeightCheck& check) {
  if (std::filesystem::is_directory(path)) return load_folder(path, check);
  if (path.extension() != ".safetensors") return load_gguf(path, check);
  // One of several files stands for its folder.
  const auto folder = path.parent_path();
  const bool is_shard = path.filename() != "model.safetensors" &&
                        std::filesystem::exists(folder / "model.safetensors.index.json");
  return is_shard ? load_folder(folder, check) : load_safetensors(folder, {path}, check);
}

Result<Model> load_checked(const std::filesystem::path& path, const WeightCheck& check) {
  auto model = returning([&] {
    Model loaded = load_any(path, check);
    loaded.path = path;
    return loaded;
  });
  if (model || model.error().code != ErrorCode::kCorrupt) return model;
  Error error = model.error();
  error.message += "; fetch the file again";
  return error;
}

/// What products read; a tied output matrix is the embedding's own.
std::vector<MatrixOutline> matrices_of(const Model& model) {
  std::vector<MatrixOutline> matrices;
  const auto add = [&](const WeightView& w, bool is_looked_up = false, bool is_multiplied = true) {
    matrices.push_back({w.dtype, w.rows, w.cols, is_looked_up, is_multiplied});
  };
  const bool is_tied = model.output.data == model.embedding.data;
  add(model.embedding, true, is_tied);
  if (!is_tied) add(model.output);
  for (const LayerWeights& w : model.layers) {
    for (const WeightView& m : {w.wq, w.wk, w.wv, w.wo, w.gate, w.up, w.down}) add(m);
  }
  return matrices;
}

}  // namespace

Digest Model::compute_fingerprint() const {
  Sha256 hash;
  hash.field("kvlink model 1");
  hash_config(hash, config);
  hash_tokenizer(hash, tokenizer);
  for (const TensorEntry& tensor : storage->tensors) {
    hash_tensor(hash, tensor);
    release_pages();
  }
  return hash.finish();
}

void Model::release_pages() const {
  for (const MappedFile& file : storage->files) file.release_pages();
}

Result<Model> load_model(const std::filesystem::path& path) {
  return load_checked(path, kExpectFinite);
}

Result<Model> load_model(const std::filesystem::path& path, const LoadWatch& watch) {
  return load_checked(path, [&](std::span<const TensorEntry> tensors, const std::string& source) {
    expect_finite(tensors, source, watch);
  });
}

Result<ModelOutline> read_model_outline(const std::filesystem::path& path) {
  auto model = load_checked(path, [](std::span<const TensorEntry>, const std::string&) {});
  if (!model) return model.error();
  const auto matrices = matrices_of(*model);
  return ModelOutline{std::move(model->config), std::move(model->tokenizer),
                      std::move(model->weight_types), model->file_bytes, matrices};
}

Result<TokenizerSource> load_tokenizer_source(const std::filesystem::path& path) {
  return returning([&] {
    const MappedFile file(path);
    return tokenizer_from_gguf(GgufFile::parse(file.bytes(), path.filename().string()));
  });
}

}  // namespace kvlink::inference
