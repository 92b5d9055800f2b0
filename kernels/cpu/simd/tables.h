// SPDX-License-Identifier: Apache-2.0
// The three tables that table.cpp is compiled into.
#pragma once

#include "kernels/cpu/kernel_table.h"

namespace kvlink::kernels::scalar {
extern const KernelTable kTable;
}
namespace kvlink::kernels::avx2 {
extern const KernelTable kTable;
}
namespace kvlink::kernels::avx512 {
extern const KernelTable kTable;
}
