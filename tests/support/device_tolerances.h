// SPDX-License-Identifier: Apache-2.0
// How far results of a device may be from their reference: one row per kind of result, the same for
// the host's plugin and for a GPU. A looser number needs a reason beside it.
#pragma once

#include "tests/support/tolerances.h"

namespace kvlink::tests {

/// Sums of products in f32, any weight type: of sum |x * w|.
inline constexpr Tolerance kDeviceSum{2e-6, 1e-30};
/// Both operands (and maybe the result) rounded to 16 bits: half a unit in the last place each.
inline constexpr Tolerance kDeviceSumF16{1.5e-3, 1e-30};
inline constexpr Tolerance kDeviceSumBf16{1.2e-2, 1e-30};
/// Decoding: the bias of 2^23 is exact, the product may be fused.
inline constexpr Tolerance kDeviceDecode{5e-7, 1e-9};
/// One value from few others; sums over lanes come in another order than on the CPU.
inline constexpr Tolerance kDeviceElement{5e-6, 4e-6};
/// Weighted means of values, of the largest |value|: queries, keys, shares and values in 16 bits.
inline constexpr Tolerance kDeviceAttentionF16{2e-3, 1e-6};
inline constexpr Tolerance kDeviceAttentionBf16{1.6e-2, 1e-6};
/// Logits of tiny random models, by what products are computed in: largest absolute difference.
inline constexpr float kDeviceLogitsF32 = 2e-3F;
inline constexpr float kDeviceLogitsF16 = 0.03F;
inline constexpr float kDeviceLogitsBf16 = 0.25F;
/// The default generator in f16: log probabilities of the best tokens, and the margin below which
/// the first token that differs does not count as an error.
inline constexpr float kDeviceLogProbabilities = 0.05F;
inline constexpr float kDeviceUnsureMargin = 0.1F;

}  // namespace kvlink::tests
