// SPDX-License-Identifier: Apache-2.0
// Sums of products of unsigned codes and signed bytes, eight outputs at a time.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace kvlink::kernels::KVLINK_ISA {
namespace {

using IntVec = __m256i;

inline IntVec load_codes(const std::uint8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
inline IntVec low_nibbles(IntVec v) { return _mm256_and_si256(v, _mm256_set1_epi8(15)); }
inline IntVec high_nibbles(IntVec v) {
  return _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(15));
}
/// Four bytes, for every output.
inline IntVec spread(const std::int8_t* x) {
  std::int32_t bytes;
  __builtin_memcpy(&bytes, x, 4);
  return _mm256_set1_epi32(bytes);
}
inline IntVec spread(std::int32_t value) { return _mm256_set1_epi32(value); }
inline Vec to_float(IntVec v) { return _mm256_cvtepi32_ps(v); }
inline IntVec add(IntVec a, IntVec b) { return _mm256_add_epi32(a, b); }

#if KVLINK_VNNI
/// sum += four products for each output, exact.
inline void dot4(IntVec& sum, IntVec codes, IntVec x) {
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(codes), "x"(x));
}
#else
inline IntVec zero_int() { return _mm256_setzero_si256(); }
/// 16-bit sums of two products; exact for eight additions of codes up to 15.
inline void dot2(IntVec& pairs, IntVec codes, IntVec x) {
  pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(codes, x));
}
/// factor * (sum of both halves)
inline IntVec widen(IntVec pairs, std::int16_t factor) {
  return _mm256_madd_epi16(pairs, _mm256_set1_epi16(factor));
}
#endif

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
