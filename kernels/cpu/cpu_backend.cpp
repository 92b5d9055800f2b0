// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_backend.h"

#include <algorithm>
#include <fstream>

#include "kernels/cpu/amx_support.h"
#include "kernels/cpu/cpu_features.h"
#include "kernels/cpu/isa_limit.h"
#include "kernels/cpu/thread_pool.h"

namespace kvlink::kernels {
namespace {

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
    case Isa::kAmxInt8:
      return "amx_int8";
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
Isa& process_limit() {
  static Isa limit = kWidestIsa;
  return limit;
}

bool has_fast_bf16(Isa isa) {
  if (isa == Isa::kAmxInt8) return amx_support().works_bf16;
  return isa == Isa::kAvx512Vnni && cpu_features().fast_bf16;
}
}  // namespace

void limit_isa(Isa cap) { process_limit() = cap; }

Isa detect_isa(Isa cap) {
  cap = std::min(cap, process_limit());
  const CpuFeatures& found = cpu_features();
  if (cap >= Isa::kAmxInt8 && amx_support().works) return Isa::kAmxInt8;
  if (cap >= Isa::kAvx512Vnni && found.avx512_vnni) return Isa::kAvx512Vnni;
  if (cap >= Isa::kAvx512 && found.avx512) return Isa::kAvx512;
  if (cap >= Isa::kAvx2Vnni && found.avx2_vnni) return Isa::kAvx2Vnni;
  return cap >= Isa::kAvx2 && found.avx2 ? Isa::kAvx2 : Isa::kScalar;
}

CpuBackend::CpuBackend(CpuOptions options)
    : isa_(detect_isa(options.max_isa)),
      arithmetic_(options.arithmetic),
      uses_bf16_(arithmetic_ == Arithmetic::kInt8 && has_fast_bf16(isa_)),
      pool_(std::make_unique<ThreadPool>(options.n_threads)) {}

CpuBackend::~CpuBackend() = default;

int CpuBackend::n_threads() const { return pool_->n_threads(); }

std::string CpuBackend::describe() const {
  const int n = n_threads();
  return cpu_name() + ", " + isa_name(isa_) + (uses_bf16_ ? " + bf16, " : ", ") +
         std::to_string(n) + (n == 1 ? " thread" : " threads");
}

const std::string& CpuBackend::amx_words() { return amx_support().words; }

}  // namespace kvlink::kernels
