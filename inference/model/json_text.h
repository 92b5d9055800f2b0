// SPDX-License-Identifier: Apache-2.0
// Small JSON files from outside as trees, with bounded depth.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace kvlink::inference {

/// Parses an object. Nesting is measured before the tree is built, because trees are copied and
/// destroyed recursively. Throws kCorrupt: not UTF-8, not JSON, not an object, deeper than 64.
nlohmann::json parse_json_object(std::string_view text, const std::string& source);

/// A whole number of 1 to max under `key`; kCorrupt when it is something else, or when it is absent
/// (or null) and there is no fallback.
std::int32_t json_count(const nlohmann::json& object, const char* key, std::uint64_t max,
                        const std::string& source,
                        std::optional<std::int32_t> fallback = std::nullopt);

/// A number in [min, max] under `key`; the fallback when absent or null, else kCorrupt.
double json_real(const nlohmann::json& object, const char* key, double fallback, double min,
                 double max, const std::string& source);

/// The string under `key`, or the fallback when there is none.
std::string json_text(const nlohmann::json& object, const char* key, std::string fallback);

/// The truth value under `key`, or the fallback when there is none.
bool json_flag(const nlohmann::json& object, const char* key, bool fallback);

}  // namespace kvlink::inference
