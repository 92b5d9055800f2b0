// SPDX-License-Identifier: Apache-2.0
// Office documents whose main part, or whose container, is any bytes.
#include <cstdint>
#include <string>

#include "app/extract/docx_reader.h"
#include "app/extract/epub_reader.h"
#include "app/extract/odf_reader.h"
#include "app/extract/pptx_reader.h"
#include "app/extract/serve.h"
#include "app/extract/xlsx_reader.h"
#include "kernels/base/utf8.h"
#include "tests/retrieval/zip_writer.h"

using namespace kvlink;
using retrieval::tests::ZipWriter;

namespace {

std::string relations(const char* type, const char* target) {
  return std::string("<r><Relationship Id=\"r1\" Type=\"x/") + type + "\" Target=\"" + target +
         "\"/></r>";
}

std::string container(int kind, const std::string& part) {
  ZipWriter zip;
  switch (kind) {
    case 0:
      zip.add("m.xml", part).add("_rels/m.xml.rels", relations("styles", "s.xml"));
      zip.add("s.xml", part);
      break;
    case 1:
      zip.add("m.xml", "<p xmlns:r=\"r\"><sldId r:id=\"r1\"/></p>").add("s.xml", part);
      zip.add("_rels/m.xml.rels", relations("slide", "s.xml"));
      zip.add("_rels/s.xml.rels", relations("notesSlide", "s.xml"));
      break;
    case 2:
      zip.add("m.xml", "<p xmlns:r=\"r\"><sheet name=\"a\" r:id=\"r1\"/></p>").add("s.xml", part);
      zip.add("_rels/m.xml.rels", relations("worksheet", "s.xml"));
      break;
    default:
      zip.add("content.xml", part).add("META-INF/container.xml", part).add("m.xml", part);
  }
  return zip.finish();
}

void read(int kind, const std::string& bytes, extract::DocumentBuilder& out) {
  extract::ZipArchive archive(bytes);
  switch (kind) {
    case 0:
      return extract::read_docx(archive, "m.xml", out);
    case 1:
      return extract::read_pptx(archive, "m.xml", out);
    case 2:
      return extract::read_xlsx(archive, "m.xml", out);
    case 3:
      return extract::read_odf(archive, "application/vnd.oasis.opendocument.text", out);
    case 4:
      return extract::read_odf(archive, "application/vnd.oasis.opendocument.spreadsheet", out);
    default:
      return extract::read_epub(archive, out);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string part(reinterpret_cast<const char*>(data) + 1, size - 1);
  const int kind = data[0] % 12;
  extract::DocumentBuilder out;
  try {
    // The upper half of the kinds has the bytes as the container itself.
    read(kind % 6, kind < 6 ? container(kind % 6, part) : part, out);
  } catch (const extract::Unreadable&) {
    return 0;
  }
  for (const auto& block : out.finish("x", "x").blocks) {
    KVLINK_CHECK(is_valid_utf8(block.text) && !block.text.empty());
  }
  return 0;
}
