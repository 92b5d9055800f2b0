// SPDX-License-Identifier: Apache-2.0
// Vector of eight floats: AVX2, FMA, F16C.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace kvlink::kernels::KVLINK_ISA {
namespace {

using Vec = __m256;
constexpr std::int64_t kWidth = 8;
constexpr int kTileVecs = 2;
constexpr int kAccumulators = 12;  ///< of 16 registers; the rest holds a row of B and a broadcast

alignas(64) constexpr std::int32_t kMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                 0,  0,  0,  0,  0,  0,  0,  0};
inline __m256i first(std::int64_t n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMasks + 8 - n));
}

inline Vec zero() { return _mm256_setzero_ps(); }
inline Vec set1(float a) { return _mm256_set1_ps(a); }
inline Vec load(const float* p) { return _mm256_loadu_ps(p); }
inline Vec load_partial(const float* p, std::int64_t n) { return _mm256_maskload_ps(p, first(n)); }
inline void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
inline void store_partial(float* p, Vec v, std::int64_t n) { _mm256_maskstore_ps(p, first(n), v); }
/// Elements from n on become zero.
inline Vec keep_first(Vec v, std::int64_t n) {
  return _mm256_and_ps(v, _mm256_castsi256_ps(first(n)));
}
inline Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
inline Vec div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
/// Of the second operand, where either is NaN.
inline Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
inline Vec min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
inline Vec abs(Vec a) { return _mm256_andnot_ps(set1(-0.0F), a); }
inline Vec nan_to_zero(Vec a) { return _mm256_and_ps(_mm256_cmp_ps(a, a, _CMP_ORD_Q), a); }
inline float reduce_add(Vec a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
inline float reduce_max(Vec a) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
/// Element i is the sum of v[i]'s elements.
inline Vec sum_each(const Vec (&v)[8]) {
  Vec quads[2];
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const Vec* of = v + 4 * i;
    const __m256d a =
        _mm256_castps_pd(add(_mm256_unpacklo_ps(of[0], of[1]), _mm256_unpackhi_ps(of[0], of[1])));
    const __m256d b =
        _mm256_castps_pd(add(_mm256_unpacklo_ps(of[2], of[3]), _mm256_unpackhi_ps(of[2], of[3])));
    quads[i] =
        add(_mm256_castpd_ps(_mm256_unpacklo_pd(a, b)), _mm256_castpd_ps(_mm256_unpackhi_pd(a, b)));
  }
  return add(_mm256_permute2f128_ps(quads[0], quads[1], 0x20),
             _mm256_permute2f128_ps(quads[0], quads[1], 0x31));
}
/// Lane i holds lane i ^ kStep.
template <int kStep>
inline Vec swap_lanes(Vec v) {
  if constexpr (kStep == 1) return _mm256_permute_ps(v, 0xB1);
  if constexpr (kStep == 2) return _mm256_permute_ps(v, 0x4E);
  return _mm256_permute2f128_ps(v, v, 0x01);
}
/// a where x < 0, else b.
inline Vec select_negative(Vec x, Vec a, Vec b) {
  return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, zero(), _CMP_LT_OQ));
}

/// x[e] = x[e] * c[e] + x[e ^ 1] * s[e] for e < n, n even.
inline void rotate_pairs(float* x, const float* c, const float* s, std::int64_t n) {
  for (std::int64_t e = 0; e < n; e += kWidth) {
    const std::int64_t left = n - e < kWidth ? n - e : kWidth;
    const Vec v = load_partial(x + e, left);
    const Vec swapped = _mm256_permute_ps(v, 0xB1);
    const Vec turned = mul(swapped, load_partial(s + e, left));
    store_partial(x + e, fma(v, load_partial(c + e, left), turned), left);
  }
}

inline __m128i load_halves_partial(const std::uint16_t* p, std::int64_t n) {
  alignas(16) std::uint16_t bits[8] = {};
  for (std::int64_t i = 0; i < n; ++i) bits[i] = p[i];
  return _mm_load_si128(reinterpret_cast<const __m128i*>(bits));
}
inline Vec load_f16(const std::uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline Vec load_f16_partial(const std::uint16_t* p, std::int64_t n) {
  return _mm256_cvtph_ps(load_halves_partial(p, n));
}
inline void store_f16(std::uint16_t* p, Vec v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline void store_f16_partial(std::uint16_t* p, Vec v, std::int64_t n) {
  alignas(16) std::uint16_t bits[8];
  store_f16(bits, v);
  for (std::int64_t i = 0; i < n; ++i) p[i] = bits[i];
}
inline Vec widen_bf16(__m128i bits) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
inline Vec load_bf16(const std::uint16_t* p) {
  return widen_bf16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline Vec load_bf16_partial(const std::uint16_t* p, std::int64_t n) {
  return widen_bf16(load_halves_partial(p, n));
}
inline Vec load_i8(const std::int8_t* p) {
  return _mm256_cvtepi32_ps(
      _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
inline Vec load_i8_partial(const std::int8_t* p, std::int64_t n) {
  std::int8_t bytes[8] = {};
  for (std::int64_t i = 0; i < n; ++i) bytes[i] = p[i];
  return load_i8(bytes);
}
/// Rounds to nearest even; |v| <= 127.
inline void store_i8_partial(std::int8_t* p, Vec v, std::int64_t n) {
  alignas(32) std::int32_t values[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(values), _mm256_cvtps_epi32(v));
  for (std::int64_t i = 0; i < n; ++i) p[i] = static_cast<std::int8_t>(values[i]);
}

/// scale * q + offset for the 32 nibbles of a GGUF block: low halves first.
inline void dequantize_nibbles(const std::uint8_t* q, float scale, float offset, Vec* out) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(q));
  const __m128i low = _mm_and_si128(bytes, _mm_set1_epi8(15));
  const __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(15));
  const Vec s = set1(scale);
  const Vec o = set1(offset);
  out[0] = fma(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(low)), s, o);
  out[1] = fma(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(low, 8))), s, o);
  out[2] = fma(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(high)), s, o);
  out[3] = fma(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(high, 8))), s, o);
}

/// p * 2^n for integral n; zero where x < -87.
inline Vec scale_by_power(Vec p, Vec n, Vec x) {
  // In two steps, so that n = 128 does not overflow the exponent field.
  const __m256i e = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(e, 1);
  const __m256i bias = _mm256_set1_epi32(127);
  const __m256i a = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  const __m256i b = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(e, half), bias), 23);
  const Vec scaled = mul(mul(p, _mm256_castsi256_ps(a)), _mm256_castsi256_ps(b));
  return _mm256_and_ps(_mm256_cmp_ps(x, set1(-87.0F), _CMP_NLT_UQ), scaled);
}
inline Vec round_to_int(Vec x) {
  return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/// s where position <= limit, else minus infinity.
inline Vec hide(Vec s, const std::int32_t* positions, std::int32_t limit) {
  const __m256i p = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(positions));
  const __m256i hidden = _mm256_cmpgt_epi32(p, _mm256_set1_epi32(limit));
  return _mm256_blendv_ps(s, set1(-__builtin_inff()), _mm256_castsi256_ps(hidden));
}

/// Rows i and i + 4 of four columns, one row in each 128-bit lane.
inline Vec gather_lanes(const float* p, std::int64_t stride) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + 4 * stride),
                              1);
}

/// dst[j * dst_stride + i] = src[i * src_stride + j] for i, j < kWidth.
inline void transpose(const float* src, std::int64_t src_stride, float* dst,
                      std::int64_t dst_stride) {
  for (std::int64_t j = 0; j < kWidth; j += 4) {
    const Vec r0 = gather_lanes(src + j, src_stride);
    const Vec r1 = gather_lanes(src + j + src_stride, src_stride);
    const Vec r2 = gather_lanes(src + j + 2 * src_stride, src_stride);
    const Vec r3 = gather_lanes(src + j + 3 * src_stride, src_stride);
    const __m256d a = _mm256_castps_pd(_mm256_unpacklo_ps(r0, r1));
    const __m256d b = _mm256_castps_pd(_mm256_unpackhi_ps(r0, r1));
    const __m256d c = _mm256_castps_pd(_mm256_unpacklo_ps(r2, r3));
    const __m256d d = _mm256_castps_pd(_mm256_unpackhi_ps(r2, r3));
    store(dst + j * dst_stride, _mm256_castpd_ps(_mm256_unpacklo_pd(a, c)));
    store(dst + (j + 1) * dst_stride, _mm256_castpd_ps(_mm256_unpackhi_pd(a, c)));
    store(dst + (j + 2) * dst_stride, _mm256_castpd_ps(_mm256_unpacklo_pd(b, d)));
    store(dst + (j + 3) * dst_stride, _mm256_castpd_ps(_mm256_unpackhi_pd(b, d)));
  }
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
