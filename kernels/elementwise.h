// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/base/view.h"
#include "kernels/cpu/cpu_backend.h"

namespace kvlink::kernels {

/// y = silu(gate) * up, element by element; y may alias gate (Shazeer 2020, SwiGLU).
void swiglu(CpuBackend& backend, View<const float> gate, View<const float> up, View<float> y);

/// x += y.
void add(CpuBackend& backend, View<float> x, View<const float> y);

/// x[r,:] += bias.
void add_bias(CpuBackend& backend, View<float> x, const float* bias);

/// x = gelu(x), the exact form with erf (BERT).
void gelu(CpuBackend& backend, View<float> x);

}  // namespace kvlink::kernels
