// SPDX-License-Identifier: Apache-2.0
#include "inference/model/json_scanner.h"

#include <limits>

#include "kernels/base/result.h"
#include "kernels/base/utf8.h"

namespace kvlink::inference {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

JsonScanner::JsonScanner(std::string_view text, std::string source)
    : text_(text), source_(std::move(source)) {}

void JsonScanner::corrupt(const std::string& detail) const {
  fail(ErrorCode::kCorrupt,
       source_ + " is damaged at byte " + std::to_string(at_) + " of its JSON: " + detail);
}

void JsonScanner::skip_space() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
    ++at_;
  }
}

bool JsonScanner::accept(char c) {
  skip_space();
  if (at_ >= text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

void JsonScanner::expect(char c) {
  if (!accept(c)) corrupt(std::string("'") + c + "' expected");
}

std::uint32_t JsonScanner::read_hex4() {
  if (text_.size() - at_ < 4) corrupt("an escape is cut off");
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = text_[at_++];
    const char lower = static_cast<char>(c | 0x20);
    if (is_digit(c)) {
      value = value * 16 + static_cast<std::uint32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      value = value * 16 + static_cast<std::uint32_t>(lower - 'a') + 10;
    } else {
      corrupt("an escape is not four hexadecimal digits");
    }
  }
  return value;
}

void JsonScanner::read_escape(std::string* out) {
  if (at_ >= text_.size()) corrupt("a string does not end");
  const char c = text_[at_++];
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (const auto found = kLetters.find(c); found != std::string_view::npos) {
    if (out != nullptr) *out += kMeanings[found];
    return;
  }
  if (c != 'u') corrupt("an unknown escape");
  std::uint32_t code_point = read_hex4();
  if (code_point >= 0xD800 && code_point < 0xDC00) {
    if (text_.substr(at_, 2) != "\\u") corrupt("half a surrogate pair");
    at_ += 2;
    const std::uint32_t low = read_hex4();
    if (low < 0xDC00 || low > 0xDFFF) corrupt("half a surrogate pair");
    code_point = 0x10000 + ((code_point - 0xD800) << 10) + (low - 0xDC00);
  } else if (code_point >= 0xDC00 && code_point <= 0xDFFF) {
    corrupt("half a surrogate pair");
  }
  if (out != nullptr) append_utf8(*out, code_point);
}

void JsonScanner::read_text(std::string* out, std::uint64_t max_bytes) {
  expect('"');
  while (true) {
    if (at_ >= text_.size()) corrupt("a string does not end");
    const char c = text_[at_++];
    if (c == '"') return;
    if (static_cast<unsigned char>(c) < 0x20) corrupt("a control character in a string");
    if (c == '\\') {
      read_escape(out);
    } else if (out != nullptr) {
      *out += c;
    }
    if (out != nullptr && out->size() > max_bytes) corrupt("a string is too long");
  }
}

std::string JsonScanner::text(std::uint64_t max_bytes) {
  std::string value;
  read_text(&value, max_bytes);
  return value;
}

void JsonScanner::skip_text() { read_text(nullptr, 0); }

std::uint64_t JsonScanner::whole_number() {
  skip_space();
  const std::size_t begin = at_;
  std::uint64_t value = 0;
  while (at_ < text_.size() && is_digit(text_[at_])) {
    const auto digit = static_cast<std::uint64_t>(text_[at_++] - '0');
    if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) {
      corrupt("a number is too large");
    }
    value = value * 10 + digit;
  }
  const std::size_t n_digits = at_ - begin;
  if (n_digits == 0 || (n_digits > 1 && text_[begin] == '0')) {
    corrupt("a whole number of 0 or more expected");
  }
  return value;
}

void JsonScanner::expect_end() {
  skip_space();
  if (at_ != text_.size()) corrupt("something follows the end");
}

}  // namespace kvlink::inference
