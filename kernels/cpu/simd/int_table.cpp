// SPDX-License-Identifier: Apache-2.0
// Compiled once per instruction set, with KVLINK_ISA (namespace), KVLINK_ISA_LEVEL (0, 1, 2) and
// KVLINK_VNNI (0, 1). The rule of table.cpp holds: no inline code of the standard library.
#if KVLINK_ISA_LEVEL == 2
#include "kernels/cpu/simd/vec_avx512.h"
// After the vectors of floats.
#include "kernels/cpu/simd/int_avx512.h"
#elif KVLINK_ISA_LEVEL == 1
#include "kernels/cpu/simd/vec_avx2.h"
// After the vectors of floats.
#include "kernels/cpu/simd/int_avx2.h"
#else
#include "kernels/cpu/simd/vec_scalar.h"
// After the vectors of floats.
#include "kernels/cpu/simd/int_scalar.h"
#endif

#include "kernels/cpu/simd/int_quantize.h"
// After float_at.
#include "kernels/cpu/simd/int_dot.h"
#include "kernels/cpu/simd/int_peak.h"
#include "kernels/cpu/simd/int_tables.h"

namespace kvlink::kernels::KVLINK_ISA {

const IntTable kIntTable = {.quantize = quantize, .int_dot = int_dot, .peak_int8 = peak_int8};

}  // namespace kvlink::kernels::KVLINK_ISA
