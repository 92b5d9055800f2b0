// SPDX-License-Identifier: Apache-2.0
// Text in any encoding to UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace kvlink::extract {

struct DecodedText {
  std::string text;     ///< UTF-8; malformed parts are U+FFFD when it was UTF-8 already
  std::string charset;  ///< "UTF-8", "UTF-16LE", "windows-1252": what it was taken for
};

/// Byte order marks first, then valid UTF-8, then `declared` (what a header or <meta> says), then
/// what the bytes look like. Windows-1252 when nothing is certain.
DecodedText decode_text(std::string_view bytes, std::string_view declared = {});

/// From a named encoding; "" when ICU has none of that name.
std::string convert_text(std::string_view bytes, const std::string& charset);

/// The charset that an HTML or XML head declares in its first 4 KiB; "" without one.
std::string declared_charset(std::string_view bytes);

/// Loads ICU's data: conversions open no file afterwards.
void prepare_decoding();

}  // namespace kvlink::extract
