// SPDX-License-Identifier: Apache-2.0
// Compiled once per instruction set, with KVLINK_ISA (namespace) and KVLINK_ISA_LEVEL (0, 1, 2).
//
// Nothing here may instantiate inline code of the standard library: the linker could keep the copy
// made with wide instructions and run it on a CPU that lacks them. Hence raw pointers, builtins,
// and unnamed namespaces.
#if KVLINK_ISA_LEVEL == 2
#include "kernels/cpu/simd/vec_avx512.h"
#elif KVLINK_ISA_LEVEL == 1
#include "kernels/cpu/simd/vec_avx2.h"
#else
#include "kernels/cpu/simd/vec_scalar.h"
#endif

#include "kernels/cpu/simd/attention.h"
#include "kernels/cpu/simd/gemm.h"
#include "kernels/cpu/simd/peak.h"
#include "kernels/cpu/simd/rows.h"
#include "kernels/cpu/simd/tables.h"
#include "kernels/cpu/simd/weights.h"

namespace kvlink::kernels::KVLINK_ISA {

const KernelTable kTable = {
    .panel_width = kTileVecs * kWidth,
    .gemm = gemm,
    .dot_rows = dot_rows,
    .pack_panel = pack_panel,
    .dequantize = dequantize,
    .unpack_group = unpack_group,
    .attention_partial_floats = attention_partial_floats,
    .attention_scratch_floats = attention_scratch_floats,
    .attention = attention,
    .attention_merge = attention_merge,
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .swiglu = swiglu,
    .add = add_row,
    .gelu = gelu,
    .turn = turn,
    .rotation_factors = rotation_factors,
    .rotate = rotate,
    .load_kv_row = load_kv_row,
    .store_row = store_row,
    .max_abs_columns = max_abs_columns,
    .max_abs = max_abs,
    .quantize_q8 = quantize_q8,
    .store_q8_row = store_q8_row,
    .mix = mix,
    .peak_f32 = peak_f32,
    .peak_read = peak_read,
};

}  // namespace kvlink::kernels::KVLINK_ISA
