// SPDX-License-Identifier: Apache-2.0
#include "kernels/base/utf8.h"

namespace kvlink {

namespace {

constexpr std::uint32_t kReplacement = 0xFFFD;

std::uint8_t byte_at(std::string_view text, std::size_t i) {
  return static_cast<std::uint8_t>(text[i]);
}

/// What stands at text[pos]: how many bytes belong together, and whether they form a character or
/// the beginning of one that the text's end cut off (Unicode 15, table 3-7).
struct Sequence {
  std::size_t n_bytes = 1;
  bool well_formed = false;
  bool truncated = false;
};

Sequence sequence_at(std::string_view text, std::size_t pos) {
  const std::uint8_t lead = byte_at(text, pos);
  if (lead < 0x80) return {1, true, false};
  std::size_t length = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) length = 2;
  if (lead >= 0xE0 && lead <= 0xEF) length = 3;
  if (lead >= 0xF0 && lead <= 0xF4) length = 4;
  if (length == 0) return {};
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  for (std::size_t i = 1; i < length; ++i) {
    if (pos + i >= text.size()) return {i, false, true};
    const std::uint8_t b = byte_at(text, pos + i);
    if (b < low || b > high) return {i, false, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true, false};
}

}  // namespace

std::size_t valid_utf8_prefix(std::string_view text) {
  std::size_t pos = 0;
  while (pos < text.size()) {
    const Sequence s = sequence_at(text, pos);
    if (!s.well_formed) break;
    pos += s.n_bytes;
  }
  return pos;
}

std::string repair_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t pos = 0;
  while (pos < text.size()) {
    const Sequence s = sequence_at(text, pos);
    if (s.well_formed) {
      out.append(text.substr(pos, s.n_bytes));
    } else {
      append_utf8(out, kReplacement);
    }
    pos += s.n_bytes;
  }
  return out;
}

std::size_t complete_utf8_prefix(std::string_view text) {
  const std::size_t first = text.size() < 3 ? 0 : text.size() - 3;
  for (std::size_t pos = first; pos < text.size(); ++pos) {
    const std::uint8_t b = byte_at(text, pos);
    if (b >= 0xC2 && b <= 0xF4 && sequence_at(text, pos).truncated) return pos;
  }
  return text.size();
}

std::uint32_t next_code_point(std::string_view text, std::size_t& pos) {
  const Sequence s = sequence_at(text, pos);
  if (!s.well_formed) {
    ++pos;
    return kReplacement;
  }
  const std::uint8_t lead = byte_at(text, pos);
  std::uint32_t code_point = lead;
  if (s.n_bytes > 1) code_point = lead & (0xFFU >> (s.n_bytes + 1));
  for (std::size_t i = 1; i < s.n_bytes; ++i) {
    code_point = (code_point << 6) | (byte_at(text, pos + i) & 0x3FU);
  }
  pos += s.n_bytes;
  return code_point;
}

void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto put = [&out](std::uint32_t b) { out.push_back(static_cast<char>(b)); };
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
    code_point = kReplacement;
  }
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3F));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

}  // namespace kvlink
