// SPDX-License-Identifier: Apache-2.0
// What tiles_table.cpp is compiled into.
#pragma once

#include "kernels/cpu/int_table.h"
#include "kernels/cpu/kernel_table.h"
#include "tests/kernels/tiles_model.h"

namespace kvlink::kernels::tiles_scalar {
extern const IntTable kIntTable;
}
namespace kvlink::kernels::tiles_avx512 {
extern const IntTable kIntTable;
extern const Bf16Table kBf16Table;
}  // namespace kvlink::kernels::tiles_avx512
