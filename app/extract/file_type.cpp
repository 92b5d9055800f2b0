// SPDX-License-Identifier: Apache-2.0
#include "app/extract/file_type.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "retrieval/text_blocks.h"

namespace kvlink::extract {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  FileType type;
};

constexpr std::array kMagics = {
    Magic{0, "PK\x03\x04"sv, FileType::kZip},
    Magic{0, "PK\x05\x06"sv, FileType::kZip},
    Magic{0, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, FileType::kOle},
    Magic{0, "{\\rtf"sv, FileType::kRtf},
    Magic{0, "\x89PNG"sv, FileType::kPicture},
    Magic{0, "\xFF\xD8\xFF"sv, FileType::kPicture},
    Magic{0, "GIF8"sv, FileType::kPicture},
    Magic{0, "II*\0"sv, FileType::kPicture},
    Magic{0, "MM\0*"sv, FileType::kPicture},
    Magic{8, "WEBP"sv, FileType::kPicture},
    Magic{4, "ftyp"sv, FileType::kMedia},
    Magic{0, "ID3"sv, FileType::kMedia},
    Magic{0, "OggS"sv, FileType::kMedia},
    Magic{0, "fLaC"sv, FileType::kMedia},
    Magic{8, "WAVE"sv, FileType::kMedia},
    Magic{0, "\x1A\x45\xDF\xA3"sv, FileType::kMedia},
    Magic{0, "\x1F\x8B"sv, FileType::kArchive},
    Magic{0, "7z\xBC\xAF"sv, FileType::kArchive},
    Magic{0, "Rar!"sv, FileType::kArchive},
    Magic{0, "BZh"sv, FileType::kArchive},
    Magic{0,
          "\xFD"
          "7zXZ"sv,
          FileType::kArchive},
    Magic{257, "ustar"sv, FileType::kArchive},
    Magic{0,
          "\x7F"
          "ELF"sv,
          FileType::kBinary},
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// The first bytes without byte order mark and white space, zero bytes of UTF-16 left out.
std::string plain_head(std::string_view bytes) {
  std::string head;
  for (const char c : bytes.substr(0, 4096)) {
    if (c == '\0' || static_cast<unsigned char>(c) >= 0xEF) continue;
    if (head.empty() && std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    head += c;
  }
  return lower(head);
}

bool looks_like_html(std::string_view head) {
  if (head.starts_with("<!doctype html") || head.starts_with("<html")) return true;
  const std::string_view first = head.substr(0, 1024);
  return first.find("<html") != first.npos && first.starts_with("<");
}

/// "Received: from …", "From: …": a header of a message on the first line, another on a later one.
bool looks_like_mail(std::string_view head) {
  constexpr std::array kNames = {
      "from:",         "to:",      "received:",     "return-path:",  "message-id:",      "date:",
      "mime-version:", "subject:", "delivered-to:", "content-type:", "x-mozilla-status:"};
  int n = 0;
  for (std::size_t pos = 0; pos < head.size() && n < 2;) {
    const std::size_t end = std::min(head.find('\n', pos), head.size());
    const auto line = head.substr(pos, end - pos);
    if (line.empty() || line == "\r") break;
    const bool known = std::any_of(kNames.begin(), kNames.end(),
                                   [&](const char* name) { return line.starts_with(name); });
    if (pos == 0 && !known) return false;
    n += known;
    pos = end + 1;
  }
  return n >= 2;
}

bool is_binary(std::string_view bytes) {
  const auto head = bytes.substr(0, 8000);
  if (head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF") ||
      head.starts_with("\0\0\xFE\xFF"sv)) {
    return false;
  }
  const auto n_zero = static_cast<std::size_t>(std::count(head.begin(), head.end(), '\0'));
  if (n_zero == 0) {
    const auto n_control = std::count_if(head.begin(), head.end(), [](char c) {
      const auto u = static_cast<unsigned char>(c);
      return u < 0x20 && u != '\t' && u != '\n' && u != '\r' && u != '\f' && u != 0x1B;
    });
    return static_cast<std::size_t>(n_control) * 10 > head.size();
  }
  // UTF-16 without a mark has a zero in about every second byte.
  return n_zero * 10 < head.size() * 3 || n_zero * 10 > head.size() * 6;
}

FileType type_of_suffix(std::string_view suffix) {
  struct Row {
    std::string_view suffix;
    FileType type;
  };
  constexpr std::array kRows = {
      Row{".md", FileType::kMarkdown},     Row{".markdown", FileType::kMarkdown},
      Row{".rst", FileType::kRst},         Row{".org", FileType::kOrg},
      Row{".adoc", FileType::kAsciiDoc},   Row{".asciidoc", FileType::kAsciiDoc},
      Row{".csv", FileType::kCsv},         Row{".tsv", FileType::kTsv},
      Row{".tab", FileType::kTsv},         Row{".json", FileType::kJson},
      Row{".jsonl", FileType::kJsonLines}, Row{".ndjson", FileType::kJsonLines},
      Row{".ipynb", FileType::kNotebook},  Row{".htm", FileType::kHtml},
      Row{".html", FileType::kHtml},       Row{".xhtml", FileType::kHtml},
      Row{".xml", FileType::kXml},         Row{".eml", FileType::kMail},
      Row{".mbox", FileType::kMailbox},    Row{".srt", FileType::kSubtitles},
      Row{".vtt", FileType::kSubtitles},   Row{".txt", FileType::kPlainText},
      Row{".text", FileType::kPlainText},  Row{".log", FileType::kPlainText},
      Row{"", FileType::kPlainText}};
  for (const auto& row : kRows) {
    if (row.suffix == suffix) return row.type;
  }
  return retrieval::is_supported_suffix("x" + std::string(suffix)) ? FileType::kSource
                                                                   : FileType::kPlainText;
}

}  // namespace

FileType file_type(std::string_view file_name, std::string_view bytes) {
  if (bytes.substr(0, 1024).find("%PDF-") != bytes.npos) return FileType::kPdf;
  for (const auto& magic : kMagics) {
    if (bytes.size() >= magic.offset && bytes.substr(magic.offset).starts_with(magic.bytes)) {
      return magic.type;
    }
  }
  if (is_binary(bytes)) return FileType::kBinary;
  const std::string head = plain_head(bytes);
  const FileType named = type_of_suffix(retrieval::lower_suffix(file_name));
  if (named == FileType::kSource || named == FileType::kMarkdown) return named;
  if (looks_like_html(head)) return FileType::kHtml;
  if (named == FileType::kPlainText) {
    if (head.starts_with("from ") && looks_like_mail(std::string_view(head).substr(
                                         std::min(head.find('\n'), head.size() - 1) + 1))) {
      return FileType::kMailbox;
    }
    if (head.starts_with("<?xml")) return FileType::kXml;
    if (retrieval::lower_suffix(file_name).empty() && looks_like_mail(head)) return FileType::kMail;
  }
  return named;
}

}  // namespace kvlink::extract
