// SPDX-License-Identifier: Apache-2.0
#include "inference/model/hf_config.h"

#include <nlohmann/json.hpp>

#include "inference/model/json_text.h"
#include "inference/model/layer_weights.h"
#include "inference/model/limits.h"
#include "inference/model/printable.h"
#include "inference/model/rope_frequencies.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using nlohmann::json;

[[noreturn]] void unsupported(const std::string& source, const std::string& what) {
  fail(ErrorCode::kUnsupported, source + ": " + what + " is not supported");
}

/// The value under `key`, or null where it is absent.
const json& stated(const json& config, const char* key) {
  static const json kNull;
  const auto found = config.find(key);
  return found == config.end() ? kNull : *found;
}

/// A window that is switched off, or that no position of the model leaves, is none.
void refuse_windows(const json& config, const std::string& source) {
  const json& kinds = stated(config, "layer_types");
  if (kinds.is_array()) {
    for (const json& kind : kinds) {
      if (kind == "full_attention") continue;
      const auto variant = kind == "sliding_attention" ? Variant::kSlidingWindow : Variant::kHybrid;
      refuse_variant(variant, "layer_types", source);
    }
    if (!kinds.empty()) return;
  }
  const json& window = stated(config, "sliding_window");
  if (window.is_null() || !json_flag(config, "use_sliding_window", true)) return;
  const json& context = stated(config, "max_position_embeddings");
  const bool is_wide = window.is_number_unsigned() && context.is_number_unsigned() &&
                       window.get<std::uint64_t>() >= context.get<std::uint64_t>();
  if (!is_wide) refuse_variant(Variant::kSlidingWindow, "sliding_window", source);
}

void refuse_variants(const json& config, const std::string& source) {
  for (const char* key : {"num_experts", "num_local_experts", "n_routed_experts"}) {
    if (!stated(config, key).is_null()) refuse_variant(Variant::kExperts, key, source);
  }
  for (const char* key : {"kv_lora_rank", "q_lora_rank"}) {
    if (!stated(config, key).is_null()) refuse_variant(Variant::kLatentAttention, key, source);
  }
  for (const char* key : {"vision_config", "audio_config"}) {
    if (!stated(config, key).is_null()) refuse_variant(Variant::kMultimodal, key, source);
  }
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping", "logit_scale"}) {
    if (!stated(config, key).is_null()) refuse_variant(Variant::kOtherNumbers, key, source);
  }
  refuse_windows(config, source);
  for (const char* key : {"attention_bias", "mlp_bias"}) {
    if (json_flag(config, key, false)) unsupported(source, key);
  }
  if (!stated(config, "quantization_config").is_null()) {
    unsupported(source,
                "quantization_config (choose the unquantised folder or a GGUF of the model)");
  }
  const json& share = stated(config, "partial_rotary_factor");
  if (!share.is_null() && share != 1.0) unsupported(source, "partial_rotary_factor");
  const std::string activation = json_text(config, "hidden_act", "silu");
  if (activation != "silu") unsupported(source, "hidden_act " + printable(activation));
}

/// The context that scaling stretches; newer files state it beside the scaling, older ones not.
double original_context(const json& scaling, const json& config, const std::string& source) {
  const auto fallback = json_count(config, "max_position_embeddings", limits::kMaxContext, source);
  return json_count(scaling, "original_max_position_embeddings", limits::kMaxContext, source,
                    fallback);
}

RopeScaling read_llama3(const json& scaling, const json& config, const std::string& source) {
  RopeScaling s{.kind = RopeScaling::Kind::kLlama3};
  s.factor = json_real(scaling, "factor", 8.0, 1e-3, 1e6, source);
  s.low_frequency = json_real(scaling, "low_freq_factor", 1.0, 1e-3, 1e6, source);
  s.high_frequency = json_real(scaling, "high_freq_factor", 4.0, 1e-3, 1e6, source);
  s.original_context = original_context(scaling, config, source);
  if (s.low_frequency >= s.high_frequency) {
    fail(ErrorCode::kCorrupt, source + ": \"low_freq_factor\" is not below \"high_freq_factor\"");
  }
  return s;
}

RopeScaling read_yarn(const json& scaling, const json& config, double base,
                      const std::string& source) {
  if (base < 2.0) fail(ErrorCode::kCorrupt, source + ": \"rope_theta\" is too small for yarn");
  RopeScaling s{.kind = RopeScaling::Kind::kYarn};
  s.original_context = original_context(scaling, config, source);
  const double context = json_count(config, "max_position_embeddings", limits::kMaxContext, source);
  s.factor = json_real(scaling, "factor", context / s.original_context, 1e-3, 1e6, source);
  s.beta_fast = json_real(scaling, "beta_fast", 32.0, 1e-3, 1e6, source);
  s.beta_slow = json_real(scaling, "beta_slow", 1.0, 1e-3, 1e6, source);
  s.whole_dimensions = json_flag(scaling, "truncate", true);
  const double weight = json_real(scaling, "mscale", 0.0, 0.0, 1e3, source);
  const double weight_of_all = json_real(scaling, "mscale_all_dim", 0.0, 0.0, 1e3, source);
  const double by_rule =
      weight > 0.0 && weight_of_all > 0.0
          ? yarn_magnitude(s.factor, weight) / yarn_magnitude(s.factor, weight_of_all)
          : yarn_magnitude(s.factor);
  s.magnitude = json_real(scaling, "attention_factor", by_rule, 1e-3, 1e3, source);
  return s;
}

void read_heads(const json& config, ModelConfig& read, const std::string& source) {
  read.n_heads = json_count(config, "num_attention_heads", limits::kMaxHeads, source);
  read.n_kv_heads =
      json_count(config, "num_key_value_heads", limits::kMaxHeads, source, read.n_heads);
  // Qwen 3 means 128 when it says nothing.
  const std::int32_t usual = read.architecture == "qwen3" ? 128 : read.model_dim / read.n_heads;
  read.head_dim = json_count(config, "head_dim", limits::kMaxHeadDim, source, usual);
  const bool is_stated = !stated(config, "head_dim").is_null() || read.architecture == "qwen3";
  expect_heads_fit(read, is_stated, source);
}

}  // namespace

RopeStatement read_hf_rope(const json& config, const std::string& source) {
  // Newer files nest the base beside the scaling; older ones have an object for scaling alone.
  const json& nested = stated(config, "rope_parameters");
  const json& scaling = nested.is_null() ? stated(config, "rope_scaling") : nested;
  if (!scaling.is_null() && !scaling.is_object()) {
    fail(ErrorCode::kCorrupt, source + ": the rope settings are not an object");
  }
  const double outer = json_real(config, "rope_theta", 10'000.0, 1.0, 1e12, source);
  if (scaling.is_null()) return {outer, {}};
  const double base = json_real(scaling, "rope_theta", outer, 1.0, 1e12, source);
  const std::string kind = json_text(scaling, "rope_type", json_text(scaling, "type", "default"));
  RopeScaling read;
  if (kind == "linear") {
    read.kind = RopeScaling::Kind::kLinear;
    read.factor = json_real(scaling, "factor", 1.0, 1e-3, 1e6, source);
  } else if (kind == "llama3") {
    read = read_llama3(scaling, config, source);
  } else if (kind == "yarn") {
    read = read_yarn(scaling, config, base, source);
  } else if (kind != "default") {
    unsupported(source, "rope_type " + printable(kind) +
                            " (its frequencies depend on the length of the text, so cached keys "
                            "would not fit; linear, llama3 and yarn are read)");
  }
  return {base, read};
}

const Architecture& hf_architecture(const json& config, const std::string& source) {
  return find_architecture(json_text(config, "model_type", ""), source);
}

ModelConfig read_hf_config(const json& config, const std::string& source) {
  ModelConfig read;
  read.architecture = std::string(hf_architecture(config, source).name);
  refuse_variants(config, source);
  read.n_layers = json_count(config, "num_hidden_layers", limits::kMaxLayers, source);
  read.model_dim = json_count(config, "hidden_size", limits::kMaxModelDim, source);
  read.ffn_dim = json_count(config, "intermediate_size", limits::kMaxFfnDim, source);
  read.vocab_size = json_count(config, "vocab_size", limits::kMaxVocabulary, source);
  read.context_length = json_count(config, "max_position_embeddings", limits::kMaxContext, source);
  read_heads(config, read, source);
  read.rms_norm_eps =
      static_cast<float>(json_real(config, "rms_norm_eps", 1e-6, 1e-12, 0.1, source));
  const RopeStatement rope = read_hf_rope(config, source);
  read.rope = scaled_rope(read.head_dim, rope.base, kernels::RopePairing::kHalves, rope.scaling);
  return read;
}

}  // namespace kvlink::inference
