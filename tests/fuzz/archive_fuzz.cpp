// SPDX-License-Identifier: Apache-2.0
// Archives from any bytes, the first of which chooses the kind: no crash, members only from inside.
#include <cstdint>
#include <string>
#include <string_view>

#include "app/extract/archive_reader.h"
#include "app/extract/serve.h"
#include "kernels/base/result.h"
#include "kernels/base/utf8.h"

using namespace kvlink;

namespace {

/// A member is one paragraph, or one that cannot be read.
extract::ParsedDocument read_member(const std::string& bytes, const std::string& name) {
  if (bytes.starts_with('!')) fail(ErrorCode::kUnsupported, "not this one");
  extract::DocumentBuilder out;
  out.paragraph(bytes);
  return out.finish("text/plain", name);
}

void read(std::uint8_t kind, const std::string& bytes, extract::DocumentBuilder& out) {
  if (kind % 3 == 0) {
    extract::ZipArchive archive(bytes);
    return extract::read_zip_members(archive, read_member, out);
  }
  if (kind % 3 == 1) return extract::read_tar_members(bytes, read_member, out, 100);
  extract::read_tar_members(extract::unpack_gzip(bytes, 1 << 20), read_member, out, 100);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  extract::DocumentBuilder out;
  try {
    read(data[0], std::string(reinterpret_cast<const char*>(data) + 1, size - 1), out);
  } catch (const extract::Unreadable&) {
    return 0;
  }
  for (const auto& block : out.finish("x", "x").blocks) {
    KVLINK_CHECK(is_valid_utf8(block.text) && !block.text.empty());
  }
  return 0;
}
