// SPDX-License-Identifier: Apache-2.0
#include "app/extract/text_decoder.h"

#include <uchardet/uchardet.h>
#include <unicode/ucnv.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <memory>

#include "kernels/base/utf8.h"

namespace kvlink::extract {
namespace {

constexpr std::size_t kDetectBytes = 1 << 18;

struct ConverterDeleter {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};

struct DetectorDeleter {
  void operator()(uchardet_t detector) const { uchardet_delete(detector); }
};

/// The encoding that a byte order mark or the pattern of zero bytes gives away.
std::string marked_charset(std::string_view bytes) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xFF\xFE\0\0"sv) || bytes.starts_with("\0\0\xFE\xFF"sv)) return "UTF-32";
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) return "UTF-16";
  if (bytes.starts_with("\xEF\xBB\xBF")) return "UTF-8";
  const std::string_view head = bytes.substr(0, 512 & ~std::size_t{1});
  std::size_t n_even = 0, n_odd = 0;
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '\0') ++(i % 2 == 0 ? n_even : n_odd);
  }
  const std::size_t half = head.size() / 2;
  if (half >= 4 && n_odd * 10 > half * 7 && n_even * 10 < half) return "UTF-16LE";
  if (half >= 4 && n_even * 10 > half * 7 && n_odd * 10 < half) return "UTF-16BE";
  return "";
}

std::string detected_charset(std::string_view bytes) {
  const std::unique_ptr<std::remove_pointer_t<uchardet_t>, DetectorDeleter> detector(
      uchardet_new());
  if (!detector) return "";
  const auto head = bytes.substr(0, kDetectBytes);
  uchardet_handle_data(detector.get(), head.data(), head.size());
  uchardet_data_end(detector.get());
  return uchardet_get_charset(detector.get());
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) ==
                  std::tolower(static_cast<unsigned char>(y));
         });
}

/// Labels that the web uses for a superset.
std::string web_charset(std::string_view name) {
  if (same_name(name, "iso-8859-1") || same_name(name, "us-ascii") || same_name(name, "ascii")) {
    return "windows-1252";
  }
  if (same_name(name, "gb2312")) return "gb18030";
  if (same_name(name, "shift_jis") || same_name(name, "sjis")) return "windows-31j";
  return std::string(name);
}

std::size_t n_replaced(std::string_view text) {
  std::size_t n = 0;
  for (auto pos = text.find("\uFFFD"); pos != text.npos; pos = text.find("\uFFFD", pos + 3)) ++n;
  return n;
}

std::string find_value(std::string_view lower, std::string_view original, std::string_view key) {
  std::size_t pos = lower.find(key);
  if (pos == lower.npos) return "";
  pos += key.size();
  while (pos < lower.size() &&
         (lower[pos] == ' ' || lower[pos] == '=' || lower[pos] == '"' || lower[pos] == '\'')) {
    ++pos;
  }
  const std::size_t end = lower.find_first_of(" \"';/>?\r\n\t", pos);
  if (end == lower.npos || end - pos > 40) return "";
  return std::string(original.substr(pos, end - pos));
}

}  // namespace

std::string convert_text(std::string_view bytes, const std::string& charset) {
  UErrorCode state = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, ConverterDeleter> converter(ucnv_open(charset.c_str(), &state));
  if (U_FAILURE(state)) return "";
  const icu::UnicodeString text(bytes.data(), static_cast<std::int32_t>(bytes.size()),
                                converter.get(), state);
  if (U_FAILURE(state)) return "";
  std::string out;
  text.toUTF8String(out);
  if (out.starts_with("\xEF\xBB\xBF")) out.erase(0, 3);
  return out;
}

DecodedText decode_text(std::string_view bytes, std::string_view declared) {
  const std::string marked = marked_charset(bytes);
  if (marked == "UTF-8") return {repair_utf8(bytes.substr(3)), marked};
  if (!marked.empty()) return {convert_text(bytes, marked), marked};
  if (is_valid_utf8(bytes)) return {std::string(bytes), "UTF-8"};
  if (!declared.empty()) {
    const std::string name = web_charset(declared);
    std::string text = same_name(name, "utf-8") ? repair_utf8(bytes) : convert_text(bytes, name);
    // A label that is mostly wrong is worse than none.
    if (!text.empty() && n_replaced(text) * 100 < text.size()) return {std::move(text), name};
  }
  const std::string seen = web_charset(detected_charset(bytes));
  if (!seen.empty() && !same_name(seen, "utf-8")) {
    std::string text = convert_text(bytes, seen);
    if (!text.empty() && n_replaced(text) * 100 < text.size()) return {std::move(text), seen};
  }
  // Mostly UTF-8 with a few damaged bytes, or no encoding that is known.
  std::string repaired = repair_utf8(bytes);
  if (n_replaced(repaired) * 200 < bytes.size()) return {std::move(repaired), "UTF-8"};
  return {convert_text(bytes, "windows-1252"), "windows-1252"};
}

std::string declared_charset(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, 4096);
  std::string lower(head);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::string found = find_value(lower, head, "charset=");
  if (found.empty()) found = find_value(lower, head, "encoding=");
  return found;
}

void prepare_decoding() {
  for (const char* name : {"windows-1252", "UTF-16", "UTF-32", "windows-31j", "gb18030", "big5",
                           "euc-kr", "euc-jp", "koi8-r", "windows-1251"}) {
    convert_text("x", name);
  }
}

}  // namespace kvlink::extract
