// SPDX-License-Identifier: Apache-2.0
// Row operations: exponential, norms, activations, rotation, KV rows.
// Included once per instruction set, inside its namespace.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/simd/mix.h"
#include "kernels/cpu/simd/weights.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

inline std::int64_t part(std::int64_t n, std::int64_t i) { return n - i < kWidth ? n - i : kWidth; }

/// exp(x), relative error about 1e-7 for -87 <= x <= 88; zero below, exp(88) above, NaN of NaN.
inline Vec exp(Vec x) {
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440e-4F;
  // In this order of operands NaN passes through both.
  const Vec bounded = min(set1(88.0F), max(set1(-88.0F), x));
  const Vec n = round_to_int(mul(bounded, set1(kLog2E)));
  Vec r = fma(n, set1(-kLn2High), bounded);
  r = fma(n, set1(-kLn2Low), r);
  // Taylor: |r| <= ln(2) / 2, so the remainder is below 6e-9.
  Vec p = set1(1.0F / 5040.0F);
  p = fma(p, r, set1(1.0F / 720.0F));
  p = fma(p, r, set1(1.0F / 120.0F));
  p = fma(p, r, set1(1.0F / 24.0F));
  p = fma(p, r, set1(1.0F / 6.0F));
  p = fma(p, r, set1(0.5F));
  p = fma(p, r, set1(1.0F));
  p = fma(p, r, set1(1.0F));
  return scale_by_power(p, n, x);
}

void rms_norm(const float* x, const float* w, float eps, std::int64_t n, float* y) {
  Vec squares = zero();
  for (std::int64_t i = 0; i < n; i += kWidth) {
    const Vec v = load_partial(x + i, part(n, i));
    squares = fma(v, v, squares);
  }
  const float mean = reduce_add(squares) / static_cast<float>(n);
  const Vec scale = set1(1.0F / __builtin_sqrtf(mean + eps));
  for (std::int64_t i = 0; i < n; i += kWidth) {
    const std::int64_t left = part(n, i);
    const Vec v = mul(load_partial(x + i, left), scale);
    store_partial(y + i, mul(v, load_partial(w + i, left)), left);
  }
}

void layer_norm(const float* x, const float* w, const float* b, float eps, std::int64_t n,
                float* y) {
  Vec sum = zero();
  for (std::int64_t i = 0; i < n; i += kWidth) sum = add(sum, load_partial(x + i, part(n, i)));
  const float mean = reduce_add(sum) / static_cast<float>(n);
  Vec squares = zero();
  for (std::int64_t i = 0; i < n; i += kWidth) {
    const std::int64_t left = part(n, i);
    const Vec v = keep_first(sub(load_partial(x + i, left), set1(mean)), left);
    squares = fma(v, v, squares);
  }
  const float variance = reduce_add(squares) / static_cast<float>(n);
  const Vec scale = set1(1.0F / __builtin_sqrtf(variance + eps));
  for (std::int64_t i = 0; i < n; i += kWidth) {
    const std::int64_t left = part(n, i);
    const Vec v = mul(sub(load_partial(x + i, left), set1(mean)), scale);
    store_partial(y + i, fma(v, load_partial(w + i, left), load_partial(b + i, left)), left);
  }
}

void swiglu(const float* gate, const float* up, std::int64_t n, float* y) {
  for (std::int64_t i = 0; i < n; i += kWidth) {
    const std::int64_t left = part(n, i);
    const Vec g = load_partial(gate + i, left);
    const Vec silu = div(g, add(set1(1.0F), exp(sub(zero(), g))));
    store_partial(y + i, mul(silu, load_partial(up + i, left)), left);
  }
}

void add_row(float* x, const float* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += kWidth) {
    const std::int64_t left = part(n, i);
    store_partial(x + i, add(load_partial(x + i, left), load_partial(y + i, left)), left);
  }
}

/// x * (1 - erfc(x / sqrt 2) / 2), with erfc of Abramowitz & Stegun 7.1.26 (error below 1.5e-7).
void gelu(float* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += kWidth) {
    const std::int64_t left = part(n, i);
    const Vec v = load_partial(x + i, left);
    const Vec z = mul(abs(v), set1(0.70710678F));
    const Vec t = div(set1(1.0F), fma(z, set1(0.3275911F), set1(1.0F)));
    Vec p = fma(t, set1(1.061405429F), set1(-1.453152027F));
    p = fma(p, t, set1(1.421413741F));
    p = fma(p, t, set1(-0.284496736F));
    p = fma(p, t, set1(0.254829592F));
    const Vec half_erfc = mul(mul(mul(p, t), set1(0.5F)), exp(sub(zero(), mul(z, z))));
    const Vec share = select_negative(v, half_erfc, sub(set1(1.0F), half_erfc));
    store_partial(x + i, mul(v, share), left);
  }
}

/// Each unit vector (cosine, sine) turned by its step. Left to the compiler's vectoriser.
void turn(const double* __restrict step_cosines, const double* __restrict step_sines,
          std::int64_t n, double* __restrict cosines, double* __restrict sines) {
  for (std::int64_t i = 0; i < n; ++i) {
    const double cosine = cosines[i] * step_cosines[i] - sines[i] * step_sines[i];
    sines[i] = sines[i] * step_cosines[i] + cosines[i] * step_sines[i];
    cosines[i] = cosine;
  }
}

void rotation_factors(const double* __restrict cosines, const double* __restrict sines,
                      double magnitude, std::int64_t n, bool interleaved, float* __restrict c,
                      float* __restrict s) {
  if (interleaved) {
    for (std::int64_t i = 0; i < n; ++i) {
      c[2 * i] = c[2 * i + 1] = static_cast<float>(cosines[i] * magnitude);
      s[2 * i + 1] = static_cast<float>(sines[i] * magnitude);
      s[2 * i] = -s[2 * i + 1];
    }
  } else {
    for (std::int64_t i = 0; i < n; ++i) {
      c[i] = c[i + n] = static_cast<float>(cosines[i] * magnitude);
      s[i + n] = static_cast<float>(sines[i] * magnitude);
      s[i] = -s[i + n];
    }
  }
}

void rotate_halves(float* x, std::int64_t n_rotated, const float* c, const float* s) {
  const std::int64_t half = n_rotated / 2;
  for (std::int64_t i = 0; i < half; i += kWidth) {
    const std::int64_t left = part(half, i);
    const Vec a = load_partial(x + i, left);
    const Vec b = load_partial(x + half + i, left);
    const Vec ra = fma(a, load_partial(c + i, left), mul(b, load_partial(s + i, left)));
    const Vec rb =
        fma(b, load_partial(c + half + i, left), mul(a, load_partial(s + half + i, left)));
    store_partial(x + i, ra, left);
    store_partial(x + half + i, rb, left);
  }
}

void rotate(float* x, std::int64_t n_heads, std::int64_t head_dim, std::int64_t n_rotated,
            bool interleaved, const float* cosines, const float* sines) {
  for (std::int64_t head = 0; head < n_heads; ++head) {
    if (interleaved) {
      rotate_pairs(x + head * head_dim, cosines, sines, n_rotated);
    } else {
      rotate_halves(x + head * head_dim, n_rotated, cosines, sines);
    }
  }
}

void load_q8_row(const std::int8_t* row, const float* scales, float scale, std::int64_t n,
                 float* y) {
  for (std::int64_t i = 0; i < n; i += kWidth) {
    const std::int64_t left = part(n, i);
    const Vec s = scales != nullptr ? load_partial(scales + i, left) : set1(scale);
    store_partial(y + i, mul(s, load_i8_partial(row + i, left)), left);
  }
}

void load_kv_row(DType dtype, const std::byte* row, const float* scales, float scale,
                 std::int64_t n, float* y) {
  if (dtype == DType::kQ8Kv) {
    load_q8_row(reinterpret_cast<const std::int8_t*>(row), scales, scale, n, y);
  } else {
    dequantize(dtype, row, n, y);
  }
}

void store_row(DType dtype, const float* x, std::int64_t n, std::byte* row) {
  if (dtype == DType::kF32) {
    __builtin_memcpy(row, x, static_cast<std::size_t>(n) * sizeof(float));
  } else if (dtype == DType::kF16) {
    auto* y = reinterpret_cast<std::uint16_t*>(row);
    std::int64_t i = 0;
    for (; i + kWidth <= n; i += kWidth) store_f16(y + i, load(x + i));
    if (i < n) store_f16_partial(y + i, load_partial(x + i, n - i), n - i);
  } else {
    auto* y = reinterpret_cast<std::uint16_t*>(row);
    for (std::int64_t i = 0; i < n; ++i) {
      std::uint32_t bits;
      __builtin_memcpy(&bits, x + i, 4);
      const bool is_nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
      const std::uint32_t rounded = bits + 0x7FFFU + ((bits >> 16) & 1U);
      y[i] = static_cast<std::uint16_t>(is_nan ? (bits >> 16) | 0x40U : rounded >> 16);
    }
  }
}

/// |x| with NaN as 0, at most a little less than the largest float: 127 steps must not overflow.
inline Vec finite_magnitude(Vec x) { return min(abs(nan_to_zero(x)), set1(3.4e38F)); }

void max_abs_columns(const float* x, std::int64_t n, float* maxima) {
  for (std::int64_t i = 0; i < n; i += kWidth) {
    const std::int64_t left = part(n, i);
    const Vec m = finite_magnitude(load_partial(x + i, left));
    store_partial(maxima + i, max(load_partial(maxima + i, left), m), left);
  }
}

float max_abs(const float* x, std::int64_t n) {
  Vec m = zero();
  for (std::int64_t i = 0; i < n; i += kWidth) {
    m = max(m, finite_magnitude(load_partial(x + i, part(n, i))));
  }
  return reduce_max(m);
}

void quantize_q8(const float* x, const float* scales, float scale, std::int64_t n, std::int8_t* y) {
  for (std::int64_t i = 0; i < n; i += kWidth) {
    const std::int64_t left = part(n, i);
    const Vec s = scales != nullptr ? load_partial(scales + i, left) : set1(scale);
    // 0 / 0 where a whole channel is zero: the NaN becomes 0 as well.
    const Vec q = nan_to_zero(div(nan_to_zero(load_partial(x + i, left)), s));
    store_i8_partial(y + i, max(min(q, set1(127.0F)), set1(-127.0F)), left);
  }
}

/// A row of one head, at most 256 elements, to int8; returns its scale.
float store_q8_row(const float* x, std::int64_t n, bool is_mixed, std::int8_t* y) {
  alignas(64) float mixed[256];
  if (is_mixed) {
    __builtin_memcpy(mixed, x, static_cast<std::size_t>(n) * sizeof(float));
    mix(mixed, n);
    x = mixed;
  }
  const float scale = max_abs(x, n) / 127.0F;
  const Vec inverse = set1(1.0F / scale);
  for (std::int64_t i = 0; i < n; i += kWidth) {
    const std::int64_t left = part(n, i);
    // 0 times infinity where the whole row is zero: the NaN becomes 0 as well.
    const Vec q = nan_to_zero(mul(nan_to_zero(load_partial(x + i, left)), inverse));
    store_i8_partial(y + i, max(min(q, set1(127.0F)), set1(-127.0F)), left);
  }
  return scale;
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
