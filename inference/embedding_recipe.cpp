// SPDX-License-Identifier: Apache-2.0
#include "inference/embedding_recipe.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "inference/model/json_text.h"
#include "inference/model/limits.h"
#include "inference/model/mapped_file.h"
#include "inference/model/printable.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxTokens = 65'536;
constexpr std::size_t kMaxPrefixBytes = 1'024;

std::optional<json> read_optional(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  return parse_json_object(read_small_file(file, limits::kMaxConfigBytes),
                           file.filename().string());
}

[[noreturn]] void unsupported(const std::string& what) {
  fail(ErrorCode::kUnsupported, "the embedder asks for " + what +
                                    ", which is not supported; supported are mean and [CLS] "
                                    "pooling with nothing but normalisation behind them");
}

/// modules.json is a list of steps; those behind pooling would change every vector.
void check_modules(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return;
  const std::string text = read_small_file(file, limits::kMaxConfigBytes);
  const json tree = parse_json_object("{\"modules\":" + text + "}", "modules.json");
  const json& modules = tree["modules"];
  if (!modules.is_array()) fail(ErrorCode::kCorrupt, "modules.json is not a list");
  for (const json& module : modules) {
    const std::string type = module.is_object() ? json_text(module, "type", "") : "";
    const std::string name = type.substr(type.rfind('.') + 1);
    if (name != "Transformer" && name != "Pooling" && name != "Normalize") {
      unsupported("a step " + printable(type));
    }
  }
}

EmbeddingRecipe::Pooling read_pooling(const json& config) {
  using Pooling = EmbeddingRecipe::Pooling;
  const std::string mode = json_text(config, "pooling_mode", "");
  if (!mode.empty()) {
    if (mode == "mean") return Pooling::kMean;
    if (mode == "cls") return Pooling::kFirst;
    unsupported("pooling " + printable(mode));
  }
  std::optional<Pooling> found;
  for (const auto& [key, value] : config.items()) {
    if (!key.starts_with("pooling_mode_") || value != true) continue;
    const bool is_known = key == "pooling_mode_mean_tokens" || key == "pooling_mode_cls_token";
    if (!is_known || found) unsupported(printable(key));
    found = key == "pooling_mode_mean_tokens" ? Pooling::kMean : Pooling::kFirst;
  }
  return found.value_or(Pooling::kMean);
}

std::string read_prefix(const json& prompts, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto found = prompts.find(name);
    if (found == prompts.end() || found->is_null()) continue;
    if (!found->is_string() || found->get_ref<const std::string&>().size() > kMaxPrefixBytes) {
      fail(ErrorCode::kCorrupt, "config_sentence_transformers.json: the prompt \"" +
                                    std::string(name) + "\" is not a short text");
    }
    return found->get<std::string>();
  }
  return {};
}

}  // namespace

EmbeddingRecipe read_embedding_recipe(const std::filesystem::path& folder) {
  EmbeddingRecipe recipe;
  check_modules(folder / "modules.json");
  if (const auto pooling = read_optional(folder / "1_Pooling" / "config.json")) {
    recipe.pooling = read_pooling(*pooling);
  }
  if (const auto sentences = read_optional(folder / "sentence_bert_config.json")) {
    recipe.max_tokens = json_count(*sentences, "max_seq_length", kMaxTokens,
                                   "sentence_bert_config.json", recipe.max_tokens);
  }
  if (const auto config = read_optional(folder / "config_sentence_transformers.json")) {
    const auto prompts = config->find("prompts");
    if (prompts != config->end() && prompts->is_object()) {
      recipe.query_prefix = read_prefix(*prompts, {"query", "s2p_query"});
      recipe.passage_prefix = read_prefix(*prompts, {"passage", "document"});
    }
  }
  return recipe;
}

}  // namespace kvlink::inference
