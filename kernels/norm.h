// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/base/view.h"
#include "kernels/cpu/cpu_backend.h"

namespace kvlink::kernels {

/// Root-mean-square norm of each row: y[r,:] = x[r,:] * w / sqrt(mean(x[r,:]^2) + eps).
/// x, y [n, dim] f32, may alias · w [dim] f32 · eps > 0. Source: Zhang & Sennrich 2019, eq. 4.
void rms_norm(CpuBackend& backend, View<const float> x, const float* w, float eps, View<float> y);

/// Layer norm of each row: y = (x - mean) / sqrt(var + eps) * w + b (Ba et al. 2016). x, y may
/// alias.
void layer_norm(CpuBackend& backend, View<const float> x, const float* w, const float* b, float eps,
                View<float> y);

}  // namespace kvlink::kernels
