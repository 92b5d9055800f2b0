// SPDX-License-Identifier: Apache-2.0
// Frequencies of rotary position embeddings, as model files state them.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/rope.h"

namespace kvlink::inference {

/// frequencies[i] = base^(-2i / n_rotated) (RoFormer, Su et al. 2021, section 3.2.2).
/// n_rotated even and positive, base >= 1.
kernels::Rope plain_rope(std::int32_t n_rotated, double base, kernels::RopePairing pairing);

/// How a model stretches its positions past those it was first trained for.
struct RopeScaling {
  enum class Kind : std::uint8_t {
    kNone,
    kLinear,  ///< positions / factor (Chen et al. 2023)
    kLlama3,  ///< low frequencies / factor, high ones as they are, smooth between (Llama 3.1)
    kYarn,    ///< by number of turns over the original context (Peng et al. 2023, section 3)
  };
  Kind kind = Kind::kNone;
  double factor = 1.0;
  double original_context = 0.0;  ///< kLlama3, kYarn
  double low_frequency = 1.0;     ///< kLlama3: turns over the original context
  double high_frequency = 4.0;    ///< kLlama3
  double beta_fast = 32.0;        ///< kYarn: turns above which nothing is stretched
  double beta_slow = 1.0;         ///< kYarn: turns below which everything is
  bool whole_dimensions = true;   ///< kYarn: the range between them is rounded outwards
  double magnitude = 1.0;         ///< kYarn: factor on queries and keys
};

/// YaRN's factor on queries and keys where the model states none: 0.1 weight ln(factor) + 1.
double yarn_magnitude(double factor, double weight = 1.0);

/// plain_rope with its frequencies scaled. `base` is the model's, factor >= 1 (any positive number
/// for kLinear), original_context > 0 and low_frequency < high_frequency where they apply.
kernels::Rope scaled_rope(std::int32_t n_rotated, double base, kernels::RopePairing pairing,
                          const RopeScaling& scaling);

/// Divides frequencies by factors[i] > 0 (GGUF: rope_freqs.weight, Llama 3.1's scaling spelled
/// out).
void divide_frequencies(kernels::Rope& rope, std::span<const float> factors);

}  // namespace kvlink::inference
