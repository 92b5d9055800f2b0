// SPDX-License-Identifier: Apache-2.0
#include "retrieval/text_pieces.h"

#include <algorithm>
#include <array>

namespace kvlink::retrieval {
namespace {

constexpr std::size_t kWindowBytes = 64;  // words longer than this are cut between characters

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n'; }
bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Full stops behind these do not end a sentence.
bool is_abbreviation(std::string_view word) {
  constexpr std::array<std::string_view, 24> kWords = {
      "Mr", "Mrs", "Ms",  "Dr", "Prof", "St",  "vs", "e.g", "i.e", "cf",  "No",     "Fig",
      "Eq", "al",  "etc", "p",  "pp",   "Vol", "Ch", "Sec", "Inc", "Ltd", "approx", "ca"};
  if (word.size() == 1 && word[0] >= 'A' && word[0] <= 'Z') return true;  // an initial
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

/// The word that ends at text[end), looking back a few bytes only.
std::string_view word_before(std::string_view text, std::size_t begin, std::size_t end) {
  std::size_t first = end;
  while (first > begin && end - first < 8 && (is_letter(text[first - 1]) || text[first - 1] == '.'))
    --first;
  return text.substr(first, end - first);
}

bool may_start_sentence(char c) { return !(c >= 'a' && c <= 'z') && c != ',' && c != ';'; }

/// Length of an ideographic full stop, question or exclamation mark at text[pos], or 0.
std::size_t wide_stop(std::string_view text, std::size_t pos) {
  const std::string_view three = text.substr(pos, 3);
  return three == "\u3002" || three == "\uFF01" || three == "\uFF1F" ? 3 : 0;
}

std::size_t line_end(std::string_view text, std::size_t begin) {
  const std::size_t end = text.find('\n', begin);
  return end == text.npos ? text.size() : end + 1;
}

/// White space, then everything up to the next white space.
std::size_t word_end(std::string_view text, std::size_t begin) {
  std::size_t pos = begin;
  while (pos < text.size() && is_space(text[pos]) && pos - begin < kWindowBytes) ++pos;
  while (pos < text.size() && !is_space(text[pos])) ++pos;
  return pos;
}

std::size_t window_end(std::string_view text, std::size_t begin, std::size_t width) {
  std::size_t pos = std::min(begin + width, text.size());
  while (pos < text.size() && is_continuation(text[pos])) ++pos;
  return pos;
}

/// The ways to cut, coarse to fine.
enum class Cut : std::uint8_t { kSentence, kLine, kWord, kWindow, kCharacter };

Border border_of(Cut cut) {
  switch (cut) {
    case Cut::kSentence:
      return Border::kSentence;
    case Cut::kLine:
      return Border::kLine;
    case Cut::kWord:
      return Border::kWord;
    default:
      return Border::kCharacter;
  }
}

std::size_t cut_end(std::string_view text, std::size_t begin, Cut cut) {
  switch (cut) {
    case Cut::kSentence:
      return sentence_end(text, begin);
    case Cut::kLine:
      return line_end(text, begin);
    case Cut::kWord:
      return word_end(text, begin);
    case Cut::kWindow:
      return window_end(text, begin, kWindowBytes);
    default:
      return window_end(text, begin, 1);
  }
}

class BlockSplitter {
 public:
  BlockSplitter(const TextBlock& block, std::size_t index, const TokenCounter& count_tokens,
                std::int64_t max_tokens, std::vector<Piece>& out)
      : text_(block.text),
        index_(index),
        count_tokens_(count_tokens),
        max_tokens_(max_tokens),
        out_(out) {}

  /// Cuts [begin, end); recursion ends at Cut::kCharacter, five deep.
  void split(std::size_t begin, std::size_t end, Cut cut, Border first) {
    const std::string_view range = std::string_view(text_).substr(0, end);
    Border border = first;
    while (begin < end) {
      const std::size_t next = cut_end(range, begin, cut);
      const std::int64_t n_tokens = count_tokens_(range.substr(begin, next - begin));
      if (n_tokens > max_tokens_ && cut != Cut::kCharacter) {
        split(begin, next, static_cast<Cut>(static_cast<int>(cut) + 1), border);
      } else {
        add(begin, next, n_tokens, border);
      }
      begin = next;
      border = border_of(cut);
    }
  }

 private:
  void add(std::size_t begin, std::size_t end, std::int64_t n_tokens, Border border) {
    out_.push_back({index_, begin, end, n_tokens, line_, border});
    line_ += std::count(text_.begin() + static_cast<std::ptrdiff_t>(begin),
                        text_.begin() + static_cast<std::ptrdiff_t>(end), '\n');
  }

  const std::string& text_;
  std::size_t index_;
  const TokenCounter& count_tokens_;
  std::int64_t max_tokens_;
  std::vector<Piece>& out_;
  std::int64_t line_ = 0;
};

Border block_border(BlockType type) {
  if (type == BlockType::kHeading) return Border::kHeading;
  return type == BlockType::kListItem ? Border::kItem : Border::kParagraph;
}

}  // namespace

std::size_t sentence_end(std::string_view text, std::size_t begin) {
  for (std::size_t pos = begin; pos < text.size(); ++pos) {
    if (const std::size_t n = wide_stop(text, pos)) return pos + n;
    const char c = text[pos];
    if (c != '.' && c != '!' && c != '?') continue;
    std::size_t after = pos + 1;
    while (after < text.size() && after - pos < 4 &&
           (text[after] == '"' || text[after] == '\'' || text[after] == ')' || text[after] == ']'))
      ++after;
    if (after >= text.size() || !is_space(text[after])) continue;
    const std::size_t next = text.substr(0, after + 80).find_first_not_of(" \t\n", after);
    if (next != text.npos && !may_start_sentence(text[next])) continue;
    if (c == '.' && is_abbreviation(word_before(text, begin, pos))) continue;
    return after;
  }
  return text.size();
}

void append_pieces(const TextBlock& block, std::size_t index, const TokenCounter& count_tokens,
                   std::int64_t max_tokens, std::vector<Piece>& out) {
  const bool by_line = block.type == BlockType::kCode || block.type == BlockType::kTable;
  BlockSplitter splitter(block, index, count_tokens, max_tokens, out);
  splitter.split(0, block.text.size(), by_line ? Cut::kLine : Cut::kSentence,
                 block_border(block.type));
}

}  // namespace kvlink::retrieval
