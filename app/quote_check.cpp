// SPDX-License-Identifier: Apache-2.0
#include "app/quote_check.h"

#include <algorithm>
#include <cctype>

namespace kvlink::app {
namespace {

constexpr std::ptrdiff_t kLeastWords = 5;

/// Words in lower case, each between two spaces; bytes of other alphabets are letters, other than
/// the general punctuation of Unicode (U+2000 to U+206F: dashes, typographic quotation marks).
std::string words_of(std::string_view text) {
  std::string out = " ";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool is_punctuation =
        c == 0xE2 && i + 2 < text.size() &&
        (text[i + 1] == '\x80' || (text[i + 1] == '\x81' && text[i + 2] <= '\xAF'));
    if (is_punctuation) i += 2;
    if (!is_punctuation && (c >= 0x80 || std::isalnum(c) != 0)) {
      out += static_cast<char>(std::tolower(c));
    } else if (out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.back() != ' ') out += ' ';
  return out;
}

struct Marks {
  std::string_view open;
  std::string_view close;
};
constexpr Marks kMarks[] = {{"\"", "\""}, {"\u201C", "\u201D"}};

std::vector<std::string_view> quotations(std::string_view answer) {
  std::vector<std::string_view> found;
  for (const Marks& marks : kMarks) {
    for (std::size_t at = answer.find(marks.open); at != std::string_view::npos;) {
      const std::size_t from = at + marks.open.size();
      const std::size_t to = std::min(answer.find(marks.close, from), answer.size());
      found.push_back(answer.substr(from, to - from));
      if (to == answer.size()) break;
      at = answer.find(marks.open, to + marks.close.size());
    }
  }
  std::sort(found.begin(), found.end(), [](auto a, auto b) { return a.data() < b.data(); });
  return found;
}

}  // namespace

std::vector<std::string> unfounded_quotes(std::string_view answer,
                                          std::span<const std::string> passages) {
  std::vector<std::string> out;
  std::vector<std::string> texts;
  for (const std::string_view quote : quotations(answer)) {
    std::string words = words_of(quote);
    if (std::count(words.begin(), words.end(), ' ') <= kLeastWords) continue;
    // The end of the answer may have cut the last word.
    if (quote.data() + quote.size() == answer.data() + answer.size()) words.pop_back();
    if (texts.empty()) {
      for (const std::string& passage : passages) texts.push_back(words_of(passage));
    }
    const bool stands = std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
      return text.find(words) != std::string::npos;
    });
    if (!stands) out.emplace_back(quote);
  }
  return out;
}

}  // namespace kvlink::app
