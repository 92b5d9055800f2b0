// SPDX-License-Identifier: Apache-2.0
// Frequencies of rotary position embeddings, as model files state them.
#pragma once

#include <cstdint>

#include "kernels/rope.h"

namespace kvlink::inference {

/// frequencies[i] = base^(-2i / n_rotated) (RoFormer, Su et al. 2021, section 3.2.2).
/// n_rotated even and positive, base >= 1.
kernels::Rope plain_rope(std::int32_t n_rotated, double base, kernels::RopePairing pairing);

}  // namespace kvlink::inference
