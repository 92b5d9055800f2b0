// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_backend.h"

#include <algorithm>
#include <fstream>

#include "kernels/cpu/isa_limit.h"
#include "kernels/cpu/thread_pool.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace kvlink::kernels {
namespace {

struct Features {
  bool avx2 = false;
  bool avx2_vnni = false;
  bool avx512 = false;
  bool avx512_vnni = false;
  bool fast_bf16 = false;
};

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

Features probe() {
  Features found;
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
  // FMA, AVX, F16C; AVX2
  found.avx2 = has_all(basic, {12, 28, 29}) && has_all(b, {5}) && (saved & kYmm) == kYmm;
  // F, DQ, BW, VL
  found.avx512 = found.avx2 && has_all(b, {16, 17, 30, 31}) && (saved & kZmm) == kZmm;
  found.avx512_vnni = found.avx512 && has_all(c, {11});
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) == 0) return found;
  found.avx2_vnni = found.avx2 && has_all(a, {4});
  found.fast_bf16 = found.avx512_vnni && has_all(a, {5}) && is_amd();
  return found;
}
#else
Features probe() { return {}; }
#endif

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown CPU";
}

}  // namespace

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx2Vnni:
      return "avx2_vnni";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAvx512Vnni:
      return "avx512_vnni";
  }
  return "unknown";
}

std::optional<Isa> parse_isa(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(kWidestIsa); ++i) {
    if (name == isa_name(static_cast<Isa>(i))) return static_cast<Isa>(i);
  }
  return std::nullopt;
}

namespace {
const Features& features() {
  static const Features found = probe();
  return found;
}

Isa& process_limit() {
  static Isa limit = kWidestIsa;
  return limit;
}
}  // namespace

void limit_isa(Isa cap) { process_limit() = cap; }

Isa detect_isa(Isa cap) {
  cap = std::min(cap, process_limit());
  const Features& found = features();
  if (cap >= Isa::kAvx512Vnni && found.avx512_vnni) return Isa::kAvx512Vnni;
  if (cap >= Isa::kAvx512 && found.avx512) return Isa::kAvx512;
  if (cap >= Isa::kAvx2Vnni && found.avx2_vnni) return Isa::kAvx2Vnni;
  return cap >= Isa::kAvx2 && found.avx2 ? Isa::kAvx2 : Isa::kScalar;
}

CpuBackend::CpuBackend(CpuOptions options)
    : isa_(detect_isa(options.max_isa)),
      arithmetic_(options.arithmetic),
      uses_bf16_(isa_ == Isa::kAvx512Vnni && arithmetic_ == Arithmetic::kInt8 &&
                 features().fast_bf16),
      pool_(std::make_unique<ThreadPool>(options.n_threads)) {}

CpuBackend::~CpuBackend() = default;

int CpuBackend::n_threads() const { return pool_->n_threads(); }

std::string CpuBackend::describe() const {
  const int n = n_threads();
  return cpu_name() + ", " + isa_name(isa_) + (uses_bf16_ ? " + bf16, " : ", ") +
         std::to_string(n) + (n == 1 ? " thread" : " threads");
}

}  // namespace kvlink::kernels
