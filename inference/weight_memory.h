// SPDX-License-Identifier: Apache-2.0
// What a model's weights take in memory while it computes.
#pragma once

#include <cstdint>

#include "inference/model/model_outline.h"

namespace kvlink::inference {

/// Bytes. Quantised matrices are packed once (LinearMaps), and what they were packed from is let
/// go; everything else is read from the mapped files.
struct WeightMemory {
  std::int64_t packed = 0;  ///< held by this program
  std::int64_t mapped = 0;  ///< of the files: embedding, unquantised matrices, norms
};

/// On a CPU backend with kInt8 arithmetic, which sessions use.
WeightMemory memory_of_weights(const ModelOutline& outline);

}  // namespace kvlink::inference
