// SPDX-License-Identifier: Apache-2.0
// From f32 rows to the block formats of GGUF files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/base/dtype.h"

namespace kvlink::inference {

/// Writes x, whole blocks of finite numbers, as `dtype` (row_bytes(dtype, x.size()) bytes).
///
/// kF32, kF16, kBF16, kQ8_0, kQ4_0, kQ4_1, kQ5_0, kQ5_1: bit for bit as the format's reference
/// writes them. kQ2K to kQ6K and kIq4Nl: the reference leaves the choice of scales open; here each
/// group's scale is the best of a few around its range, by squared error. Returns false when a
/// number or a scale exceeds the type's range; `out` is then of no use. Other types are
/// KVLINK_CHECKed: ask can_quantize.
bool quantize_row(DType dtype, std::span<const float> x, std::byte* out);

bool can_quantize(DType dtype);

namespace detail {

/// Writes `value` as f16; false when it does not fit.
bool put_f16(float value, std::byte* out);

/// One super-block of 256. Called by quantize_row.
bool quantize_q2_k(const float* x, std::byte* out);
bool quantize_q3_k(const float* x, std::byte* out);
bool quantize_q4_k(const float* x, std::byte* out);
bool quantize_q5_k(const float* x, std::byte* out);
bool quantize_q6_k(const float* x, std::byte* out);

}  // namespace detail
}  // namespace kvlink::inference
