// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/bert_text.h"

#include <array>

#include "inference/tokenizer/text_scan.h"
#include "kernels/base/utf8.h"

#ifdef KVLINK_HAVE_ICU
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>
#endif

namespace kvlink::inference {

#ifdef KVLINK_HAVE_ICU
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

// The blocks that BERT's reference counts as CJK ideographs.
constexpr std::array<Range, 8> kIdeographs = {{{0x3400, 0x4DBF},
                                               {0x4E00, 0x9FFF},
                                               {0xF900, 0xFAFF},
                                               {0x20000, 0x2A6DF},
                                               {0x2A700, 0x2B73F},
                                               {0x2B740, 0x2B81F},
                                               {0x2B920, 0x2CEAF},
                                               {0x2F800, 0x2FA1F}}};

bool is_ideograph(std::uint32_t c) {
  if (c < kIdeographs.front().first) return false;
  for (const Range& range : kIdeographs) {
    if (c >= range.first && c <= range.last) return true;
  }
  return false;
}

bool is_dropped(std::uint32_t c) {
  if (c == 0 || c == 0xFFFD) return true;
  const std::uint32_t mask = U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK | U_GC_CS_MASK;
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0;
}

bool is_white(std::uint32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0; }

bool is_punctuation(std::uint32_t c) {
  if (c < 128) {
    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
           (c >= 123 && c <= 126);
  }
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_P_MASK) != 0;
}

/// Collects characters into words and hands each on when it is complete.
class WordSplitter {
 public:
  WordSplitter(const WordPieceOptions& options,
               const std::function<void(std::string_view, int)>& word)
      : options_(options), word_(word) {
    UErrorCode status = U_ZERO_ERROR;
    nfd_ = unorm2_getNFDInstance(&status);
    if (U_FAILURE(status)) fail(ErrorCode::kUnsupported, "ICU carries no normalisation data");
  }

  void run(std::string_view text) {
    for (std::size_t pos = 0; pos < text.size(); pos += utf8_length(text[pos])) {
      clean(code_point_at(text, pos));
    }
    finish_word();
  }

 private:
  void clean(std::uint32_t c) {
    if (c == ' ') return finish_word();
    if (c > ' ' && c < 127) return lower(c);
    // White space that is also a control character (vertical tab) is dropped, not a separator, but
    // for these three.
    if (c == '\t' || c == '\n' || c == '\r') return finish_word();
    if (options_.clean_text && is_dropped(c)) return;
    if (is_white(c)) return finish_word();
    if (options_.split_cjk && is_ideograph(c)) {
      finish_word();
      decompose(c);
      return finish_word();
    }
    decompose(c);
  }

  void decompose(std::uint32_t c) {
    if (c < 128 || !options_.strip_accents) return lower(c);
    constexpr std::int32_t kLongestDecomposition = 32;  // Unicode's longest canonical one has 4
    std::array<UChar, kLongestDecomposition> parts{};
    UErrorCode status = U_ZERO_ERROR;
    const std::int32_t n = unorm2_getDecomposition(nfd_, static_cast<UChar32>(c), parts.data(),
                                                   kLongestDecomposition, &status);
    if (n < 0 || U_FAILURE(status)) return strip(c);
    for (std::int32_t i = 0; i < n;) {
      UChar32 part = 0;
      U16_NEXT(parts.data(), i, n, part);
      strip(static_cast<std::uint32_t>(part));
    }
  }

  void strip(std::uint32_t c) {
    if (u_charType(static_cast<UChar32>(c)) != U_NON_SPACING_MARK) lower(c);
  }

  void lower(std::uint32_t c) {
    if (!options_.lower_case) return split(c);
    if (c < 128) return split(c >= 'A' && c <= 'Z' ? c + 32 : c);
    // The only character whose lower case is two: an i and its dot.
    if (c == 0x130) {
      split('i');
      return split(0x307);
    }
    split(static_cast<std::uint32_t>(u_tolower(static_cast<UChar32>(c))));
  }

  void split(std::uint32_t c) {
    const bool alone = is_punctuation(c);
    if (alone) finish_word();
    if (n_chars_ <= options_.max_word_chars) {
      append_utf8(current_, c);
      ++n_chars_;
    }
    if (alone) finish_word();
  }

  void finish_word() {
    if (n_chars_ > 0) word_(current_, n_chars_);
    current_.clear();
    n_chars_ = 0;
  }

  const WordPieceOptions& options_;
  const std::function<void(std::string_view, int)>& word_;
  const UNormalizer2* nfd_ = nullptr;
  std::string current_;
  int n_chars_ = 0;
};

}  // namespace

void for_each_bert_word(std::string_view text, const WordPieceOptions& options,
                        const std::function<void(std::string_view, int)>& word) {
  WordSplitter(options, word).run(text);
}

#else

void for_each_bert_word(std::string_view text, const WordPieceOptions& options,
                        const std::function<void(std::string_view, int)>& word) {
  expect_character_data(text);
  std::string current;
  const auto finish_word = [&] {
    if (!current.empty()) word(current, static_cast<int>(current.size()));
    current.clear();
  };
  for (const char c : text) {
    const bool is_control = static_cast<unsigned char>(c) < ' ' || c == 127;
    const bool is_blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (is_control && !is_blank && options.clean_text) continue;
    if (is_blank || c == '\v' || c == '\f') {
      finish_word();
      continue;
    }
    const bool is_letter_or_digit =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const bool is_alone = !is_control && !is_letter_or_digit;
    if (is_alone) finish_word();
    if (std::ssize(current) <= options.max_word_chars) {
      current += options.lower_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    if (is_alone) finish_word();
  }
  finish_word();
}

#endif

}  // namespace kvlink::inference
