// SPDX-License-Identifier: Apache-2.0
// Messages and mailboxes from any bytes: no crash, only valid text.
#include <cstdint>
#include <string_view>

#include "app/extract/mail_reader.h"
#include "app/extract/serve.h"
#include "kernels/base/utf8.h"

using namespace kvlink;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  extract::DocumentBuilder out;
  try {
    if (bytes.starts_with("From ")) {
      extract::read_mailbox(bytes, out);
    } else {
      extract::read_mail(bytes, out);
    }
  } catch (const extract::Unreadable&) {
    return 0;
  }
  for (const auto& block : out.finish("message/rfc822", "x.eml").blocks) {
    KVLINK_CHECK(is_valid_utf8(block.text) && !block.text.empty());
  }
  return 0;
}
