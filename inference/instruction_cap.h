// SPDX-License-Identifier: Apache-2.0
// KVLINK_MAX_ISA: the widest instructions that the kernels of this process may use.
#pragma once

#include <string_view>

#include "kernels/base/result.h"

namespace kvlink::inference {

/// `name` as kernels::isa_name() has it; "" changes nothing. Before the first engine or backend.
/// kInvalidInput, with the names there are, for any other text.
Result<void> cap_instructions(std::string_view name);

}  // namespace kvlink::inference
