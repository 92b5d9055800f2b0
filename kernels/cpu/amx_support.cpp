// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/amx_support.h"

#include <cerrno>
#include <cstring>

#include "kernels/cpu/cpu_features.h"
#include "kernels/cpu/int_table.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/product_check.h"

#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace kvlink::kernels {
namespace {

/// 0, or the error with which the system refuses the registers. They hold 8 KiB a thread, which is
/// why Linux wants to be asked (5.16 and later); the answer holds for every thread.
int ask_for_registers() {
#if defined(__linux__) && defined(__x86_64__)
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;
  return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0 ? 0 : errno;
#else
  return ENOSYS;
#endif
}

AmxSupport examine() {
  if (!cpu_features().amx_int8) return {};
  AmxSupport found;
  if (const int error = ask_for_registers(); error != 0) {
    found.words = std::string("the system does not grant the tile registers (") +
                  std::strerror(error) + "); avx512_vnni is used";
    return found;
  }
  if (!products_agree(int_table(Isa::kAmxInt8), int_table(Isa::kAvx512Vnni))) {
    found.words =
        "products of int8 tiles differ from those of avx512_vnni, which is used instead; please "
        "report this processor";
    return found;
  }
  found.works = true;
  found.words = "products of int8 tiles are those of avx512_vnni";
  if (!cpu_features().amx_bf16) return found;
  found.works_bf16 = products_agree(bf16_table(Isa::kAmxInt8), bf16_table(Isa::kAvx512Vnni));
  found.words += found.works_bf16
                     ? ", of bf16 tiles those of AVX512-BF16"
                     : "; those of bf16 tiles differ from AVX512-BF16, and f32 is used instead; "
                       "please report this processor";
  return found;
}

}  // namespace

const AmxSupport& amx_support() {
  static const AmxSupport found = examine();
  return found;
}

}  // namespace kvlink::kernels
