// SPDX-License-Identifier: Apache-2.0
// Compiled for AVX-512 with BF16. The rule of table.cpp holds: no inline code of the standard
// library.
#include "kernels/cpu/simd/vec_avx512.h"
// After the vectors of floats.
#include "kernels/cpu/simd/attention_bf16.h"
#include "kernels/cpu/simd/peak_bf16.h"
#include "kernels/cpu/simd/tables.h"

namespace kvlink::kernels::KVLINK_ISA {

const Bf16Table kBf16Table = {.attention_scratch_floats = scratch_floats,
                              .attention = attention_bf16,
                              .peak_bf16 = peak_bf16};

}  // namespace kvlink::kernels::KVLINK_ISA
