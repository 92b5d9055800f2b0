// SPDX-License-Identifier: Apache-2.0
// Whether a model's numbers are numbers.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "inference/model/model_outline.h"
#include "inference/model/tensor_entry.h"

namespace kvlink::inference {

/// Reads every element of plain tensors and every block scale of quantised ones. Throws kCorrupt
/// with the first tensor that holds NaN or infinity. Runs at memory bandwidth.
void expect_finite(std::span<const TensorEntry> tensors, const std::string& source);

/// The same, and says every few MiB how far it is. Throws kCancelled when it was stopped.
void expect_finite(std::span<const TensorEntry> tensors, const std::string& source,
                   const LoadWatch& watch);

/// What is done to the weights of a model that is otherwise complete.
using WeightCheck = std::function<void(std::span<const TensorEntry>, const std::string& source)>;

/// expect_finite without a watch.
inline const WeightCheck kExpectFinite = [](std::span<const TensorEntry> tensors,
                                            const std::string& source) {
  expect_finite(tensors, source);
};

}  // namespace kvlink::inference
