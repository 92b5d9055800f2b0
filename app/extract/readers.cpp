// SPDX-License-Identifier: Apache-2.0
#include "app/extract/readers.h"

#include <string_view>
#include <utility>

#include "app/extract/docx_reader.h"
#include "app/extract/file_type.h"
#include "app/extract/html_reader.h"
#include "app/extract/office_parts.h"
#include "app/extract/pdf_reader.h"
#include "app/extract/serve.h"
#include "app/extract/text_decoder.h"
#include "kernels/base/utf8.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;

[[noreturn]] void fail_unsupported(std::string reason) {
  throw Unreadable(ReadProblem::kUnsupported, std::move(reason));
}

/// Text as it stands in the file, with the file's own bytes and lines as places.
ParsedDocument read_text(const std::string& bytes, const std::string& name, bool markdown) {
  // The suffix chooses the parser; other text is read as plain text.
  const std::string as = markdown ? "x.md" : "x.txt";
  const DecodedText decoded = decode_text(bytes);
  const bool native = decoded.charset == "UTF-8" || decoded.charset == "UTF-16";
  ParsedDocument document = retrieval::parse_document(as, native ? bytes : decoded.text);
  if (document.title == "x") document.title = retrieval::fallback_title(document, name);
  if (!native) {
    document.notices.push_back("converted from " + decoded.charset);
    document.media_type += "; charset=" + decoded.charset;
  }
  return document;
}

ParsedDocument read_page(const std::string& bytes, const std::string& name) {
  DocumentBuilder out;
  read_html(decode_text(bytes, declared_charset(bytes)).text, out);
  return out.finish("text/html", name);
}

ParsedDocument read_zip(const std::string& bytes, const std::string& name) {
  ZipArchive archive(bytes);
  const std::string main = related_part(archive, "", "officeDocument");
  DocumentBuilder out;
  if (main.starts_with("word/")) {
    read_docx(archive, main, out);
    return out.finish("application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                      name);
  }
  fail_unsupported("archives are not opened; unpack it and add the folder");
}

ParsedDocument read_by_type(const std::string& bytes, const retrieval::ReadRequest& request) {
  const std::string& name = request.file_name;
  switch (file_type(name, bytes)) {
    case FileType::kPdf: {
      DocumentBuilder out;
      read_pdf(bytes, request.password, out);
      return out.finish("application/pdf", name);
    }
    case FileType::kHtml:
      return read_page(bytes, name);
    case FileType::kZip:
      return read_zip(bytes, name);
    case FileType::kMarkdown:
      return read_text(bytes, name, true);
    case FileType::kOle:
      fail_unsupported(
          "old Office formats (.doc, .xls, .ppt, .msg) are not read; save it as .docx, "
          ".xlsx or .pptx");
    case FileType::kPicture:
      throw Unreadable(ReadProblem::kNeedsOcr, "it is a picture (it needs OCR)");
    case FileType::kMedia:
      fail_unsupported("sound and film are not read");
    case FileType::kArchive:
      fail_unsupported("archives are not opened; unpack it and add the folder");
    case FileType::kBinary:
      fail_unsupported("this is binary content, not text");
    default:
      return read_text(bytes, name, false);
  }
}

}  // namespace

void prepare_readers() {
  prepare_decoding();
  prepare_pdf();
}

retrieval::ReadReport read_document(const std::string& bytes,
                                    const retrieval::ReadRequest& request) {
  retrieval::ReadReport report;
  if (request.page > 0) {
    report.image = draw_pdf_page(bytes, request);
    return report;
  }
  if (bytes.empty()) throw Unreadable(ReadProblem::kNoText, "the file is empty");
  report.document = read_by_type(bytes, request);
  if (report.document.blocks.empty()) {
    throw Unreadable(ReadProblem::kNoText, "the file has no text in it");
  }
  return report;
}

}  // namespace kvlink::extract
