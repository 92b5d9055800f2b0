// SPDX-License-Identifier: Apache-2.0
// Which families of models the decoder computes, and why not the others.
#pragma once

#include <string>
#include <string_view>

#include "kernels/rope.h"

namespace kvlink::inference {

/// What a family adds to the Llama decoder.
struct Architecture {
  std::string_view name;  ///< general.architecture of GGUF files and model_type of config.json
  bool has_qkv_bias;      ///< queries, keys and values have biases
  bool has_qk_norm;       ///< queries and keys are normed head by head before rotation
  /// Of the rows in GGUF files; "llama" files carry them permuted. Hugging Face: always halves.
  kernels::RopePairing gguf_pairing;
};

/// By name. Throws kUnsupported that says what the family is and what computing it would take.
const Architecture& find_architecture(std::string_view name, const std::string& source);

/// What a model's settings may ask for and the decoder does not compute.
enum class Variant {
  kSlidingWindow,
  kLatentAttention,
  kExperts,
  kHybrid,
  kMultimodal,
  kOtherNumbers,  ///< soft caps, scales, other norms
};

/// Throws kUnsupported: "FILE: STATED asks for …, which is not supported: it would need …".
[[noreturn]] void refuse_variant(Variant variant, std::string_view stated,
                                 const std::string& source);

}  // namespace kvlink::inference
