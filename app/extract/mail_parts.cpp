// SPDX-License-Identifier: Apache-2.0
#include "app/extract/mail_parts.h"

#include <algorithm>
#include <cctype>

#include "app/extract/text_decoder.h"
#include "kernels/base/hex.h"

namespace kvlink::extract {
namespace {

constexpr std::size_t kMaxHeaders = 2000;

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string MailPart::header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_name) return value;
  }
  return "";
}

MailPart split_headers(std::string_view text) {
  MailPart part;
  if (text.starts_with("From ") || text.starts_with(">From ")) take_line(text);  // a mailbox's
  while (!text.empty()) {
    const std::string_view before = text;
    const auto line = take_line(text);
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') {
      if (!part.headers.empty()) part.headers.back().second += " " + std::string(line.substr(1));
      continue;
    }
    const std::size_t colon = line.find(':');
    const bool header = colon != line.npos && colon > 0 &&
                        line.substr(0, colon).find(' ') == line.npos &&
                        part.headers.size() < kMaxHeaders;
    if (!header) {
      text = before;  // the body begins without an empty line
      break;
    }
    auto value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    part.headers.emplace_back(lower_case(line.substr(0, colon)), value);
  }
  part.body = text;
  return part;
}

std::vector<std::string_view> split_parts(std::string_view body, std::string_view boundary) {
  std::vector<std::string_view> parts;
  const std::string mark = "--" + std::string(boundary);
  const char* begin = nullptr;
  std::string_view rest = body;
  while (!rest.empty()) {
    const char* at = rest.data();
    const auto line = take_line(rest);
    if (!line.starts_with(mark)) continue;
    if (begin != nullptr) parts.emplace_back(begin, static_cast<std::size_t>(at - begin));
    begin = rest.data();
    if (line.substr(mark.size()).starts_with("--")) return parts;
  }
  if (begin != nullptr) {
    parts.emplace_back(begin, static_cast<std::size_t>(body.data() + body.size() - begin));
  }
  return parts;
}

std::string parameter(std::string_view header, std::string_view lower_name) {
  const std::string lower = lower_case(header);
  for (std::size_t at = lower.find(';'); at != lower.npos; at = lower.find(';', at)) {
    ++at;
    while (at < lower.size() && (lower[at] == ' ' || lower[at] == '\t')) ++at;
    if (lower.compare(at, lower_name.size(), lower_name) != 0) continue;
    std::size_t value = at + lower_name.size();
    while (value < lower.size() && lower[value] == ' ') ++value;
    if (value >= lower.size() || lower[value] != '=') continue;
    ++value;
    while (value < lower.size() && lower[value] == ' ') ++value;
    if (value < lower.size() && lower[value] == '"') {
      const std::size_t end = std::min(lower.find('"', value + 1), lower.size());
      return std::string(header.substr(value + 1, end - value - 1));
    }
    const std::size_t end = std::min(lower.find_first_of("; \t", value), lower.size());
    return std::string(header.substr(value, end - value));
  }
  return "";
}

std::string decode_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 3 / 4);
  unsigned bits = 0;
  int n_bits = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) continue;
    bits = bits << 6 | static_cast<unsigned>(value);
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    out += static_cast<char>(bits >> n_bits & 0xFF);
  }
  return out;
}

std::string decode_quoted_printable(std::string_view text, bool in_header) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_header && text[i] == '_') {
      out += ' ';
    } else if (text[i] != '=') {
      out += text[i];
    } else if (i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else if (i + 1 < text.size() && text[i + 1] == '\n') {
      ++i;
    } else if (i + 2 < text.size() && text[i + 1] == '\r' && text[i + 2] == '\n') {
      i += 2;
    } else if (i + 1 < text.size()) {
      out += '=';
    }
  }
  return out;
}

std::string decode_body(std::string_view body, std::string_view encoding) {
  const std::string name = lower_case(encoding);
  if (name.starts_with("base64")) return decode_base64(body);
  if (name.starts_with("quoted-printable")) return decode_quoted_printable(body);
  return std::string(body);
}

std::string decode_header(std::string_view value) {
  std::string out;
  std::size_t pos = 0;
  bool last_encoded = false;
  while (pos < value.size()) {
    const std::size_t begin = value.find("=?", pos);
    const std::size_t charset_end = begin == value.npos ? begin : value.find('?', begin + 2);
    const std::size_t kind_end =
        charset_end == value.npos ? charset_end : value.find('?', charset_end + 1);
    const std::size_t end = kind_end == value.npos ? kind_end : value.find("?=", kind_end + 1);
    if (end == value.npos) break;
    const auto between = value.substr(pos, begin - pos);
    // White space between two encoded words belongs to neither.
    if (!last_encoded || between.find_first_not_of(" \t") != between.npos) out += between;
    std::string charset(value.substr(begin + 2, charset_end - begin - 2));
    charset.resize(std::min(charset.find('*'), charset.size()));
    const auto kind = value.substr(charset_end + 1, kind_end - charset_end - 1);
    const auto word = value.substr(kind_end + 1, end - kind_end - 1);
    const bool base64 = kind == "B" || kind == "b";
    out += decode_text(base64 ? decode_base64(word) : decode_quoted_printable(word, true), charset)
               .text;
    last_encoded = true;
    pos = end + 2;
  }
  return out + decode_text(value.substr(pos)).text;
}

}  // namespace kvlink::extract
