// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/base/view.h"
#include "kernels/cpu/cpu_backend.h"

namespace kvlink::kernels {

/// y[r,o] = sum_i x[r,i] * w[o,i]  (+ y[r,o] when accumulate): activations times weights as stored.
///
/// x [m, k] f32 · w [n, k] any weight dtype, dequantised inside the kernel · y [m, n] f32, no alias
/// Sums are accumulated in f32. m may be 1 (decode) or thousands (prefill).
/// A shape mismatch is a bug (KVLINK_CHECK).
enum class Accumulate { kNo, kYes };
void matmul(CpuBackend& backend, View<const float> x, WeightView w, View<float> y,
            Accumulate accumulate = Accumulate::kNo);

}  // namespace kvlink::kernels
