// SPDX-License-Identifier: Apache-2.0
#include "app/eval/answer_match.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>

#include "kernels/base/utf8.h"

namespace kvlink::app {
namespace {

using Words = std::vector<std::string>;
constexpr std::size_t kMaxRougeWords = 4096;

/// How models say that they do not know, as answer_words.
constexpr std::array<std::string_view, 16> kRefusals = {
    "not in your documents", "not mentioned",           "does not mention",     "do not mention",
    "doesn t mention",       "don t mention",           "not specified",        "not provided",
    "does not provide",      "do not provide",          "cannot be determined", "no information",
    "not contain answer",    "not contain information", "i don t know",         "i do not know"};

bool is_between(std::uint32_t c, std::uint32_t low, std::uint32_t high) {
  return c >= low && c <= high;
}

/// Simple lower case of the alphabets that have it and that answers are written in.
std::uint32_t lower(std::uint32_t c) {
  if (is_between(c, 'A', 'Z')) return c + 0x20;
  if (is_between(c, 0xC0, 0xDE) && c != 0xD7) return c + 0x20;
  const bool even_is_upper = is_between(c, 0x100, 0x137) || is_between(c, 0x14A, 0x177) ||
                             is_between(c, 0x1E00, 0x1E95) || is_between(c, 0x1EA0, 0x1EFF);
  if (even_is_upper && c != 0x130) return c | 1;
  if ((is_between(c, 0x139, 0x148) || is_between(c, 0x179, 0x17E)) && c % 2 == 1) return c + 1;
  if (is_between(c, 0x391, 0x3A9)) return c + 0x20;
  if (is_between(c, 0x410, 0x42F)) return c + 0x20;
  if (is_between(c, 0x400, 0x40F)) return c + 0x50;
  return c;
}

/// ASCII, Latin-1, general and CJK punctuation, white space of any width.
bool separates(std::uint32_t c) {
  if (c < 0x80) {
    return !is_between(c, '0', '9') && !is_between(c, 'A', 'Z') && !is_between(c, 'a', 'z');
  }
  if (is_between(c, 0x80, 0xBF))
    return c != 0xAA && c != 0xB2 && c != 0xB3 && c != 0xB5 && c < 0xB9;
  return c == 0xBB || c == 0xBF || is_between(c, 0x2000, 0x206F) || is_between(c, 0x3000, 0x3003) ||
         is_between(c, 0x3008, 0x3011);
}

bool contains_row(const Words& text, const Words& row) {
  return !row.empty() &&
         std::search(text.begin(), text.end(), row.begin(), row.end()) != text.end();
}

double f_measure(double common, std::size_t n_text, std::size_t n_reference) {
  if (common <= 0) return 0;
  const double precision = common / static_cast<double>(n_text);
  const double recall = common / static_cast<double>(n_reference);
  return 2 * precision * recall / (precision + recall);
}

std::size_t longest_common_subsequence(const Words& a, const Words& b) {
  std::vector<std::size_t> row(b.size() + 1, 0);
  for (const auto& word : a) {
    std::size_t diagonal = 0;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = word == b[j] ? diagonal + 1 : std::max(above, row[j]);
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

Words words_of(std::string_view text) {
  Words words;
  std::string word;
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t c = next_code_point(text, at);
    if (!separates(c)) {
      append_utf8(word, lower(c));
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

Words answer_words(std::string_view text) {
  Words words = words_of(text);
  std::erase_if(words, [](const auto& w) { return w == "a" || w == "an" || w == "the"; });
  return words;
}

bool matches_sub_span(std::string_view text, std::span<const std::string> accepted) {
  const Words words = answer_words(text);
  return std::any_of(accepted.begin(), accepted.end(),
                     [&](const auto& a) { return contains_row(words, answer_words(a)); });
}

bool matches_exactly(std::string_view text, std::span<const std::string> accepted) {
  const Words words = answer_words(text);
  return !words.empty() && std::any_of(accepted.begin(), accepted.end(),
                                       [&](const auto& a) { return words == answer_words(a); });
}

double token_f1(std::string_view text, std::span<const std::string> accepted) {
  const Words words = answer_words(text);
  double best = 0;
  for (const auto& answer : accepted) {
    const Words wanted = answer_words(answer);
    std::map<std::string, std::int64_t> left;
    for (const auto& word : wanted) ++left[word];
    double common = 0;
    for (const auto& word : words) {
      const auto it = left.find(word);
      if (it == left.end() || it->second == 0) continue;
      --it->second;
      ++common;
    }
    best = std::max(best, f_measure(common, words.size(), wanted.size()));
  }
  return best;
}

double rouge_l(std::string_view text, std::span<const std::string> references) {
  Words words = words_of(text);
  words.resize(std::min(words.size(), kMaxRougeWords));
  double best = 0;
  for (const auto& reference : references) {
    Words wanted = words_of(reference);
    wanted.resize(std::min(wanted.size(), kMaxRougeWords));
    const auto common = static_cast<double>(longest_common_subsequence(words, wanted));
    best = std::max(best, f_measure(common, words.size(), wanted.size()));
  }
  return best;
}

bool is_refusal(std::string_view text) {
  const Words words = answer_words(text);
  if (words.empty()) return true;
  return std::any_of(kRefusals.begin(), kRefusals.end(), [&](std::string_view phrase) {
    return contains_row(words, answer_words(phrase));
  });
}

}  // namespace kvlink::app
