// SPDX-License-Identifier: Apache-2.0
// A test program with this in it runs on the instructions that KVLINK_MAX_ISA allows.
#include <cstdio>
#include <cstdlib>

#include "inference/instruction_cap.h"
#include "kernels/cpu/cpu_backend.h"

namespace {

const bool is_capped = [] {
  const char* name = std::getenv("KVLINK_MAX_ISA");
  if (name == nullptr) return false;
  kvlink::value_or_throw(kvlink::inference::cap_instructions(name));
  std::printf("instructions: %s\n", kvlink::kernels::isa_name(kvlink::kernels::detect_isa()));
  return true;
}();

}  // namespace
