// SPDX-License-Identifier: Apache-2.0
#include "app/extract/readers.h"

#include <optional>
#include <string_view>
#include <utility>

#include "app/extract/archive_reader.h"
#include "app/extract/docx_reader.h"
#include "app/extract/epub_reader.h"
#include "app/extract/file_type.h"
#include "app/extract/html_reader.h"
#include "app/extract/mail_reader.h"
#include "app/extract/markup_reader.h"
#include "app/extract/odf_reader.h"
#include "app/extract/office_encryption.h"
#include "app/extract/office_parts.h"
#include "app/extract/pdf_reader.h"
#include "app/extract/pptx_reader.h"
#include "app/extract/record_readers.h"
#include "app/extract/rtf_reader.h"
#include "app/extract/serve.h"
#include "app/extract/text_decoder.h"
#include "app/extract/xlsx_reader.h"
#include "kernels/base/utf8.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;

constexpr const char* kPagesNeedOcr = "its pages are pictures without text (it needs OCR)";

[[noreturn]] void fail_unsupported(std::string reason) {
  throw Unreadable(ReadProblem::kUnsupported, std::move(reason));
}

/// A message that is UTF-16 as a whole, as some programs save them, is text before it is a message.
std::string as_message(const std::string& bytes) {
  const DecodedText decoded = decode_text(bytes);
  return decoded.charset.starts_with("UTF-16") || decoded.charset == "UTF-32" ? decoded.text
                                                                              : bytes;
}

ParsedDocument read_mail_or_rtf(const std::string& bytes, const std::string& name, FileType type) {
  DocumentBuilder out;
  if (type == FileType::kRtf) {
    read_rtf(bytes, out);
    return out.finish("application/rtf", name);
  }
  if (type == FileType::kMail) {
    read_mail(as_message(bytes), out);
    return out.finish("message/rfc822", name);
  }
  read_mailbox(bytes, out);
  return out.finish("application/mbox", name);
}

/// Markdown and plain text; the name only chooses the parser, so errors are told without it.
ParsedDocument parse_as(const std::string& name, const std::string& text) {
  try {
    return retrieval::parse_document(name, text);
  } catch (const Exception& e) {
    fail(e.error().code, e.error().message.substr(name.size() + 2));
  }
}

/// Text as it stands in the file, with the file's own bytes and lines as places.
ParsedDocument read_text(const std::string& bytes, const std::string& name, FileType type) {
  const DecodedText decoded = decode_text(bytes);
  const bool native = decoded.charset == "UTF-8" || decoded.charset == "UTF-16";
  const std::string& text = native ? bytes : decoded.text;
  ParsedDocument document;
  switch (type) {
    case FileType::kMarkdown:
      document = parse_as("x.md", text);
      break;
    case FileType::kRst:
    case FileType::kOrg:
    case FileType::kAsciiDoc:
      document = read_markup(text, type);
      document.media_type = "text/plain";
      break;
    case FileType::kSource:
      document = read_source(text);
      document.media_type = "text/plain";
      break;
    default:
      document = parse_as("x.txt", text);
  }
  if (document.title.empty() || document.title == "x") {
    document.title = retrieval::fallback_title(document, name);
  }
  if (!native) {
    document.notices.push_back("converted from " + decoded.charset);
    document.media_type += "; charset=" + decoded.charset;
  }
  return document;
}

/// Records and messages: text whose places are not the file's own lines.
ParsedDocument read_records(const std::string& bytes, const std::string& name, FileType type) {
  DocumentBuilder out;
  const std::string text = decode_text(bytes, declared_charset(bytes)).text;
  switch (type) {
    case FileType::kCsv:
    case FileType::kTsv:
      read_csv(text, type == FileType::kTsv ? '\t' : '\0', out);
      return out.finish("text/csv", name);
    case FileType::kJson:
      read_json(text, out);
      return out.finish("application/json", name);
    case FileType::kJsonLines:
      read_json_lines(text, out);
      return out.finish("application/jsonl", name);
    case FileType::kNotebook:
      read_notebook(text, out);
      return out.finish("application/x-ipynb+json", name);
    case FileType::kSubtitles:
      read_subtitles(text, out);
      return out.finish("text/vtt", name);
    case FileType::kXml:
      read_xml_text(text, out);
      return out.finish("application/xml", name);
    default:
      return read_mail_or_rtf(bytes, name, type);
  }
}

ParsedDocument read_page(const std::string& bytes, const std::string& name) {
  DocumentBuilder out;
  read_html(decode_text(bytes, declared_charset(bytes)).text, out);
  return out.finish("text/html", name);
}

/// Nothing when it is no document but an archive.
std::optional<ParsedDocument> read_zip(ZipArchive& archive, const std::string& name) {
  constexpr std::string_view kOffice = "application/vnd.openxmlformats-officedocument.";
  DocumentBuilder out;
  const std::string main = related_part(archive, "", "officeDocument");
  if (main.starts_with("word/")) {
    read_docx(archive, main, out);
    return out.finish(std::string(kOffice) + "wordprocessingml.document", name);
  }
  if (main.starts_with("ppt/")) {
    read_pptx(archive, main, out);
    return out.finish(std::string(kOffice) + "presentationml.presentation", name);
  }
  if (main.starts_with("xl/")) {
    read_xlsx(archive, main, out);
    return out.finish(std::string(kOffice) + "spreadsheetml.sheet", name);
  }
  const std::string type = archive.read("mimetype").value_or("");
  if (type.starts_with("application/vnd.oasis.opendocument")) {
    read_odf(archive, type, out);
    return out.finish(type, name);
  }
  if (archive.contains("META-INF/container.xml")) {
    read_epub(archive, out);
    return out.finish("application/epub+zip", name);
  }
  return std::nullopt;
}

/// `is_member`: of an archive itself.
void refuse_archive(const retrieval::ReadRequest& request, bool is_member) {
  if (is_member) fail_unsupported("archives inside archives are not opened");
  if (request.archives) return;
  fail_unsupported(
      "archives are not opened; unpack it and add the folder, or set read_archives in "
      "settings.json");
}

[[noreturn]] void fail_for_old_office() {
  fail_unsupported(
      "old Office formats (.doc, .xls, .ppt, .msg) are not read; save it as .docx, "
      ".xlsx or .pptx");
}

ParsedDocument read_by_type(const std::string& bytes, const retrieval::ReadRequest& request,
                            bool is_member);

ParsedDocument read_archive(const std::string& bytes, const retrieval::ReadRequest& request,
                            ZipArchive* zip) {
  const MemberReader read = [&](const std::string& member, const std::string& name) {
    retrieval::ReadRequest inner = request;
    inner.file_name = name;
    return read_by_type(member, inner, true);
  };
  DocumentBuilder out;
  out.set_title(request.file_name);
  if (zip != nullptr) {
    read_zip_members(*zip, read, out);
    return out.finish("application/zip", request.file_name);
  }
  const std::string unpacked = is_gzip(bytes) ? unpack_gzip(bytes) : std::string();
  const std::string_view tar = is_gzip(bytes) ? unpacked : bytes;
  if (!is_tar(tar)) fail_unsupported("archives of this kind are not opened; unpack it");
  read_tar_members(tar, read, out);
  return out.finish("application/x-tar", request.file_name);
}

ParsedDocument read_container(const std::string& bytes, const retrieval::ReadRequest& request,
                              bool is_member) {
  ZipArchive archive(bytes, {}, request.password);
  if (auto document = read_zip(archive, request.file_name)) return std::move(*document);
  refuse_archive(request, is_member);
  return read_archive(bytes, request, &archive);
}

ParsedDocument read_by_type(const std::string& bytes, const retrieval::ReadRequest& request,
                            bool is_member) {
  const std::string& name = request.file_name;
  const FileType type = file_type(name, bytes);
  switch (type) {
    case FileType::kPdf: {
      DocumentBuilder out;
      read_pdf(bytes, request.password, out);
      if (is_member && out.is_empty()) throw Unreadable(ReadProblem::kNeedsOcr, kPagesNeedOcr);
      return out.finish("application/pdf", name);
    }
    case FileType::kHtml:
      return read_page(bytes, name);
    case FileType::kZip:
      return read_container(bytes, request, is_member);
    case FileType::kOle:
      if (!is_encrypted_office(bytes)) fail_for_old_office();
      return read_container(decrypt_office(bytes, request.password), request, is_member);
    case FileType::kPicture:
      throw Unreadable(ReadProblem::kNeedsOcr, "it is a picture (it needs OCR)");
    case FileType::kMedia:
      fail_unsupported("sound and film are not read");
    case FileType::kArchive:
      refuse_archive(request, is_member);
      return read_archive(bytes, request, nullptr);
    case FileType::kBinary:
      fail_unsupported("this is binary content, not text");
    case FileType::kPlainText:
    case FileType::kMarkdown:
    case FileType::kSource:
    case FileType::kRst:
    case FileType::kOrg:
    case FileType::kAsciiDoc:
      return read_text(bytes, name, type);
    default:
      return read_records(bytes, name, type);
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
  report.document = read_by_type(bytes, request, false);
  if (report.document.blocks.empty()) {
    if (report.document.pages_without_text.empty()) {
      throw Unreadable(ReadProblem::kNoText, "the file has no text in it");
    }
    report.problem = ReadProblem::kNeedsOcr;
    report.reason = kPagesNeedOcr;
  }
  return report;
}

}  // namespace kvlink::extract
