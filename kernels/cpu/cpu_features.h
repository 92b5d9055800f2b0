// SPDX-License-Identifier: Apache-2.0
// What this processor and operating system can run, as far as a kernel asks.
#pragma once

namespace kvlink::kernels {

struct CpuFeatures {
  bool avx2 = false;  ///< with FMA and F16C
  bool avx2_vnni = false;
  bool avx512 = false;  ///< F, BW, VL, DQ
  bool avx512_vnni = false;
  bool fast_bf16 = false;  ///< products of bf16 pairs run faster than f32: AMD's with AVX512-BF16
  // Beside avx512_vnni; a process must still ask for the registers.
  bool amx_int8 = false;
  bool amx_bf16 = false;  ///< with AVX512-BF16
};

/// Of this machine, asked once.
const CpuFeatures& cpu_features();

}  // namespace kvlink::kernels
