// SPDX-License-Identifier: Apache-2.0
// Activations to int8, 32 neighbours with one scale.
// Included once per instruction set, inside its namespace.
#pragma once

#include "kernels/cpu/int_table.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

inline float float_at(const std::byte* p) {
  float value;
  __builtin_memcpy(&value, p, 4);
  return value;
}

inline void put_sum(const QuantizeCall& call, std::int64_t index, float sum, float scale) {
  std::byte* at = call.to.rows + call.row * call.to.stride + call.to.sums_at + index * 4;
  if (call.has_minimum) {
    const float scaled = sum * scale;
    __builtin_memcpy(at, &scaled, 4);
  } else {
    // Not a number where an activation is none; the scale says so as well.
    const std::int32_t start = sum == sum ? -call.zero * static_cast<std::int32_t>(sum) : 0;
    __builtin_memcpy(at, &start, 4);
  }
}

void quantize(const QuantizeCall& call) {
  constexpr int kVecs = static_cast<int>(32 / kWidth);
  constexpr int kHalf = kVecs / 2;
  constexpr float kLeast = 1e-30F;  // below, 127 / largest may overflow, and nothing is lost
  std::byte* row = call.to.rows + call.row * call.to.stride;
  for (std::int64_t g = 0; g < call.n_groups; ++g) {
    const float* x = call.x + g * 32;
    Vec largest = zero();
    for (int i = 0; i < kVecs; ++i) largest = max(abs(load(x + i * kWidth)), largest);
    const float most = reduce_max(largest);
    const float inverse = most > kLeast ? 127.0F / most : 0.0F;
    auto* q = reinterpret_cast<std::int8_t*>(row + g * 32);
    Vec sums[2] = {zero(), zero()};
    for (int i = 0; i < kVecs; ++i) {
      const Vec rounded = round_to_int(mul(load(x + i * kWidth), set1(inverse)));
      sums[i / kHalf] = add(sums[i / kHalf], rounded);
      store_i8_partial(q + i * kWidth, nan_to_zero(rounded), kWidth);
    }
    const float first = reduce_add(sums[0]);
    const float second = reduce_add(sums[1]);
    // Infinity and NaN make the sums NaN, and with them the scale.
    const float scale = (inverse > 0.0F ? most / 127.0F : 0.0F) + (first + second) * 0.0F;
    __builtin_memcpy(row + call.to.scales_at + g * 4, &scale, 4);
    for (int i = 0; call.rest != nullptr && i < kVecs; ++i) {
      const Vec kept = mul(load_i8(q + i * kWidth), set1(-scale));
      store(call.rest + g * 32 + i * kWidth, add(load(x + i * kWidth), kept));
    }
    if (call.n_halves == 1) {
      put_sum(call, g, first + second, scale);
    } else {
      put_sum(call, g * 2, first, scale);
      put_sum(call, g * 2 + 1, second, scale);
    }
  }
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
