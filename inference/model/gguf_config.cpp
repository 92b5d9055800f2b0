// SPDX-License-Identifier: Apache-2.0
#include "inference/model/gguf_config.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "inference/model/layer_weights.h"
#include "inference/model/limits.h"
#include "inference/model/printable.h"
#include "inference/model/rope_frequencies.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

constexpr std::uint64_t kMaxTextBytes = 4'096;

/// Keys (behind the architecture's name) that change what a decoder computes and that this program
/// does not compute. One that ends in '_' stands for all that begin with it.
constexpr std::array<std::pair<std::string_view, Variant>, 20> kRefusedKeys{{
    {"expert_", Variant::kExperts},
    {"attention.sliding_window", Variant::kSlidingWindow},
    {"attention.kv_lora_rank", Variant::kLatentAttention},
    {"attention.q_lora_rank", Variant::kLatentAttention},
    {"ssm.", Variant::kHybrid},
    {"vision.", Variant::kMultimodal},
    {"attention.clamp_kqv", Variant::kOtherNumbers},
    {"attention.max_alibi_bias", Variant::kOtherNumbers},
    {"attention.scale", Variant::kOtherNumbers},
    {"attention.temperature_", Variant::kOtherNumbers},
    {"attention.causal", Variant::kOtherNumbers},
    {"attention.layer_norm_epsilon", Variant::kOtherNumbers},
    {"attention.output_scale", Variant::kOtherNumbers},
    {"attn_logit_softcapping", Variant::kOtherNumbers},
    {"final_logit_softcapping", Variant::kOtherNumbers},
    {"logit_scale", Variant::kOtherNumbers},
    {"residual_scale", Variant::kOtherNumbers},
    {"embedding_scale", Variant::kOtherNumbers},
    {"rope.dimension_sections", Variant::kMultimodal},
    {"rope.scaling.yarn_log_multiplier", Variant::kOtherNumbers},
}};

/// A window that no position of the model leaves is none.
bool is_harmless(const GgufFile& file, const std::string& arch, const std::string& key,
                 const GgufValue& value) {
  if (key == arch + ".attention.causal") {
    return value.type == GgufType::kBool && file.flag(key) == true;
  }
  const bool is_window = key == arch + ".attention.sliding_window";
  const bool is_count = is_window || key.starts_with(arch + ".expert_");
  if (!is_count || (value.type != GgufType::kU32 && value.type != GgufType::kI32)) return false;
  const auto count = file.count(key);
  if (!is_window || count == 0U) return count == 0U;
  return count >= file.count(arch + ".context_length").value_or(limits::kMaxContext);
}

void refuse_variants(const GgufFile& file, const std::string& arch) {
  for (const auto& [key, value] : file.values()) {
    for (const auto& [refused, variant] : kRefusedKeys) {
      if (key.starts_with(arch + "." + std::string(refused)) &&
          !is_harmless(file, arch, key, value)) {
        refuse_variant(variant, key, file.source());
      }
    }
  }
}

double read_real(const GgufFile& file, const std::string& key, std::optional<double> fallback,
                 double min, double max) {
  const auto found = file.real(key);
  if (!found && !fallback) fail(ErrorCode::kCorrupt, file.source() + ": " + key + " is missing");
  const double value = found.value_or(fallback.value_or(0));
  if (!(value >= min && value <= max)) {
    fail(ErrorCode::kCorrupt,
         file.source() + ": " + key + " is " + std::to_string(value) + ", which is out of range");
  }
  return value;
}

void read_heads(const GgufFile& file, const std::string& arch, ModelConfig& config) {
  const std::string prefix = arch + ".attention.";
  config.n_heads = read_gguf_count(file, prefix + "head_count", limits::kMaxHeads);
  config.n_kv_heads = read_gguf_count(file, prefix + "head_count_kv", limits::kMaxHeads,
                                      static_cast<std::uint64_t>(config.n_heads));
  const bool has_key_length = file.find(prefix + "key_length") != nullptr;
  const std::int32_t usual = std::max(config.model_dim / config.n_heads, 1);
  config.head_dim = read_gguf_count(file, prefix + "key_length", limits::kMaxHeadDim,
                                    static_cast<std::uint64_t>(usual));
  expect_heads_fit(config, has_key_length, file.source());
  const auto value_dim = read_gguf_count(file, prefix + "value_length", limits::kMaxHeadDim,
                                         static_cast<std::uint64_t>(config.head_dim));
  if (value_dim != config.head_dim) {
    fail(ErrorCode::kUnsupported,
         file.source() + ": keys and values of different length are not supported");
  }
}

RopeScaling read_scaling(const GgufFile& file, const std::string& arch, double base) {
  const std::string prefix = arch + ".rope.scaling.";
  RopeScaling scaling;
  const bool states_factor = file.find(prefix + "factor") != nullptr;
  const std::string kind =
      file.text(prefix + "type", kMaxTextBytes).value_or(states_factor ? "linear" : "none");
  // Older files state linear scaling with a key of its own.
  const double old_factor = read_real(file, arch + ".rope.scale_linear", 1.0, 1e-3, 1e6);
  scaling.factor = read_real(file, prefix + "factor", old_factor, 1e-3, 1e6);
  if (kind == "none") {
    if (old_factor != 1.0) scaling.kind = RopeScaling::Kind::kLinear;
  } else if (kind == "linear") {
    scaling.kind = RopeScaling::Kind::kLinear;
  } else if (kind == "yarn" && base >= 2.0) {
    scaling.kind = RopeScaling::Kind::kYarn;
    scaling.original_context =
        read_gguf_count(file, prefix + "original_context_length", limits::kMaxContext);
    scaling.beta_fast = read_real(file, prefix + "yarn_beta_fast", 32.0, 1e-3, 1e6);
    scaling.beta_slow = read_real(file, prefix + "yarn_beta_slow", 1.0, 1e-3, 1e6);
    scaling.magnitude =
        yarn_magnitude(scaling.factor) * read_real(file, prefix + "attn_factor", 1.0, 1e-3, 1e3);
  } else {
    fail(ErrorCode::kUnsupported, file.source() + ": rope scaling \"" + printable(kind) +
                                      "\" is not supported; supported are linear, yarn and the "
                                      "factors of Llama 3");
  }
  return scaling;
}

kernels::Rope read_rope(const GgufFile& file, const Architecture& arch, std::int32_t head_dim) {
  const std::string prefix = std::string(arch.name) + ".rope.";
  const auto n_rotated = read_gguf_count(file, prefix + "dimension_count", limits::kMaxHeadDim,
                                         static_cast<std::uint64_t>(head_dim));
  if (n_rotated > head_dim || n_rotated % 2 != 0) {
    fail(ErrorCode::kCorrupt,
         file.source() + ": " + prefix + "dimension_count " + std::to_string(n_rotated) +
             " is not an even number up to the head dimension " + std::to_string(head_dim));
  }
  const double base = read_real(file, prefix + "freq_base", 10'000.0, 1.0, 1e12);
  return scaled_rope(n_rotated, base, arch.gguf_pairing,
                     read_scaling(file, std::string(arch.name), base));
}

}  // namespace

std::int32_t read_gguf_count(const GgufFile& file, const std::string& key, std::uint64_t max,
                             std::optional<std::uint64_t> fallback) {
  const auto found = file.count(key);
  if (!found && !fallback) fail(ErrorCode::kCorrupt, file.source() + ": " + key + " is missing");
  const std::uint64_t value = found.value_or(fallback.value_or(0));
  if (value == 0 || value > max) {
    fail(ErrorCode::kCorrupt, file.source() + ": " + key + " is " + std::to_string(value) +
                                  ", expected 1 to " + std::to_string(max));
  }
  return static_cast<std::int32_t>(value);
}

const Architecture& gguf_architecture(const GgufFile& file) {
  return find_architecture(file.text("general.architecture", kMaxTextBytes).value_or(""),
                           file.source());
}

ModelConfig read_gguf_config(const GgufFile& file) {
  const Architecture& arch = gguf_architecture(file);
  const std::string name(arch.name);
  refuse_variants(file, name);
  ModelConfig config;
  config.architecture = name;
  config.name = file.text("general.name", kMaxTextBytes).value_or("");
  config.n_layers = read_gguf_count(file, name + ".block_count", limits::kMaxLayers);
  config.model_dim = read_gguf_count(file, name + ".embedding_length", limits::kMaxModelDim);
  config.ffn_dim = read_gguf_count(file, name + ".feed_forward_length", limits::kMaxFfnDim);
  config.context_length = read_gguf_count(file, name + ".context_length", limits::kMaxContext);
  read_heads(file, name, config);
  config.rms_norm_eps = static_cast<float>(
      read_real(file, name + ".attention.layer_norm_rms_epsilon", std::nullopt, 1e-12, 0.1));
  config.rope = read_rope(file, arch, config.head_dim);
  return config;
}

}  // namespace kvlink::inference
