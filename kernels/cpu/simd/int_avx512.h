// SPDX-License-Identifier: Apache-2.0
// Sums of products of unsigned codes and signed bytes, sixteen outputs at a time.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace kvlink::kernels::KVLINK_ISA {
namespace {

using IntVec = __m512i;

inline IntVec load_codes(const std::uint8_t* p) { return _mm512_loadu_si512(p); }
inline IntVec low_nibbles(IntVec v) { return _mm512_and_si512(v, _mm512_set1_epi8(15)); }
inline IntVec high_nibbles(IntVec v) {
  return _mm512_and_si512(_mm512_srli_epi16(v, 4), _mm512_set1_epi8(15));
}
/// Four bytes, for every output.
inline IntVec spread(const std::int8_t* x) {
  std::int32_t bytes;
  __builtin_memcpy(&bytes, x, 4);
  return _mm512_set1_epi32(bytes);
}
inline IntVec spread(std::int32_t value) { return _mm512_set1_epi32(value); }
inline Vec to_float(IntVec v) { return _mm512_cvtepi32_ps(v); }
inline IntVec add(IntVec a, IntVec b) { return _mm512_add_epi32(a, b); }

#if KVLINK_VNNI
/// sum += four products for each output, exact. The instruction by hand: gcc 12 copies the
/// accumulators of the intrinsic between registers.
inline void dot4(IntVec& sum, IntVec codes, IntVec x) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "v"(x));
}
#else
inline IntVec zero_int() { return _mm512_setzero_si512(); }
/// 16-bit sums of two products; exact for eight additions of codes up to 15.
inline void dot2(IntVec& pairs, IntVec codes, IntVec x) {
  pairs = _mm512_add_epi16(pairs, _mm512_maddubs_epi16(codes, x));
}
/// factor * (sum of both halves)
inline IntVec widen(IntVec pairs, std::int16_t factor) {
  return _mm512_madd_epi16(pairs, _mm512_set1_epi16(factor));
}
#endif

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
