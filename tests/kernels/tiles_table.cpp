// SPDX-License-Identifier: Apache-2.0
// The products on tiles with the model in place of the registers, compiled as kernels/cpu/simd/
// int_table.cpp is: once in plain C++, and once with the vectors that stand beside the registers.
#if KVLINK_ISA_LEVEL == 2
#include "kernels/cpu/simd/vec_avx512.h"
// After the vectors of floats.
#include "kernels/cpu/simd/attention_bf16.h"
#include "kernels/cpu/simd/int_avx512.h"
#include "kernels/cpu/simd/pair_tiles.h"
#else
#include "kernels/cpu/simd/vec_scalar.h"
// After the vectors of floats.
#include "kernels/cpu/simd/int_scalar.h"
#endif

#include "kernels/cpu/simd/int_quantize.h"
// After float_at.
#include "kernels/cpu/simd/int_tiles.h"
#include "tests/kernels/tiles_tables.h"

namespace kvlink::kernels::KVLINK_ISA {

const IntTable kIntTable = {
    .quantize = quantize, .int_dot = int_dot_by_tiles<tests::TilesModel>, .peak_int8 = nullptr};

#if KVLINK_ISA_LEVEL == 2
constexpr PairGemm kGemm = pair_gemm_by_tiles<tests::TilesModel>;
const Bf16Table kBf16Table = {.gemm = kGemm,
                              .pack_panel = pack_pairs,
                              .round_row = round_to_pairs,
                              .attention_scratch_floats = scratch_floats,
                              .attention = attention_bf16<kGemm>,
                              .peak_bf16 = nullptr};
#endif

}  // namespace kvlink::kernels::KVLINK_ISA
