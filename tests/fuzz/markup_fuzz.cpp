// SPDX-License-Identifier: Apache-2.0
// Pages, markup, XML and text in any encoding from any bytes.
#include <cstdint>
#include <string>

#include "app/extract/html_reader.h"
#include "app/extract/markup_reader.h"
#include "app/extract/pdf_text.h"
#include "app/extract/serve.h"
#include "app/extract/text_decoder.h"
#include "kernels/base/utf8.h"

using namespace kvlink;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string text = extract::decode_text(bytes, extract::declared_charset(bytes)).text;
  KVLINK_CHECK(is_valid_utf8(text));
  extract::DocumentBuilder out;
  extract::ParsedDocument document;
  try {
    switch (data[0] % 7) {
      case 0:
        document = extract::read_markup(text, extract::FileType::kRst);
        break;
      case 1:
        document = extract::read_markup(text, extract::FileType::kOrg);
        break;
      case 2:
        document = extract::read_markup(text, extract::FileType::kAsciiDoc);
        break;
      case 3:
        document = extract::read_source(text);
        break;
      case 4:
        extract::read_xml_text(text, out);
        break;
      case 5:
        extract::add_page_text(text, {{1, "Head"}}, out);
        break;
      default:
        extract::file_type("x", bytes);
        extract::file_type("x.csv", bytes);
    }
  } catch (const extract::Unreadable&) {
    return 0;
  } catch (const Exception&) {
    return 0;
  }
  if (!out.is_empty()) document = out.finish("x", "x");
  for (const auto& block : document.blocks) {
    KVLINK_CHECK(is_valid_utf8(block.text) && !block.text.empty());
  }
  return 0;
}
