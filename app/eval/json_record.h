// SPDX-License-Identifier: Apache-2.0
// One JSON object from outside, read field by field with errors that say where.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace kvlink::app {

/// An object of at most 16 levels; anything else is kCorrupt with `place` in front (throws).
nlohmann::json parse_record(std::string_view line, const std::string& place);

/// The field's text. kCorrupt when it is missing or something else (throws).
std::string text_field(const nlohmann::json& record, const char* name, const std::string& place);
/// "" when it is missing.
std::string optional_text(const nlohmann::json& record, const char* name, const std::string& place);
/// A list of texts, or one text as a list of one; empty when it is missing.
std::vector<std::string> texts_field(const nlohmann::json& record, const char* name,
                                     const std::string& place);

}  // namespace kvlink::app
