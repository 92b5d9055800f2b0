// SPDX-License-Identifier: Apache-2.0
// The tables that table.cpp and bf16_table.cpp are compiled into.
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
namespace kvlink::kernels::avx512_bf16 {
extern const Bf16Table kBf16Table;
}
namespace kvlink::kernels::amx_bf16 {
extern const Bf16Table kBf16Table;
}
