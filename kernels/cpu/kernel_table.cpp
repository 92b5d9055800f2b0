// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/kernel_table.h"

#include "kernels/cpu/int_table.h"
#include "kernels/cpu/simd/int_tables.h"
#include "kernels/cpu/simd/tables.h"

namespace kvlink::kernels {

const KernelTable& kernel_table(Isa isa) {
#if defined(__x86_64__)
  if (isa >= Isa::kAvx512) return avx512::kTable;
  if (isa >= Isa::kAvx2) return avx2::kTable;
#endif
  static_cast<void>(isa);
  return scalar::kTable;
}

#if defined(__x86_64__)
const Bf16Table& bf16_table(Isa isa) {
  return isa == Isa::kAmxInt8 ? amx_bf16::kBf16Table : avx512_bf16::kBf16Table;
}
#else
const Bf16Table& bf16_table(Isa) {
  static const Bf16Table none{};
  return none;
}
#endif

const IntTable& int_table(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAmxInt8) return amx_int8::kIntTable;
  if (isa == Isa::kAvx512Vnni) return avx512_vnni::kIntTable;
  if (isa == Isa::kAvx512) return avx512::kIntTable;
  if (isa == Isa::kAvx2Vnni) return avx2_vnni::kIntTable;
  if (isa == Isa::kAvx2) return avx2::kIntTable;
#endif
  static_cast<void>(isa);
  return scalar::kIntTable;
}

}  // namespace kvlink::kernels
