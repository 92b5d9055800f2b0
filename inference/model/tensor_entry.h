// SPDX-License-Identifier: Apache-2.0
// A tensor as a model file lists it, whatever the format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/base/dtype.h"

namespace kvlink::inference {

/// Shape is outermost first ([rows, cols] for a matrix); bytes are borrowed from the file and have
/// exactly the size that dtype and shape ask for.
struct TensorEntry {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// "[576, 1536]", for messages.
std::string shape_text(std::span<const std::int64_t> shape);

}  // namespace kvlink::inference
