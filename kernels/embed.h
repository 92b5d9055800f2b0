// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "kernels/base/view.h"
#include "kernels/cpu/cpu_backend.h"

namespace kvlink::kernels {

/// y[r,:] = table[ids[r],:], dequantised. Every id must be in [0, table.rows) (KVLINK_CHECK).
void embed(CpuBackend& backend, WeightView table, std::span<const std::int32_t> ids, View<float> y);

/// One row of a weight matrix as f32 (a row of `embed` without the pool).
void dequantize_row(WeightView w, std::int64_t row, float* y);

}  // namespace kvlink::kernels
