// SPDX-License-Identifier: Apache-2.0
#include "inference/convert/gguf_keys.h"

#include <array>
#include <nlohmann/json.hpp>

#include "inference/model/hf_config.h"
#include "inference/model/json_text.h"
#include "inference/tokenizer/gguf_vocabulary.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

/// Mistral's files go by the family that computes the same.
std::string gguf_family(const ModelConfig& config) {
  return config.architecture == "mistral" ? "llama" : config.architecture;
}

std::uint32_t as_u32(std::int32_t value) { return static_cast<std::uint32_t>(value); }

void write_config(const ModelConfig& config, GgufFileWriter& out) {
  const std::string family = gguf_family(config);
  const auto count = [&](const char* key, std::int32_t value) {
    out.set_u32(family + "." + key, as_u32(value));
  };
  out.set_text("general.architecture", family);
  out.set_text("general.name", config.name);
  count("block_count", config.n_layers);
  count("context_length", config.context_length);
  count("embedding_length", config.model_dim);
  count("feed_forward_length", config.ffn_dim);
  count("attention.head_count", config.n_heads);
  count("attention.head_count_kv", config.n_kv_heads);
  count("attention.key_length", config.head_dim);
  count("attention.value_length", config.head_dim);
  count("rope.dimension_count", config.head_dim);
  count("vocab_size", config.vocab_size);
  out.set_f32(family + ".attention.layer_norm_rms_epsilon", config.rms_norm_eps);
}

void write_yarn(const RopeScaling& scaling, const std::string& prefix, GgufFileWriter& out) {
  if (!scaling.whole_dimensions) {
    fail(ErrorCode::kUnsupported,
         "config.json: YaRN with \"truncate\": false has no key in a GGUF file");
  }
  out.set_text(prefix + "scaling.type", "yarn");
  out.set_f32(prefix + "scaling.factor", static_cast<float>(scaling.factor));
  out.set_u32(prefix + "scaling.original_context_length",
              static_cast<std::uint32_t>(scaling.original_context));
  out.set_f32(prefix + "scaling.yarn_beta_fast", static_cast<float>(scaling.beta_fast));
  out.set_f32(prefix + "scaling.yarn_beta_slow", static_cast<float>(scaling.beta_slow));
  out.set_f32(prefix + "scaling.attn_factor",
              static_cast<float>(scaling.magnitude / yarn_magnitude(scaling.factor)));
}

/// How much slower than plain each pair turns.
std::vector<float> frequency_factors(const ModelConfig& config, double base) {
  const auto plain = plain_rope(config.head_dim, base, config.rope.pairing);
  std::vector<float> factors;
  for (std::size_t i = 0; i < plain.frequencies.size(); ++i) {
    factors.push_back(plain.frequencies[i] / config.rope.frequencies[i]);
  }
  return factors;
}

std::vector<float> write_rope(const ModelConfig& config, const RopeStatement& rope,
                              GgufFileWriter& out) {
  const std::string prefix = gguf_family(config) + ".rope.";
  out.set_f32(prefix + "freq_base", static_cast<float>(rope.base));
  switch (rope.scaling.kind) {
    case RopeScaling::Kind::kNone:
      break;
    case RopeScaling::Kind::kLinear:
      out.set_text(prefix + "scaling.type", "linear");
      out.set_f32(prefix + "scaling.factor", static_cast<float>(rope.scaling.factor));
      break;
    case RopeScaling::Kind::kLlama3:
      return frequency_factors(config, rope.base);
    case RopeScaling::Kind::kYarn:
      write_yarn(rope.scaling, prefix, out);
      break;
  }
  return {};
}

void write_id(const char* name, std::int32_t id, GgufFileWriter& out) {
  if (id >= 0) out.set_u32(std::string("tokenizer.ggml.") + name + "_token_id", as_u32(id));
}

void write_tokenizer(const TokenizerSource& source, std::int32_t n_tokens, GgufFileWriter& out) {
  const TokenizerSource v = gguf_vocabulary(source, n_tokens);
  out.set_text("tokenizer.ggml.model", v.kind);
  if (!v.pre.empty()) out.set_text("tokenizer.ggml.pre", v.pre);
  out.set_texts("tokenizer.ggml.tokens", v.tokens);
  if (!v.scores.empty()) out.set_reals("tokenizer.ggml.scores", v.scores);
  out.set_integers("tokenizer.ggml.token_type", v.types);
  if (!v.merges.empty()) out.set_texts("tokenizer.ggml.merges", v.merges);
  write_id("bos", v.bos_id, out);
  write_id("eos", v.eos_id, out);
  write_id("unknown", v.unk_id, out);
  constexpr std::array<const char*, 2> kFurther = {"eot", "eom"};
  for (std::size_t i = 0; i < std::min(v.stop_ids.size(), kFurther.size()); ++i) {
    write_id(kFurther[i], v.stop_ids[i], out);
  }
  out.set_flag("tokenizer.ggml.add_bos_token", v.add_bos);
  if (v.kind == "llama") out.set_flag("tokenizer.ggml.add_space_prefix", v.add_space_prefix);
  if (!v.chat_template.empty()) out.set_text("tokenizer.chat_template", v.chat_template);
}

}  // namespace

void copy_gguf_keys(const GgufFile& file, GgufFileWriter& out) {
  for (const auto& [key, value] : file.values()) {
    const bool is_about_files = key.starts_with("split.") || key == "general.alignment" ||
                                key == "general.file_type" || key == "general.quantization_version";
    if (!is_about_files) out.set_copy(key, value);
  }
}

std::vector<float> write_keys(const Model& model, std::string_view config_text,
                              GgufFileWriter& out) {
  write_config(model.config, out);
  const auto stated = parse_json_object(config_text, "config.json");
  auto factors = write_rope(model.config, read_hf_rope(stated, "config.json"), out);
  if (!model.tokenizer.kind.empty()) {
    write_tokenizer(model.tokenizer, model.config.vocab_size, out);
  }
  return factors;
}

}  // namespace kvlink::inference
