// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/text_scan.h"

#include <algorithm>
#include <array>

#include "kernels/base/result.h"

#ifdef KVLINK_HAVE_ICU
#include <unicode/uchar.h>
#endif

namespace kvlink::inference {
namespace {

constexpr CharClass classify_ascii(std::uint32_t c) {
  if (c == '\n' || c == '\r') return CharClass::kNewline;
  if (c == ' ' || c == '\t' || c == '\v' || c == '\f') return CharClass::kSpace;
  if (c >= '0' && c <= '9') return CharClass::kNumber;
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return CharClass::kLetter;
  return CharClass::kOther;
}

constexpr std::array<CharClass, 128> make_ascii_classes() {
  std::array<CharClass, 128> classes{};
  for (std::uint32_t c = 0; c < 128; ++c) classes[c] = classify_ascii(c);
  return classes;
}

constexpr std::array<CharClass, 128> kAsciiClasses = make_ascii_classes();

}  // namespace

#ifdef KVLINK_HAVE_ICU

void expect_character_data(std::string_view) {}

CharClass classify(std::uint32_t code_point) {
  if (code_point < 128) return kAsciiClasses[code_point];
  const auto c = static_cast<UChar32>(code_point);
  const std::uint32_t category = U_GET_GC_MASK(c);
  if ((category & U_GC_L_MASK) != 0) return CharClass::kLetter;
  if ((category & U_GC_N_MASK) != 0) return CharClass::kNumber;
  if (u_isUWhiteSpace(c)) return CharClass::kSpace;
  return CharClass::kOther;
}

bool is_punctuation(std::uint32_t code_point) {
  return u_ispunct(static_cast<UChar32>(code_point)) != 0;
}

bool is_symbol(std::uint32_t code_point) {
  return (U_GET_GC_MASK(static_cast<UChar32>(code_point)) & U_GC_S_MASK) != 0;
}

bool is_mark(std::uint32_t code_point) {
  return (U_GET_GC_MASK(static_cast<UChar32>(code_point)) & U_GC_M_MASK) != 0;
}

bool is_word_character(std::uint32_t code_point) {
  const auto c = static_cast<UChar32>(code_point);
  return u_isUAlphabetic(c) || u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL) ||
         (U_GET_GC_MASK(c) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0;
}

#else

bool is_word_character(std::uint32_t code_point) {
  const CharClass kind = classify(code_point);
  return kind == CharClass::kLetter || kind == CharClass::kNumber || code_point == '_';
}

bool is_symbol(std::uint32_t code_point) {
  constexpr std::string_view kSymbols = "$+<=>^`|~";
  return code_point < 128 && kSymbols.find(static_cast<char>(code_point)) < kSymbols.size();
}

bool is_mark(std::uint32_t) { return false; }

bool is_punctuation(std::uint32_t code_point) {
  constexpr std::string_view kPunctuation = "!\"#%&'()*,-./:;?@[\\]_{}";
  return code_point < 128 && kPunctuation.find(static_cast<char>(code_point)) < kPunctuation.size();
}

void expect_character_data(std::string_view text) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(text.begin(), text.end(), is_ascii)) return;
  fail(ErrorCode::kUnsupported,
       "this model's tokenizer needs Unicode character data, and this build has no ICU");
}

CharClass classify(std::uint32_t code_point) {
  return code_point < 128 ? kAsciiClasses[code_point] : CharClass::kOther;
}

#endif

}  // namespace kvlink::inference
