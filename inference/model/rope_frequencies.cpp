// SPDX-License-Identifier: Apache-2.0
#include "inference/model/rope_frequencies.h"

#include <cmath>

namespace kvlink::inference {

kernels::Rope plain_rope(std::int32_t n_rotated, double base, kernels::RopePairing pairing) {
  kernels::Rope rope;
  rope.pairing = pairing;
  for (std::int32_t i = 0; i < n_rotated; i += 2) {
    rope.frequencies.push_back(static_cast<float>(std::pow(base, -double(i) / n_rotated)));
  }
  return rope;
}

}  // namespace kvlink::inference
