// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/sentencepiece_spelling.h"

#include <algorithm>

namespace kvlink::inference {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<unsigned char> byte_of_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return std::nullopt;
  const int high = hex_digit(token[3]);
  const int low = hex_digit(token[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<unsigned char>(high * 16 + low);
}

std::string text_of_token(std::string_view token) {
  std::string out;
  for (std::size_t pos = 0; pos < token.size();) {
    const std::size_t mark = std::min(token.find(kSpaceMarkText, pos), token.size());
    out.append(token.substr(pos, mark - pos));
    if (mark < token.size()) out.push_back(' ');
    pos = mark + kSpaceMarkText.size();
  }
  return out;
}

}  // namespace kvlink::inference
