// SPDX-License-Identifier: Apache-2.0
// Whether the tile registers of x86 (AMX) may be used: what the system says, and a check.
#pragma once

#include <string>

namespace kvlink::kernels {

struct AmxSupport {
  bool works = false;       ///< int8 tiles
  bool works_bf16 = false;  ///< bf16 tiles as well
  std::string words;  ///< what was found, for the user; "" where the processor has no int8 tiles
};

/// Asks the system for the registers and compares products of tiles with those of AVX-512, once per
/// process, within a few milliseconds. Any thread.
const AmxSupport& amx_support();

}  // namespace kvlink::kernels
