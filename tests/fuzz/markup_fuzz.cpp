// SPDX-License-Identifier: Apache-2.0
// Pages, markup, XML and text in any encoding from any bytes.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/extract/html_reader.h"
#include "app/extract/markup_reader.h"
#include "app/extract/pdf_layout.h"
#include "app/extract/serve.h"
#include "app/extract/text_decoder.h"
#include "kernels/base/utf8.h"

using namespace kvlink;

namespace {

/// Words on a small grid: two letters say where, the rest of a line is the word.
std::vector<extract::PlacedLine> placed_lines(std::string_view text) {
  constexpr std::size_t kMost = 600;
  std::vector<extract::PlacedLine> lines;
  while (!text.empty() && lines.size() < kMost) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.size() < 3) continue;
    const auto left = static_cast<float>(static_cast<unsigned char>(line[0]) * 3);
    const auto top = static_cast<float>(static_cast<unsigned char>(line[1]) * 4);
    const auto width = static_cast<float>(line.size() * 5);
    if (line[2] != '+' || lines.empty()) lines.emplace_back();
    // What is not UTF-8 any more is repaired by the builder.
    lines.back().cells.push_back({std::string(line.substr(2)), {left, top, left + width, top + 8}});
    lines.back().is_divided = line[2] == '-';
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string text = extract::decode_text(bytes, extract::declared_charset(bytes)).text;
  KVLINK_CHECK(is_valid_utf8(text));
  extract::DocumentBuilder out;
  extract::ParsedDocument document;
  try {
    switch (data[0] % 8) {
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
      case 6:
        extract::add_page_lines(placed_lines(text), {{1, "Head"}}, out);
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
