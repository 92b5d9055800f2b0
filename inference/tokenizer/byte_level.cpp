// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/byte_level.h"

#include <array>
#include <cstdint>

#include "kernels/base/utf8.h"

namespace kvlink::inference {
namespace {

// The 188 printable bytes of Latin-1 spell themselves; the other 68, in order, are U+0100 onwards.
constexpr std::uint32_t kFirstSubstitute = 256;
constexpr std::size_t kSpellings = 256 + 68;

constexpr bool spells_itself(std::uint32_t byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

struct Spelling {
  std::array<std::uint32_t, 256> code_point{};
  std::array<std::int16_t, kSpellings> byte{};
};

constexpr Spelling make_spelling() {
  Spelling s;
  s.byte.fill(-1);
  std::uint32_t substitute = kFirstSubstitute;
  for (std::uint32_t b = 0; b < 256; ++b) {
    s.code_point[b] = spells_itself(b) ? b : substitute++;
    s.byte[s.code_point[b]] = static_cast<std::int16_t>(b);
  }
  return s;
}

constexpr Spelling kSpelling = make_spelling();

}  // namespace

std::string bytes_of_spelling(std::string_view spelled) {
  std::string bytes;
  for (std::size_t pos = 0; pos < spelled.size();) {
    const std::size_t begin = pos;
    const std::uint32_t c = next_code_point(spelled, pos);
    if (c < kSpellings && kSpelling.byte[c] >= 0) {
      bytes.push_back(static_cast<char>(kSpelling.byte[c]));
    } else {
      bytes.append(spelled.substr(begin, pos - begin));
    }
  }
  return bytes;
}

std::string spelling_of_byte(unsigned char byte) {
  std::string spelled;
  append_utf8(spelled, kSpelling.code_point[byte]);
  return spelled;
}

}  // namespace kvlink::inference
