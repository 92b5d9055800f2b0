// SPDX-License-Identifier: Apache-2.0
#include "inference/instruction_cap.h"

#include <string>

#include "kernels/cpu/isa_limit.h"

namespace kvlink::inference {

Result<void> cap_instructions(std::string_view name) {
  return returning([&] {
    if (name.empty()) return;
    const auto isa = kernels::parse_isa(name);
    if (isa) return kernels::limit_isa(*isa);
    std::string names;
    for (int i = 0; i <= static_cast<int>(kernels::kWidestIsa); ++i) {
      names += (i == 0 ? "" : ", ") + std::string(kernels::isa_name(static_cast<kernels::Isa>(i)));
    }
    fail(ErrorCode::kInvalidInput,
         "KVLINK_MAX_ISA is \"" + std::string(name) + "\"; choose one of " + names);
  });
}

}  // namespace kvlink::inference
