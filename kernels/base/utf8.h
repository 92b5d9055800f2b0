// SPDX-License-Identifier: Apache-2.0
// UTF-8: validation, repair, and cutting text without splitting a character.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kvlink {

/// Length of the well-formed prefix (shortest forms only, no surrogates, at most U+10FFFF).
std::size_t valid_utf8_prefix(std::string_view text);
inline bool is_valid_utf8(std::string_view text) { return valid_utf8_prefix(text) == text.size(); }

/// Each maximal malformed part replaced by U+FFFD (Unicode 15, section 3.9, practice for decoders).
std::string repair_utf8(std::string_view text);

/// Length of the longest prefix that does not end inside a character that more bytes could
/// complete: what a stream may show now.
std::size_t complete_utf8_prefix(std::string_view text);

/// Decodes the character at text[pos] and advances pos; malformed input gives U+FFFD and one byte.
std::uint32_t next_code_point(std::string_view text, std::size_t& pos);
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace kvlink
