// SPDX-License-Identifier: Apache-2.0
#include "inference/model/llama_hf.h"

#include <array>
#include <nlohmann/json.hpp>

#include "inference/model/hf_config.h"
#include "inference/model/json_text.h"
#include "inference/model/layer_weights.h"
#include "inference/model/model_storage.h"
#include "inference/model/safetensors_file.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using nlohmann::json;

/// Old files carry the frequencies that the configuration states.
void ignore_frequencies(TensorTable& table, const ModelConfig& config) {
  for (std::int32_t layer = 0; layer < config.n_layers; ++layer) {
    table.ignore(kHuggingFaceNames.in_layer(layer, "self_attn.rotary_emb.inv_freq"));
  }
}

void read_output(TensorTable& table, const json& stated, const std::string& source, Model& model) {
  const ModelConfig& config = model.config;
  const bool has_head = table.has("lm_head.weight");
  const bool is_tied = json_flag(stated, "tie_word_embeddings", !has_head);
  if (!is_tied && !has_head) {
    fail(ErrorCode::kCorrupt, source + ": tensor lm_head.weight is missing");
  }
  model.output = model.embedding;
  if (has_head) {
    const auto head = table.matrix("lm_head.weight", config.vocab_size, config.model_dim);
    if (!is_tied) model.output = head;
  }
}

}  // namespace

Model model_from_safetensors(std::span<const std::byte> bytes, std::string_view config_text,
                             std::shared_ptr<Model::Storage> storage, const std::string& source) {
  return model_from_shards(std::array{FilePart{bytes, source}}, config_text, std::move(storage),
                           kExpectFinite);
}

Model model_from_shards(std::span<const FilePart> shards, std::string_view config_text,
                        std::shared_ptr<Model::Storage> storage, const WeightCheck& check) {
  KVLINK_CHECK(!shards.empty());
  const json stated = parse_json_object(config_text, "config.json");
  Model model;
  model.config = read_hf_config(stated, "config.json");
  const Architecture& arch = hf_architecture(stated, "config.json");
  for (const FilePart& shard : shards) {
    SafetensorsFile file = SafetensorsFile::parse(shard.bytes, shard.name);
    file.expect_only([](std::string_view) { return false; }, shard.name);
    for (TensorEntry& tensor : file.tensors) storage->tensors.push_back(std::move(tensor));
  }
  const std::string& source = shards.front().name;
  TensorTable table(*storage, source);
  read_weights(table, arch, kHuggingFaceNames, model);
  read_output(table, stated, source, model);
  ignore_frequencies(table, model.config);
  table.expect_all_taken();
  check(storage->tensors, source);
  model.weight_types = summarize_types(storage->tensors);
  model.storage = std::move(storage);
  return model;
}

}  // namespace kvlink::inference
