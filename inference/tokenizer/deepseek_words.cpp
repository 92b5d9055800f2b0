// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/deepseek_words.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "inference/tokenizer/text_scan.h"
#include "kernels/base/utf8.h"

namespace kvlink::inference {
namespace {

/// What the patterns of Coder and LLM ask of a character. Whether two neighbours are cut apart
/// depends on them and on the character after them, but for spaces at the end of a piece (LLM).
struct CoderChar {
  bool is_letter, is_number, is_space, is_newline, is_punctuation, is_asian;
  /// Neither "\s?x+" takes it.
  bool is_other() const { return !is_letter && !is_space && !is_newline && !is_punctuation; }
};

CoderChar coder_char(std::uint32_t c) {
  const CharClass kind = classify(c);
  return {.is_letter = kind == CharClass::kLetter,
          .is_number = kind == CharClass::kNumber,
          .is_space = kind == CharClass::kSpace,
          .is_newline = kind == CharClass::kNewline,
          .is_punctuation = is_punctuation(c),
          // [一-龥ࠀ-一가-퟿]
          .is_asian = (c >= 0x800 && c <= 0x9FA5) || (c >= 0xAC00 && c <= 0xD7FF)};
}

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

/// The letters of scripts that have two cases, as the published pattern lists them.
constexpr auto kCasedLetters = std::to_array<Range>(
    {{0x0041, 0x005A},   {0x0061, 0x007A},   {0x00B5, 0x00B5},   {0x00C0, 0x00D6},
     {0x00D8, 0x00F6},   {0x00F8, 0x01BA},   {0x01BC, 0x01BF},   {0x01C4, 0x0293},
     {0x0295, 0x02AF},   {0x0370, 0x0373},   {0x0376, 0x0376},   {0x0377, 0x0377},
     {0x037B, 0x037D},   {0x037F, 0x037F},   {0x0386, 0x0386},   {0x0388, 0x038A},
     {0x038C, 0x038C},   {0x038E, 0x03A1},   {0x03A3, 0x03F5},   {0x03F7, 0x0481},
     {0x048A, 0x052F},   {0x0531, 0x0556},   {0x10A0, 0x10C5},   {0x13A0, 0x13F5},
     {0x13F8, 0x13FD},   {0x1C90, 0x1CBA},   {0x1CBD, 0x1CBF},   {0x1D00, 0x1D2B},
     {0x1D6B, 0x1D77},   {0x1D79, 0x1D9A},   {0x1E00, 0x1F15},   {0x1F18, 0x1F1D},
     {0x1F20, 0x1F45},   {0x1F48, 0x1F4D},   {0x1F50, 0x1F57},   {0x1F59, 0x1F59},
     {0x1F5B, 0x1F5B},   {0x1F5D, 0x1F5D},   {0x1F5F, 0x1F7D},   {0x1F80, 0x1FB4},
     {0x1FB6, 0x1FBC},   {0x1FBE, 0x1FBE},   {0x1FC2, 0x1FC4},   {0x1FC6, 0x1FCC},
     {0x1FD0, 0x1FD3},   {0x1FD6, 0x1FDB},   {0x1FE0, 0x1FEC},   {0x1FF2, 0x1FF4},
     {0x1FF6, 0x1FFC},   {0x2102, 0x2102},   {0x2107, 0x2107},   {0x210A, 0x2113},
     {0x2115, 0x2115},   {0x2119, 0x211D},   {0x2124, 0x2124},   {0x2126, 0x2126},
     {0x2128, 0x2128},   {0x212A, 0x212D},   {0x212F, 0x2134},   {0x2139, 0x2139},
     {0x213C, 0x213F},   {0x2145, 0x2149},   {0x214E, 0x214E},   {0x2183, 0x2183},
     {0x2184, 0x2184},   {0x2C00, 0x2C7B},   {0x2C7E, 0x2CE4},   {0x2CEB, 0x2CEE},
     {0x2CF2, 0x2CF2},   {0x2CF3, 0x2CF3},   {0xA640, 0xA66D},   {0xA680, 0xA69B},
     {0xA722, 0xA76F},   {0xA771, 0xA787},   {0xA78B, 0xA78E},   {0xAB70, 0xABBF},
     {0xFB00, 0xFB06},   {0xFB13, 0xFB17},   {0xFF21, 0xFF3A},   {0xFF41, 0xFF5A},
     {0x10400, 0x1044F}, {0x104B0, 0x104D3}, {0x104D8, 0x104FB}, {0x10C80, 0x10CB2},
     {0x10CC0, 0x10CF2}, {0x118A0, 0x118DF}, {0x1E900, 0x1E943}});

/// [!-/:-~！-／：-～‘-‟　-。]
constexpr auto kPunctuation = std::to_array<Range>({{0x21, 0x2F},
                                                    {0x3A, 0x7E},
                                                    {0x2018, 0x201F},
                                                    {0x3000, 0x3002},
                                                    {0xFF01, 0xFF0F},
                                                    {0xFF1A, 0xFF5E}});

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, std::uint32_t c) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), c,
                                      [](std::uint32_t value, Range r) { return value < r.first; });
  return after != ranges.begin() && c <= std::prev(after)->last;
}

CoderChar llm_char(std::uint32_t c) {
  CoderChar read = coder_char(c);
  read.is_letter = is_in(kCasedLetters, c);
  read.is_punctuation = is_in(kPunctuation, c);
  return read;
}

/// "\s?x+" begins or ends between `left` and `right`, `next` being behind `right`.
bool run_is_cut(bool left, bool left_is_space, bool right, bool right_is_space, bool next) {
  if (right && (left || left_is_space)) return false;  // the space belongs to the run
  return left != right || (right_is_space && next);
}

bool is_boundary(const CoderChar& left, const CoderChar& right, const CoderChar& next) {
  return left.is_newline || right.is_newline || left.is_number || right.is_number ||
         left.is_asian != right.is_asian ||
         run_is_cut(left.is_letter, left.is_space, right.is_letter, right.is_space,
                    next.is_letter) ||
         run_is_cut(left.is_punctuation, left.is_space, right.is_punctuation, right.is_space,
                    next.is_punctuation);
}

/// Whether the spaces from `pos` on, behind `left`, are at the end of what "\s+$" sees: a run of
/// punctuation (a wide space is both), or characters that stand in front of a word, a line end or
/// nothing.
bool spaces_end_a_piece(std::string_view text, std::size_t pos, const CoderChar& left) {
  const bool in_punctuation = left.is_punctuation;
  for (; pos < text.size(); pos += utf8_length(text[pos])) {
    const CoderChar c = llm_char(code_point_at(text, pos));
    if (c.is_space && c.is_punctuation == in_punctuation) continue;
    return in_punctuation ? !c.is_punctuation : c.is_newline || c.is_letter || c.is_punctuation;
  }
  return true;
}

template <typename Read, typename EndsPiece>
std::size_t next_listed_word(std::string_view text, std::size_t pos, Read read,
                             EndsPiece ends_piece) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? read(code_point_at(text, i)) : CoderChar{};
  };
  CoderChar left = at(pos);
  std::size_t i = pos + utf8_length(text[pos]);
  CoderChar right = at(i);
  while (i < text.size()) {
    const std::size_t after = i + utf8_length(text[i]);
    const CoderChar next = at(after);
    if (is_boundary(left, right, next)) break;
    const bool may_end = left.is_other() || (left.is_punctuation && right.is_punctuation);
    if (may_end && !left.is_space && right.is_space && ends_piece(i, left)) break;
    left = right;
    right = next;
    i = after;
  }
  return i;
}

/// [一-龥぀-ゟ゠-ヿ]
bool is_chinese_or_japanese(std::uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FA5) || (c >= 0x3040 && c <= 0x30FF);
}

/// One piece of V3's first two patterns (a run of Chinese and Japanese, or text without them and
/// without numbers), in which the third looks for words. Everything outside is the end.
class V3Piece {
 public:
  struct Char {
    bool is_end = true;
    bool is_newline = false;
    bool is_space = false;
    bool is_word = false;  ///< \p{L} or \p{M}
    bool is_mark = false;  ///< \p{P} or \p{S}
    char ascii = 0;
    std::size_t end = 0;
  };

  V3Piece(std::string_view text, std::size_t pos)
      : text_(text), is_asian_(is_chinese_or_japanese(code_point_at(text, pos))) {}

  Char at(std::size_t pos) const {
    if (pos >= text_.size()) return {};
    const std::uint32_t c = code_point_at(text_, pos);
    const CharClass kind = classify(c);
    if (kind == CharClass::kNumber || is_chinese_or_japanese(c) != is_asian_) return {};
    return {.is_end = false,
            .is_newline = kind == CharClass::kNewline,
            .is_space = inference::is_space(kind),
            .is_word = kind == CharClass::kLetter || inference::is_mark(c),
            .is_mark = is_punctuation(c) || is_symbol(c),
            .ascii = c < 128 ? static_cast<char>(c) : '\0',
            .end = pos + utf8_length(text_[pos])};
  }

  template <typename Wanted>
  std::size_t skip(std::size_t pos, Wanted wanted) const {
    for (Char c = at(pos); !c.is_end && wanted(c); c = at(pos)) pos = c.end;
    return pos;
  }
  std::size_t skip_word(std::size_t pos) const {
    return skip(pos, [](const Char& c) { return c.is_word; });
  }

  /// All spaces up to the last line end in them; without one all but the last, which belongs to
  /// what follows or stands alone.
  std::size_t end_of_spaces(std::size_t pos) const {
    std::size_t last = pos;
    std::size_t newlines_end = 0;
    std::size_t end = pos;
    Char c = at(end);
    for (; !c.is_end && c.is_space; c = at(end)) {
      last = end;
      end = c.end;
      if (c.is_newline) newlines_end = end;
    }
    if (newlines_end != 0) return newlines_end;
    return c.is_end || last == pos ? end : last;
  }

  /// Characters that no alternative takes, up to one that begins a word.
  std::size_t end_of_rest(std::size_t pos) const {
    for (;;) {
      const Char c = at(pos);
      if (c.is_end || c.is_word || c.is_mark || c.is_space || at(c.end).is_word) return pos;
      pos = c.end;
    }
  }

 private:
  std::string_view text_;
  bool is_asian_;
};

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::size_t skip_numbers(std::string_view text, std::size_t pos) {
  for (int i = 0; i < 3 && pos < text.size(); ++i) {
    if (classify(code_point_at(text, pos)) != CharClass::kNumber) break;
    pos += utf8_length(text[pos]);
  }
  return pos;
}

}  // namespace

std::string deepseek_letters_pattern() {
  std::string pattern = "\\s?[";
  for (const Range range : kCasedLetters) {
    append_utf8(pattern, range.first);
    if (range.last == range.first) continue;
    pattern += '-';
    append_utf8(pattern, range.last);
  }
  return pattern + "]+";
}

std::size_t next_deepseek_coder_word(std::string_view text, std::size_t pos) {
  return next_listed_word(text, pos, coder_char,
                          [](std::size_t, const CoderChar&) { return false; });
}

std::size_t next_deepseek_llm_word(std::string_view text, std::size_t pos) {
  return next_listed_word(text, pos, llm_char, [&](std::size_t at, const CoderChar& left) {
    return spaces_end_a_piece(text, at, left);
  });
}

std::size_t next_deepseek_v3_word(std::string_view text, std::size_t pos) {
  if (const std::size_t end = skip_numbers(text, pos); end > pos) return end;
  const V3Piece piece(text, pos);
  const V3Piece::Char first = piece.at(pos);
  const V3Piece::Char after = piece.at(first.end);
  if (first.is_mark && first.ascii != 0 && is_ascii_letter(after.ascii)) {
    return piece.skip(after.end, [](const auto& c) { return is_ascii_letter(c.ascii); });
  }
  if (first.is_word) return piece.skip_word(first.end);
  if (!first.is_newline && !first.is_mark && after.is_word) return piece.skip_word(after.end);
  if (first.is_mark || (first.ascii == ' ' && after.is_mark)) {
    const std::size_t end = piece.skip(first.end, [](const auto& c) { return c.is_mark; });
    return piece.skip(end, [](const auto& c) { return c.is_newline; });
  }
  if (first.is_space) return piece.end_of_spaces(pos);
  return piece.end_of_rest(first.end);
}

}  // namespace kvlink::inference
