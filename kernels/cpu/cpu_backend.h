// SPDX-License-Identifier: Apache-2.0
// The CPU's context: instruction set chosen at run time, thread pool, scratch memory.
#pragma once

#include <memory>
#include <string>

namespace kvlink::kernels {

/// Widest instruction set a kernel may use. Order matters: a cap admits everything below it that
/// the CPU has. "Vnni": dot products of bytes; "Amx": the same in tiles, beside AVX-512 for all
/// else.
enum class Isa {
  kScalar = 0,
  kAvx2 = 1,
  kAvx2Vnni = 2,
  kAvx512 = 3,
  kAvx512Vnni = 4,
  kAmxInt8 = 5,
};
inline constexpr Isa kWidestIsa = Isa::kAmxInt8;

const char* isa_name(Isa isa);

/// The widest set up to `cap` that this CPU and operating system can run. kAmxInt8 only where
/// amx_support() says that it works; a lower cap never asks for the tile registers.
Isa detect_isa(Isa cap = kWidestIsa);

/// How exactly products are computed; sums are exact integers or f32 either way.
enum class Arithmetic {
  /// Activations before quantised weights rounded to 8 bits, 32 neighbours with one scale. Where
  /// the CPU multiplies that faster, queries, keys, attention weights and (seven rows and more of)
  /// activations before bf16 weights rounded to bf16.
  kInt8,
  kFloat,  ///< f32 throughout: slower, for comparisons
};

struct CpuOptions {
  int n_threads = 0;         ///< 0: physical cores granted to this process (cgroup, affinity)
  Isa max_isa = kWidestIsa;  ///< cap, for tests and diagnosis; never raises above detect_isa()
  Arithmetic arithmetic = Arithmetic::kInt8;
};

class ThreadPool;

/// Passed by reference to every op; nothing global. Ops may be called from several threads at a
/// time only on different backends; two users of one backend take turns (inference/engine_gate.h).
class CpuBackend {
 public:
  explicit CpuBackend(CpuOptions options);
  ~CpuBackend();
  CpuBackend(const CpuBackend&) = delete;
  CpuBackend& operator=(const CpuBackend&) = delete;

  Isa isa() const { return isa_; }
  Arithmetic arithmetic() const { return arithmetic_; }
  /// Whether products of bf16 pairs are used: under kInt8, at the widest set, on processors
  /// known to do that faster than f32: AMD's since Zen 4, Intel's with bf16 tiles (without, they
  /// run at half the rate).
  bool uses_bf16() const { return uses_bf16_; }
  int n_threads() const;
  ThreadPool& pool() { return *pool_; }
  /// "AMD EPYC 9755, avx512, 2 threads"
  std::string describe() const;
  /// What was found out about the tile registers (AMX); "" where the processor has none.
  static const std::string& amx_words();

 private:
  Isa isa_;
  Arithmetic arithmetic_;
  bool uses_bf16_;
  std::unique_ptr<ThreadPool> pool_;
};

}  // namespace kvlink::kernels
