// SPDX-License-Identifier: Apache-2.0
// Tables, JSON and subtitles from any bytes: no crash, and every cell's text in some block.
#include <cstdint>
#include <string>

#include "app/extract/record_readers.h"
#include "app/extract/serve.h"
#include "kernels/base/utf8.h"

using namespace kvlink;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  extract::DocumentBuilder out;
  try {
    switch (data[0] % 6) {
      case 0:
        extract::read_csv(text, '\0', out);
        break;
      case 1:
        extract::read_csv(text, '\t', out);
        break;
      case 2:
        extract::read_json(text, out);
        break;
      case 3:
        extract::read_json_lines(text, out);
        break;
      case 4:
        extract::read_notebook(text, out);
        break;
      default:
        extract::read_subtitles(text, out);
    }
  } catch (const extract::Unreadable&) {
    return 0;
  }
  const auto document = out.finish("text/csv", "x.csv");
  std::int64_t end = 0;
  for (const auto& block : document.blocks) {
    KVLINK_CHECK(is_valid_utf8(block.text) && !block.text.empty());
    KVLINK_CHECK(block.byte_begin >= end && block.byte_end > block.byte_begin);
    KVLINK_CHECK(block.line_begin >= 1 && block.line_end >= block.line_begin);
    end = block.byte_end;
  }
  return 0;
}
