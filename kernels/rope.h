// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/base/view.h"
#include "kernels/cpu/cpu_backend.h"

namespace kvlink::kernels {

/// Which elements of a head are rotated together.
enum class RopePairing : std::uint8_t {
  kInterleaved = 0,  ///< (0,1), (2,3), …: GGUF llama files
  kHalves = 1,       ///< (0, d/2), (1, d/2+1), …: Hugging Face files ("NeoX")
};

/// Rotation by position: angle(pos, i) = pos * frequencies[i] (RoFormer, Su et al. 2021, eq. 34).
/// Scaled variants (llama3, YaRN, linear) only change the frequencies and `magnitude`.
struct Rope {
  std::vector<float> frequencies;  ///< [n_rotated / 2] radians per position
  float magnitude = 1.0F;
  RopePairing pairing = RopePairing::kInterleaved;

  std::int64_t n_rotated() const { return static_cast<std::int64_t>(frequencies.size()) * 2; }
};

/// Rotates every head of every row in place: x [n, n_heads * head_dim], positions [n] (negative
/// positions undo). Angles in f64, rotation in f32.
void rope(CpuBackend& backend, const Rope& rope, std::int64_t head_dim,
          std::span<const std::int32_t> positions, View<float> x);

}  // namespace kvlink::kernels
