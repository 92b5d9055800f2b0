// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace kvlink::kernels {

/// Index of the largest value; the lowest index among equals. logits must not be empty.
std::int32_t argmax(std::span<const float> logits);

/// log(softmax(logits)) in f64 sums, written over y (may alias).
void log_softmax(std::span<const float> logits, std::span<float> y);

}  // namespace kvlink::kernels
