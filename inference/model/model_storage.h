// SPDX-License-Identifier: Apache-2.0
// What a Model keeps alive.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "inference/model/model.h"
#include "inference/model/tensor_table.h"

namespace kvlink::inference {

struct Model::Storage : TensorStorage {};

/// One file of a model that may have several; borrows the bytes.
struct FilePart {
  std::span<const std::byte> bytes;
  std::string name;  ///< for messages
};

}  // namespace kvlink::inference
