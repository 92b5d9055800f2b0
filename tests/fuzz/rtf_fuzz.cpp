// SPDX-License-Identifier: Apache-2.0
// Rich text from any bytes: no crash, only valid text.
#include <cstdint>
#include <string_view>

#include "app/extract/rtf_reader.h"
#include "kernels/base/result.h"
#include "kernels/base/utf8.h"

using namespace kvlink;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  extract::DocumentBuilder out;
  extract::read_rtf({reinterpret_cast<const char*>(data), size}, out);
  for (const auto& block : out.finish("application/rtf", "x.rtf").blocks) {
    KVLINK_CHECK(is_valid_utf8(block.text) && !block.text.empty());
  }
  return 0;
}
