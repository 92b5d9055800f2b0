// SPDX-License-Identifier: Apache-2.0
// A processor with fewer instructions than this one, for tests and diagnosis.
#pragma once

#include <optional>
#include <string_view>

#include "kernels/cpu/cpu_backend.h"

namespace kvlink::kernels {

/// From here on detect_isa() finds nothing wider than `cap` in this process. Before the first
/// backend, on one thread.
void limit_isa(Isa cap);

/// The set of this isa_name(); nothing for any other text.
std::optional<Isa> parse_isa(std::string_view name);

}  // namespace kvlink::kernels
