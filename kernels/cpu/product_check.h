// SPDX-License-Identifier: Apache-2.0
// Two instruction sets against each other, for one that nobody has tried on this processor.
#pragma once

#include "kernels/cpu/int_table.h"
#include "kernels/cpu/kernel_table.h"

namespace kvlink::kernels {

/// Whether both tables give the same bits for products of every packed format, with whole and
/// partial tiles of rows and outputs. Some 20 million operations.
bool products_agree(const IntTable& one, const IntTable& other);

/// Whether both multiply bf16 matrices alike, but for the rounding of f32 sums.
bool products_agree(const Bf16Table& one, const Bf16Table& other);

}  // namespace kvlink::kernels
