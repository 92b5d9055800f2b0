// SPDX-License-Identifier: Apache-2.0
// What a Model keeps alive.
#pragma once

#include "inference/model/model.h"
#include "inference/model/tensor_table.h"

namespace kvlink::inference {

struct Model::Storage : TensorStorage {};

}  // namespace kvlink::inference
