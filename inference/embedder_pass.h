// SPDX-License-Identifier: Apache-2.0
// A BERT encoder over one batch of texts.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "inference/embedder_weights.h"
#include "kernels/cpu/cpu_backend.h"

namespace kvlink::inference {

/// Some texts' tokens one after the other; text i has tokens [begins[i], begins[i + 1]).
struct TokenBatch {
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> begins{0};
};

/// Hidden states of the last layer, row-major [batch.ids.size(), dim]. Ids must be rows of the word
/// table, and no text longer than max_positions. `between_layers` may be empty. Source: Devlin et al.
/// 2019.
std::vector<float> encode_batch(kernels::CpuBackend& backend, const EmbedderWeights& weights,
                                const TokenBatch& batch,
                                const std::function<void()>& between_layers);

}  // namespace kvlink::inference
