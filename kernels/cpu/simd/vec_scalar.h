// SPDX-License-Identifier: Apache-2.0
// Vector of one float: the reference path, and the only one on CPUs without AVX2.
#pragma once

#include <cstdint>

#include "kernels/base/dtype.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

using Vec = float;
constexpr std::int64_t kWidth = 1;
constexpr int kTileVecs = 4;  ///< vectors per row of the widest GEMM tile
constexpr int kAccumulators = 16;

inline Vec zero() { return 0.0F; }
inline Vec set1(float a) { return a; }
inline Vec load(const float* p) { return *p; }
inline Vec load_partial(const float* p, std::int64_t n) { return n > 0 ? *p : 0.0F; }
inline void store(float* p, Vec v) { *p = v; }
inline void store_partial(float* p, Vec v, std::int64_t n) {
  if (n > 0) *p = v;
}
/// Elements from n on become zero.
inline Vec keep_first(Vec v, std::int64_t) { return v; }
inline Vec add(Vec a, Vec b) { return a + b; }
inline Vec sub(Vec a, Vec b) { return a - b; }
inline Vec mul(Vec a, Vec b) { return a * b; }
inline Vec div(Vec a, Vec b) { return a / b; }
inline Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
/// Of the second operand, where either is NaN.
inline Vec max(Vec a, Vec b) { return a > b ? a : b; }
inline Vec min(Vec a, Vec b) { return a < b ? a : b; }
inline Vec abs(Vec a) { return __builtin_fabsf(a); }
inline Vec nan_to_zero(Vec a) { return a == a ? a : 0.0F; }
inline float reduce_add(Vec a) { return a; }
inline float reduce_max(Vec a) { return a; }
/// Element i is the sum of v[i]'s elements.
inline Vec sum_each(const Vec (&v)[1]) { return v[0]; }
/// a where x < 0, else b.
inline Vec select_negative(Vec x, Vec a, Vec b) { return x < 0 ? a : b; }

/// x[e] = x[e] * c[e] + x[e ^ 1] * s[e] for e < n, n even.
inline void rotate_pairs(float* x, const float* c, const float* s, std::int64_t n) {
  for (std::int64_t e = 0; e < n; e += 2) {
    const float first = x[e];
    const float second = x[e + 1];
    x[e] = first * c[e] + second * s[e];
    x[e + 1] = second * c[e + 1] + first * s[e + 1];
  }
}

inline Vec load_f16(const std::uint16_t* p) { return f16_to_f32(*p); }
inline Vec load_f16_partial(const std::uint16_t* p, std::int64_t) { return f16_to_f32(*p); }
inline void store_f16(std::uint16_t* p, Vec v) { *p = f32_to_f16(v); }
inline void store_f16_partial(std::uint16_t* p, Vec v, std::int64_t) { *p = f32_to_f16(v); }
inline Vec load_bf16(const std::uint16_t* p) { return bf16_to_f32(*p); }
inline Vec load_bf16_partial(const std::uint16_t* p, std::int64_t) { return bf16_to_f32(*p); }
inline Vec load_i8(const std::int8_t* p) { return static_cast<float>(*p); }
inline Vec load_i8_partial(const std::int8_t* p, std::int64_t) { return static_cast<float>(*p); }
/// Rounds to nearest even; |v| <= 127.
inline void store_i8_partial(std::int8_t* p, Vec v, std::int64_t) {
  *p = static_cast<std::int8_t>(__builtin_rintf(v));
}

/// scale * q + offset for the 32 nibbles of a GGUF block: low halves first.
inline void dequantize_nibbles(const std::uint8_t* q, float scale, float offset, Vec* out) {
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>(q[i] & 15) + offset;
    out[i + 16] = scale * static_cast<float>(q[i] >> 4) + offset;
  }
}

/// p * 2^n for integral n; zero where x < -87.
inline Vec scale_by_power(Vec p, Vec n, Vec x) {
  if (x != x) return x;
  return x < -87.0F ? 0.0F : __builtin_ldexpf(p, static_cast<int>(n));
}
inline Vec round_to_int(Vec x) { return __builtin_rintf(x); }

/// s where position <= limit, else minus infinity.
inline Vec hide(Vec s, const std::int32_t* positions, std::int32_t limit) {
  return *positions <= limit ? s : -__builtin_inff();
}

/// dst[j * dst_stride + i] = src[i * src_stride + j] for i, j < kWidth.
inline void transpose(const float* src, std::int64_t, float* dst, std::int64_t) { *dst = *src; }

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
