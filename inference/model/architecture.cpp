// SPDX-License-Identifier: Apache-2.0
#include "inference/model/architecture.h"

#include <algorithm>
#include <array>
#include <utility>

#include "inference/model/printable.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using kernels::RopePairing;

constexpr std::array<Architecture, 4> kArchitectures{{
    {"llama", false, false, RopePairing::kInterleaved},
    {"mistral", false, false, RopePairing::kInterleaved},
    {"qwen2", true, false, RopePairing::kHalves},
    {"qwen3", false, true, RopePairing::kHalves},
}};

/// Parts of names, the most telling first: "qwen3_vl_moe" is multimodal before anything else.
constexpr std::array<std::pair<std::string_view, Variant>, 52> kFamilies{{
    {"vl", Variant::kMultimodal},
    {"llava", Variant::kMultimodal},
    {"llama4", Variant::kMultimodal},
    {"mllama", Variant::kMultimodal},
    {"pixtral", Variant::kMultimodal},
    {"mistral3", Variant::kMultimodal},
    {"idefics", Variant::kMultimodal},
    {"paligemma", Variant::kMultimodal},
    {"gemma3n", Variant::kMultimodal},
    {"phi4mm", Variant::kMultimodal},
    {"phi4_multimodal", Variant::kMultimodal},
    {"whisper", Variant::kMultimodal},
    {"omni", Variant::kMultimodal},
    {"audio", Variant::kMultimodal},
    {"deepseek2", Variant::kLatentAttention},
    {"deepseek_v2", Variant::kLatentAttention},
    {"deepseek_v3", Variant::kLatentAttention},
    {"minicpm3", Variant::kLatentAttention},
    {"kimi", Variant::kLatentAttention},
    {"mamba", Variant::kHybrid},
    {"rwkv", Variant::kHybrid},
    {"jamba", Variant::kHybrid},
    {"bamba", Variant::kHybrid},
    {"zamba", Variant::kHybrid},
    {"falcon_h1", Variant::kHybrid},
    {"falcon-h1", Variant::kHybrid},
    {"granitehybrid", Variant::kHybrid},
    {"granitemoehybrid", Variant::kHybrid},
    {"nemotron_h", Variant::kHybrid},
    {"lfm2", Variant::kHybrid},
    {"recurrent", Variant::kHybrid},
    {"qwen3next", Variant::kHybrid},
    {"qwen3_next", Variant::kHybrid},
    {"plamo2", Variant::kHybrid},
    {"minimax", Variant::kHybrid},
    {"moe", Variant::kExperts},
    {"mixtral", Variant::kExperts},
    {"deepseek", Variant::kExperts},
    {"dbrx", Variant::kExperts},
    {"grok", Variant::kExperts},
    {"arctic", Variant::kExperts},
    {"gpt-oss", Variant::kExperts},
    {"gpt_oss", Variant::kExperts},
    {"bailing", Variant::kExperts},
    {"dots1", Variant::kExperts},
    {"gemma2", Variant::kSlidingWindow},
    {"gemma3", Variant::kSlidingWindow},
    {"cohere2", Variant::kSlidingWindow},
    {"phi3", Variant::kSlidingWindow},
    {"ministral", Variant::kSlidingWindow},
    {"starcoder2", Variant::kSlidingWindow},
    {"exaone4", Variant::kSlidingWindow},
}};

struct Reason {
  std::string_view what;
  std::string_view needs;
};

Reason reason_of(Variant variant) {
  switch (variant) {
    case Variant::kSlidingWindow:
      return {"attention over a sliding window",
              "a mask by distance, and caches that know which layers forget"};
    case Variant::kLatentAttention:
      return {"multi-head latent attention",
              "a cache of latent vectors instead of keys and values"};
    case Variant::kExperts:
      return {"a mixture of experts", "a router and one set of feed-forward matrices per expert"};
    case Variant::kHybrid:
      return {"recurrent or state-space layers",
              "caches of states, which cannot be cut into documents as keys and values can"};
    case Variant::kMultimodal:
      return {"images or sound", "an encoder for them; choose the text-only model of the family"};
    case Variant::kOtherNumbers:
      return {"a computation that the Llama family lacks", "support in the decoder"};
  }
  return {"an unknown variant", "support in the decoder"};
}

}  // namespace

void refuse_variant(Variant variant, std::string_view stated, const std::string& source) {
  const auto [what, needs] = reason_of(variant);
  fail(ErrorCode::kUnsupported, source + ": " + printable(stated) + " asks for " +
                                    std::string(what) + ", which is not supported: it would need " +
                                    std::string(needs));
}

const Architecture& find_architecture(std::string_view name, const std::string& source) {
  const auto* found = std::find_if(kArchitectures.begin(), kArchitectures.end(),
                                   [name](const Architecture& a) { return a.name == name; });
  if (found != kArchitectures.end()) return *found;
  for (const auto& [part, variant] : kFamilies) {
    if (name.find(part) != std::string_view::npos) {
      refuse_variant(variant, "architecture \"" + printable(name) + "\"", source);
    }
  }
  fail(ErrorCode::kUnsupported, source + ": architecture \"" + printable(name) +
                                    "\" is not supported; supported are llama, mistral, qwen2 and "
                                    "qwen3, and it would need a description in "
                                    "inference/model/architecture.cpp");
}

}  // namespace kvlink::inference
