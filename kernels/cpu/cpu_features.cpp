// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_features.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace kvlink::kernels {
namespace {

#if defined(__x86_64__)
/// Register state the operating system saves on a context switch (XCR0); 0 without xgetbv.
std::uint64_t saved_state(unsigned features) {
  constexpr unsigned kOsXsave = 1U << 27;
  if ((features & kOsXsave) == 0) return 0;
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (std::uint64_t{high} << 32) | low;
}

bool has_all(unsigned value, std::initializer_list<int> bits) {
  return std::all_of(bits.begin(), bits.end(), [&](int bit) { return (value >> bit & 1U) != 0; });
}

bool is_amd() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(0, &a, &b, &c, &d) != 0 && b == signature_AMD_ebx && c == signature_AMD_ecx &&
         d == signature_AMD_edx;
}

CpuFeatures probe() {
  CpuFeatures found;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return found;
  const unsigned basic = c;
  const std::uint64_t saved = saved_state(basic);
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return found;
  constexpr std::uint64_t kYmm = 0x06;
  constexpr std::uint64_t kZmm = 0xE6;
  constexpr std::uint64_t kTiles = 0x60000;
  // FMA, AVX, F16C; AVX2
  found.avx2 = has_all(basic, {12, 28, 29}) && has_all(b, {5}) && (saved & kYmm) == kYmm;
  // F, DQ, BW, VL
  found.avx512 = found.avx2 && has_all(b, {16, 17, 30, 31}) && (saved & kZmm) == kZmm;
  found.avx512_vnni = found.avx512 && has_all(c, {11});
  // TILE, INT8; BF16
  found.amx_int8 = found.avx512_vnni && has_all(d, {24, 25}) && (saved & kTiles) == kTiles;
  const bool has_bf16_tiles = found.amx_int8 && has_all(d, {22});
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) == 0) return found;
  found.avx2_vnni = found.avx2 && has_all(a, {4});
  found.amx_bf16 = has_bf16_tiles && has_all(a, {5});
  found.fast_bf16 = found.avx512_vnni && has_all(a, {5}) && is_amd();
  return found;
}
#else
CpuFeatures probe() { return {}; }
#endif

}  // namespace

const CpuFeatures& cpu_features() {
  static const CpuFeatures found = probe();
  return found;
}

}  // namespace kvlink::kernels
