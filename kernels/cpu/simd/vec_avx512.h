// SPDX-License-Identifier: Apache-2.0
// Vector of sixteen floats: AVX-512 F, BW, VL, DQ.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace kvlink::kernels::KVLINK_ISA {
namespace {

using Vec = __m512;
constexpr std::int64_t kWidth = 16;
constexpr int kTileVecs = 4;
constexpr int kAccumulators = 24;  ///< of 32 registers; the rest holds a row of B and a broadcast

inline __mmask16 first(std::int64_t n) { return static_cast<__mmask16>((1U << n) - 1U); }

inline Vec zero() { return _mm512_setzero_ps(); }
inline Vec set1(float a) { return _mm512_set1_ps(a); }
inline Vec load(const float* p) { return _mm512_loadu_ps(p); }
inline Vec load_partial(const float* p, std::int64_t n) {
  return _mm512_maskz_loadu_ps(first(n), p);
}
inline void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
inline void store_partial(float* p, Vec v, std::int64_t n) {
  _mm512_mask_storeu_ps(p, first(n), v);
}
/// Elements from n on become zero.
inline Vec keep_first(Vec v, std::int64_t n) { return _mm512_maskz_mov_ps(first(n), v); }
inline Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
inline Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
/// Of the second operand, where either is NaN.
inline Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
inline Vec min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
inline Vec abs(Vec a) { return _mm512_abs_ps(a); }
inline Vec nan_to_zero(Vec a) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, a, _CMP_ORD_Q), a);
}
inline float reduce_add(Vec a) { return _mm512_reduce_add_ps(a); }
inline float reduce_max(Vec a) { return _mm512_reduce_max_ps(a); }
/// Element i is the sum of v[i]'s elements.
inline Vec sum_each(const Vec (&v)[16]) {
  Vec quads[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const Vec* of = v + 4 * i;
    const __m512d a =
        _mm512_castps_pd(add(_mm512_unpacklo_ps(of[0], of[1]), _mm512_unpackhi_ps(of[0], of[1])));
    const __m512d b =
        _mm512_castps_pd(add(_mm512_unpacklo_ps(of[2], of[3]), _mm512_unpackhi_ps(of[2], of[3])));
    quads[i] =
        add(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)), _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
  }
  const Vec low = add(_mm512_shuffle_f32x4(quads[0], quads[1], 0x88),
                      _mm512_shuffle_f32x4(quads[0], quads[1], 0xDD));
  const Vec high = add(_mm512_shuffle_f32x4(quads[2], quads[3], 0x88),
                       _mm512_shuffle_f32x4(quads[2], quads[3], 0xDD));
  return add(_mm512_shuffle_f32x4(low, high, 0x88), _mm512_shuffle_f32x4(low, high, 0xDD));
}
/// Lane i holds lane i ^ kStep.
template <int kStep>
inline Vec swap_lanes(Vec v) {
  if constexpr (kStep == 1) return _mm512_permute_ps(v, 0xB1);
  if constexpr (kStep == 2) return _mm512_permute_ps(v, 0x4E);
  if constexpr (kStep == 4) return _mm512_shuffle_f32x4(v, v, 0xB1);
  return _mm512_shuffle_f32x4(v, v, 0x4E);
}
/// a where x < 0, else b.
inline Vec select_negative(Vec x, Vec a, Vec b) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, zero(), _CMP_LT_OQ), b, a);
}

/// x[e] = x[e] * c[e] + x[e ^ 1] * s[e] for e < n, n even.
inline void rotate_pairs(float* x, const float* c, const float* s, std::int64_t n) {
  for (std::int64_t e = 0; e < n; e += kWidth) {
    const std::int64_t left = n - e < kWidth ? n - e : kWidth;
    const Vec v = load_partial(x + e, left);
    const Vec swapped = _mm512_permute_ps(v, 0xB1);
    const Vec turned = mul(swapped, load_partial(s + e, left));
    store_partial(x + e, fma(v, load_partial(c + e, left), turned), left);
  }
}

inline Vec load_f16(const std::uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline Vec load_f16_partial(const std::uint16_t* p, std::int64_t n) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p));
}
inline void store_f16(std::uint16_t* p, Vec v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline void store_f16_partial(std::uint16_t* p, Vec v, std::int64_t n) {
  _mm256_mask_storeu_epi16(p, first(n),
                           _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline Vec widen_bf16(__m256i bits) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
inline Vec load_bf16(const std::uint16_t* p) {
  return widen_bf16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline Vec load_bf16_partial(const std::uint16_t* p, std::int64_t n) {
  return widen_bf16(_mm256_maskz_loadu_epi16(first(n), p));
}
inline Vec load_i8(const std::int8_t* p) {
  return _mm512_cvtepi32_ps(
      _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
inline Vec load_i8_partial(const std::int8_t* p, std::int64_t n) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(first(n), p)));
}
/// Rounds to nearest even; |v| <= 127.
inline void store_i8_partial(std::int8_t* p, Vec v, std::int64_t n) {
  _mm_mask_storeu_epi8(p, first(n), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
}

/// scale * q + offset for the 32 nibbles of a GGUF block: low halves first. The sixteen possible
/// values make a table in a register; the permutation looks at four bits of each index only.
inline void dequantize_nibbles(const std::uint8_t* q, float scale, float offset, Vec* out) {
  const Vec steps = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const Vec values = fma(steps, set1(scale), set1(offset));
  const __m512i pairs = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(q)));
  out[0] = _mm512_permutexvar_ps(pairs, values);
  out[1] = _mm512_permutexvar_ps(_mm512_srli_epi32(pairs, 4), values);
}

/// p * 2^n for integral n; zero where x < -87.
inline Vec scale_by_power(Vec p, Vec n, Vec x) {
  return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, set1(-87.0F), _CMP_NLT_UQ), p, n);
}
inline Vec round_to_int(Vec x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/// s where position <= limit, else minus infinity.
inline Vec hide(Vec s, const std::int32_t* positions, std::int32_t limit) {
  const __mmask16 seen =
      _mm512_cmple_epi32_mask(_mm512_loadu_si512(positions), _mm512_set1_epi32(limit));
  return _mm512_mask_blend_ps(seen, set1(-__builtin_inff()), s);
}

/// Four rows (i, i + 4, i + 8, i + 12) of four columns, one row in each 128-bit lane.
inline Vec gather_lanes(const float* p, std::int64_t stride) {
  Vec v = _mm512_castps128_ps512(_mm_loadu_ps(p));
  v = _mm512_insertf32x4(v, _mm_loadu_ps(p + 4 * stride), 1);
  v = _mm512_insertf32x4(v, _mm_loadu_ps(p + 8 * stride), 2);
  return _mm512_insertf32x4(v, _mm_loadu_ps(p + 12 * stride), 3);
}

/// dst[j * dst_stride + i] = src[i * src_stride + j] for i, j < kWidth.
inline void transpose(const float* src, std::int64_t src_stride, float* dst,
                      std::int64_t dst_stride) {
  for (std::int64_t j = 0; j < kWidth; j += 4) {
    const Vec r0 = gather_lanes(src + j, src_stride);
    const Vec r1 = gather_lanes(src + j + src_stride, src_stride);
    const Vec r2 = gather_lanes(src + j + 2 * src_stride, src_stride);
    const Vec r3 = gather_lanes(src + j + 3 * src_stride, src_stride);
    const __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(r0, r1));
    const __m512d b = _mm512_castps_pd(_mm512_unpackhi_ps(r0, r1));
    const __m512d c = _mm512_castps_pd(_mm512_unpacklo_ps(r2, r3));
    const __m512d d = _mm512_castps_pd(_mm512_unpackhi_ps(r2, r3));
    store(dst + j * dst_stride, _mm512_castpd_ps(_mm512_unpacklo_pd(a, c)));
    store(dst + (j + 1) * dst_stride, _mm512_castpd_ps(_mm512_unpackhi_pd(a, c)));
    store(dst + (j + 2) * dst_stride, _mm512_castpd_ps(_mm512_unpacklo_pd(b, d)));
    store(dst + (j + 3) * dst_stride, _mm512_castpd_ps(_mm512_unpackhi_pd(b, d)));
  }
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
