// SPDX-License-Identifier: Apache-2.0
#include "retrieval/text_blocks.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/base/result.h"
#include "kernels/base/utf8.h"
#include "retrieval/source_text.h"

namespace kvlink::retrieval {
namespace {

constexpr std::array<std::string_view, 2> kMarkdownSuffixes = {".md", ".markdown"};
constexpr std::array<std::string_view, 4> kTextSuffixes = {"", ".txt", ".text", ".log"};
constexpr std::size_t kMaxTitleBytes = 160;

/// Of formats beside Markdown and plain text; sorted.
constexpr std::string_view kOtherSuffixes[] = {
    ".adoc",  ".asciidoc", ".bash",  ".bat",  ".c",    ".cc",     ".cfg",   ".cmake", ".conf",
    ".cpp",   ".cs",       ".css",   ".csv",  ".cu",   ".cxx",    ".dart",  ".docm",  ".docx",
    ".eml",   ".epub",     ".ex",    ".go",   ".h",    ".hh",     ".hpp",   ".hs",    ".htm",
    ".html",  ".ini",      ".ipynb", ".java", ".jl",   ".js",     ".json",  ".jsonl", ".jsx",
    ".kt",    ".lua",      ".m",     ".mbox", ".ml",   ".ndjson", ".odp",   ".ods",   ".odt",
    ".org",   ".pdf",      ".php",   ".pl",   ".pptm", ".pptx",   ".proto", ".ps1",   ".py",
    ".r",     ".rb",       ".rs",    ".rst",  ".rtf",  ".scala",  ".sh",    ".sql",   ".srt",
    ".swift", ".tab",      ".tex",   ".toml", ".ts",   ".tsv",    ".tsx",   ".vb",    ".vtt",
    ".xhtml", ".xlsm",     ".xlsx",  ".xml",  ".yaml", ".yml"};

std::string_view base_name(std::string_view file_name) {
  const std::size_t slash = file_name.rfind('/');
  return slash == std::string_view::npos ? file_name : file_name.substr(slash + 1);
}

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view value) {
  for (const auto item : list) {
    if (item == value) return true;
  }
  return false;
}

}  // namespace

std::string lower_suffix(std::string_view file_name) {
  const std::string_view name = base_name(file_name);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return "";
  std::string suffix(name.substr(dot));
  for (char& c : suffix) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return suffix;
}

void ExtractedText::place(TextBlock& block, std::int64_t first_line) {
  if (!std::exchange(empty_, false)) {
    n_bytes_ += 2;
    n_lines_ += 1;
  }
  const auto n = std::count(block.text.begin(), block.text.end(), '\n');
  block.byte_begin = n_bytes_;
  block.byte_end = n_bytes_ += static_cast<std::int64_t>(block.text.size());
  block.line_begin = first_line > 0 ? first_line : n_lines_ + 1;
  block.line_end = block.line_begin + n;
  n_lines_ += n + 1;
}

std::string tidy_title(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 4 * kMaxTitleBytes)) {
    const bool space = c == ' ' || c == '\t' || c == '\n';
    if (!space) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.size() > kMaxTitleBytes) out.resize(kMaxTitleBytes);
  out.resize(complete_utf8_prefix(out));
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string fallback_title(const ParsedDocument& document, std::string_view file_name) {
  for (const auto& block : document.blocks) {
    if (block.type != BlockType::kHeading || block.level != 1) continue;
    std::string title = tidy_title(block.text);
    if (!title.empty()) return title;
  }
  const std::string_view name = base_name(file_name);
  const std::size_t suffix = lower_suffix(name).size();
  return tidy_title(repair_utf8(name.substr(0, name.size() - suffix)));
}

bool is_supported_suffix(std::string_view file_name) {
  const std::string suffix = lower_suffix(file_name);
  return contains(kMarkdownSuffixes, suffix) || contains(kTextSuffixes, suffix) ||
         std::binary_search(std::begin(kOtherSuffixes), std::end(kOtherSuffixes),
                            std::string_view(suffix));
}

ParsedDocument parse_document(std::string_view file_name, std::string_view bytes) {
  const std::string suffix = lower_suffix(file_name);
  const bool markdown = contains(kMarkdownSuffixes, suffix);
  const std::string name(base_name(file_name));
  if (!markdown && !contains(kTextSuffixes, suffix)) {
    fail(ErrorCode::kUnsupported,
         name + ": files ending in " + suffix + " cannot be read; Markdown and plain text can");
  }
  if (static_cast<std::int64_t>(bytes.size()) > kMaxDocumentBytes) {
    fail(ErrorCode::kUnsupported, name + ": the file has " + std::to_string(bytes.size() >> 20) +
                                      " MiB; at most " + std::to_string(kMaxDocumentBytes >> 20) +
                                      " MiB are read, split it");
  }
  SourceText source;
  try {
    source = clean_source(bytes);
  } catch (const Exception& e) {
    fail(e.error().code, name + ": " + e.error().message);
  }
  ParsedDocument document;
  document.media_type = markdown ? "text/markdown" : "text/plain";
  std::string title;
  document.blocks = markdown ? parse_markdown(source, title) : parse_plain_text(source);
  document.notices = std::move(source.notices);
  if (document.blocks.empty()) {
    fail(ErrorCode::kInvalidInput, name + ": the file has no text in it");
  }
  document.title = tidy_title(title);
  if (document.title.empty()) document.title = fallback_title(document, file_name);
  return document;
}

}  // namespace kvlink::retrieval
