// SPDX-License-Identifier: Apache-2.0
// How the chunk tokens are chosen that mode recompute computes again.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace kvlink::inference {

/// Persistent in settings and JSON by name (recompute_method_name).
enum class RecomputeMethod : std::uint8_t {
  kFirstK,     ///< the first tokens of every chunk (EPIC, arXiv 2410.15332)
  kDeviation,  ///< those whose values change most in the second layer (CacheBlend, 2405.16444)
  kQuery,      ///< those that the question looks at most
};

/// "first-k", "deviation", "query".
std::string_view recompute_method_name(RecomputeMethod method);
std::optional<RecomputeMethod> parse_recompute_method(std::string_view name);

}  // namespace kvlink::inference
