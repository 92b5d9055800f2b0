// SPDX-License-Identifier: Apache-2.0
#include "retrieval/lexical_query.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "kernels/base/utf8.h"

namespace kvlink::retrieval {
namespace {

constexpr std::size_t kMaxTextBytes = 8192;
constexpr std::size_t kMaxWords = 64;
constexpr std::size_t kMaxWordBytes = 128;

/// English words that say nothing about a subject; sorted.
constexpr std::array<std::string_view, 118> kFunctionWords = {
    "a",     "about", "after", "all",   "also",   "am",     "an",      "and",    "any",    "are",
    "as",    "at",    "be",    "been",  "before", "being",  "between", "both",   "but",    "by",
    "can",   "could", "d",     "did",   "do",     "does",   "doing",   "during", "each",   "few",
    "for",   "from",  "had",   "has",   "have",   "having", "he",      "her",    "here",   "hers",
    "him",   "his",   "how",   "i",     "if",     "in",     "into",    "is",     "it",     "its",
    "just",  "ll",    "me",    "more",  "most",   "much",   "my",      "no",     "nor",    "not",
    "now",   "of",    "off",   "on",    "once",   "only",   "or",      "other",  "our",    "ours",
    "out",   "over",  "own",   "re",    "s",      "same",   "shall",   "she",    "should", "so",
    "some",  "such",  "t",     "tell",  "than",   "that",   "the",     "their",  "them",   "then",
    "there", "these", "they",  "this",  "those",  "to",     "too",     "under",  "until",  "up",
    "us",    "ve",    "very",  "was",   "we",     "were",   "what",    "when",   "where",  "which",
    "while", "who",   "whom",  "whose", "why",    "will",   "with",    "you"};

bool is_word_byte(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') || u >= 0x80;
}

std::string lower_ascii(std::string_view word) {
  std::string out(word);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

LexicalQuery lexical_query(std::string_view text) {
  const std::string clean = repair_utf8(text.substr(0, std::min(text.size(), kMaxTextBytes)));
  std::vector<std::string> content, function;
  for (std::size_t pos = 0; pos < clean.size() && content.size() < kMaxWords;) {
    if (!is_word_byte(clean[pos])) {
      ++pos;
      continue;
    }
    const std::size_t begin = pos;
    while (pos < clean.size() && is_word_byte(clean[pos])) ++pos;
    if (pos - begin > kMaxWordBytes) continue;  // no language's word; a prefix would mislead
    std::string word = lower_ascii(std::string_view(clean).substr(begin, pos - begin));
    const bool is_function = std::binary_search(kFunctionWords.begin(), kFunctionWords.end(), word);
    auto& list = is_function ? function : content;
    if (list.size() < kMaxWords && std::find(list.begin(), list.end(), word) == list.end()) {
      list.push_back(std::move(word));
    }
  }
  const bool has_content = !content.empty();
  return {has_content ? std::move(content) : std::move(function), has_content};
}

std::string match_any(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) {
    if (!out.empty()) out += " OR ";
    out += '"' + word + '"';  // a word has no quotes: they are not word bytes
  }
  return out;
}

std::string match_phrases(const std::vector<std::string>& phrases, std::string_view connective) {
  std::string out;
  for (const auto& phrase : phrases) {
    const std::string clean = repair_utf8(std::string_view(phrase).substr(0, kMaxTextBytes));
    std::string words;
    for (const char c : clean) words += is_word_byte(c) ? c : ' ';
    if (words.find_first_not_of(' ') == words.npos) continue;
    if (!out.empty()) out += connective;
    out += '"' + words + '"';
  }
  return out;
}

}  // namespace kvlink::retrieval
