// SPDX-License-Identifier: Apache-2.0
// Whether a model's numbers are numbers.
#pragma once

#include <span>
#include <string>

#include "inference/model/tensor_entry.h"

namespace kvlink::inference {

/// Reads every element of plain tensors and every block scale of quantised ones. Throws kCorrupt
/// with the first tensor that holds NaN or infinity. Runs at memory bandwidth.
void expect_finite(std::span<const TensorEntry> tensors, const std::string& source);

}  // namespace kvlink::inference
