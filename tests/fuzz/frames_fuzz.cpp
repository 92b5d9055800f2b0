// SPDX-License-Identifier: Apache-2.0
// Frames and requests from a reader that has been taken over: refused or sound.
#include <cstdint>
#include <string_view>

#include "kernels/base/result.h"
#include "kernels/base/utf8.h"
#include "retrieval/extract/frames.h"

using namespace kvlink;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  retrieval::FrameReader reader({.bytes = 1 << 20, .blocks = 1000});
  try {
    reader.feed(retrieval::hello_frame(true));
    reader.feed(bytes.substr(0, size / 2));
    reader.feed(bytes.substr(size / 2));
  } catch (const Exception&) {
  }
  const retrieval::ReadReport report = reader.take_report();
  std::int32_t last_page = 0;
  for (const std::int32_t page : report.document.pages_without_text) {
    KVLINK_CHECK(page > last_page && page <= retrieval::kMaxPages);
    last_page = page;
  }
  std::int64_t last = 0;
  for (const auto& block : report.document.blocks) {
    KVLINK_CHECK(is_valid_utf8(block.text) && !block.text.empty());
    KVLINK_CHECK(block.byte_begin >= last && block.byte_end >= block.byte_begin);
    KVLINK_CHECK(block.line_begin >= 1 && block.line_end >= block.line_begin && block.level <= 6);
    last = block.byte_begin;
  }
  try {
    retrieval::decode_request(bytes);
  } catch (const Exception&) {
  }
  return 0;
}
