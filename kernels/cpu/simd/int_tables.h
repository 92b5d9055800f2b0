// SPDX-License-Identifier: Apache-2.0
// The tables that int_table.cpp and amx_table.cpp are compiled into.
#pragma once

#include "kernels/cpu/int_table.h"

namespace kvlink::kernels::scalar {
extern const IntTable kIntTable;
}
namespace kvlink::kernels::avx2 {
extern const IntTable kIntTable;
}
namespace kvlink::kernels::avx2_vnni {
extern const IntTable kIntTable;
}
namespace kvlink::kernels::avx512 {
extern const IntTable kIntTable;
}
namespace kvlink::kernels::avx512_vnni {
extern const IntTable kIntTable;
}
namespace kvlink::kernels::amx_int8 {
extern const IntTable kIntTable;
}
