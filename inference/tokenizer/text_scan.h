// SPDX-License-Identifier: Apache-2.0
// Characters and their classes, for the hand-written scanners over valid UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kvlink::inference {

enum class CharClass : std::uint8_t {
  kLetter,   ///< \p{L}
  kNumber,   ///< \p{N}
  kNewline,  ///< CR or LF
  kSpace,    ///< other \s (Unicode White_Space)
  kOther,
  kEnd,  ///< no character: the end of what is scanned
};

inline bool is_space(CharClass c) { return c == CharClass::kSpace || c == CharClass::kNewline; }

/// Throws kUnsupported in a build without ICU, which classifies ASCII alone, for any other text.
/// Called by whatever classifies characters.
void expect_character_data(std::string_view text);

/// By Unicode general category; constant time.
CharClass classify(std::uint32_t code_point);

/// \p{P}; constant time. False for everything but ASCII in a build without ICU.
bool is_punctuation(std::uint32_t code_point);

/// \p{S} and \p{M}; the same.
bool is_symbol(std::uint32_t code_point);
bool is_mark(std::uint32_t code_point);

/// \w: what words are made of, joiners and connecting punctuation included.
bool is_word_character(std::uint32_t code_point);

/// Bytes of the character whose first byte is given. The text must be valid UTF-8.
inline std::size_t utf8_length(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// The character at text[pos] of valid UTF-8.
inline std::uint32_t code_point_at(std::string_view text, std::size_t pos) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[pos + i]));
  };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return first;
  if (first < 0xE0) return (first & 0x1F) << 6 | (byte(1) & 0x3F);
  if (first < 0xF0) return (first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
  return (first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
}

}  // namespace kvlink::inference
