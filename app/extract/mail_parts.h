// SPDX-License-Identifier: Apache-2.0
// The syntax of messages: headers, transfer encodings, encoded words.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvlink::extract {

/// A message or a part of one: its headers unfolded, and its body as it stands. Borrows the text.
struct MailPart {
  std::vector<std::pair<std::string, std::string>> headers;  ///< lower-case name, raw value
  std::string_view body;

  /// "" without one.
  std::string header(std::string_view lower_name) const;
};

MailPart split_headers(std::string_view text);

/// The bodies between "--boundary" lines.
std::vector<std::string_view> split_parts(std::string_view body, std::string_view boundary);

/// "text/html; charset=x" → "x" for "charset"; "" without it.
std::string parameter(std::string_view header, std::string_view lower_name);

std::string decode_base64(std::string_view text);
std::string decode_quoted_printable(std::string_view text, bool in_header = false);
/// By the name of the encoding; others as they are.
std::string decode_body(std::string_view body, std::string_view encoding);

/// "=?utf-8?B?…?=" and raw bytes to UTF-8.
std::string decode_header(std::string_view value);

std::string lower_case(std::string_view text);

}  // namespace kvlink::extract
