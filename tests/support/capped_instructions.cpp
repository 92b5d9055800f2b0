// SPDX-License-Identifier: Apache-2.0
// A test program with this in it runs on the instructions that KVLINK_MAX_ISA allows. Where these are
// not to be had, or are what it would run on anyway, it says so and ends with kSkipped.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "inference/instruction_cap.h"
#include "kernels/cpu/cpu_backend.h"

namespace {

using kvlink::kernels::detect_isa;
using kvlink::kernels::isa_name;

constexpr int kSkipped = 77;  // SKIP_RETURN_CODE of tests/inference/CMakeLists.txt

[[noreturn]] void skip(const char* name, const char* why) {
  std::printf("%s: %s\n", name, why);
  std::fflush(stdout);
  std::_Exit(kSkipped);
}

const bool is_capped = [] {
  const char* name = std::getenv("KVLINK_MAX_ISA");
  if (name == nullptr) return false;
  const std::string_view widest = isa_name(detect_isa());
  kvlink::value_or_throw(kvlink::inference::cap_instructions(name));
  if (name != std::string_view(isa_name(detect_isa()))) skip(name, "this processor has no such set");
  if (name == widest) skip(name, "what this processor runs on without a cap");
  std::printf("instructions: %s\n", name);
  return true;
}();

}  // namespace
