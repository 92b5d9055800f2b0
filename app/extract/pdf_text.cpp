// SPDX-License-Identifier: Apache-2.0
#include "app/extract/pdf_text.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace kvlink::extract {
namespace {

/// PDFium joins a divided word with it in place of hyphen and line break.
constexpr std::string_view kDivides = "\uFFFE";
constexpr double kFullLine = 0.75;  // share of a page's longest lines that a full line has

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trim(std::string_view line) {
  while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
  return line;
}

std::vector<PageLine> lines_of(std::string_view text) {
  std::vector<PageLine> lines;
  while (!text.empty()) {
    const std::size_t line_end = std::min(text.find('\n'), text.size());
    const std::size_t divided = text.find(kDivides);
    const bool is_divided = divided < line_end;
    const std::size_t end = is_divided ? divided : line_end;
    lines.push_back({std::string(trim(text.substr(0, end))), false, is_divided});
    text.remove_prefix(std::min(end + (is_divided ? kDivides.size() : 1), text.size()));
  }
  return lines;
}

/// Length that nine of ten lines do not exceed: the width of the text.
std::size_t usual_width(const std::vector<PageLine>& lines) {
  std::vector<std::size_t> lengths;
  for (const auto& line : lines) {
    if (!line.text.empty()) lengths.push_back(line.text.size());
  }
  if (lengths.empty()) return 0;
  const auto nth = lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() * 9 / 10);
  std::nth_element(lengths.begin(), nth, lengths.end());
  return *nth;
}

/// Letters and digits only, so that spacing and dots do not matter.
std::string essence(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x80 || std::isalnum(u) != 0) out += static_cast<char>(std::tolower(u));
  }
  return out;
}

bool begins_item(std::string_view line) {
  for (const std::string_view mark :
       {"\u2022", "\u25CF", "\u25AA", "\u25E6", "\u2013 ", "- ", "* ", "\uF0B7", "\u25A0"}) {
    if (line.starts_with(mark)) return true;
  }
  std::size_t digits = 0;
  while (digits < line.size() && std::isdigit(static_cast<unsigned char>(line[digits])) != 0) {
    ++digits;
  }
  return digits > 0 && digits <= 2 && digits + 1 < line.size() &&
         (line[digits] == '.' || line[digits] == ')') && line[digits + 1] == ' ';
}

bool ends_sentence(std::string_view line) {
  return !line.empty() && std::string_view(".!?:").find(line.back()) != std::string_view::npos;
}

class PageText {
 public:
  PageText(const std::vector<OutlineEntry>& outline, DocumentBuilder& out) : out_(out) {
    for (const auto& entry : outline) titles_.push_back({entry.level, essence(entry.title)});
  }

  void take(const PageLine& taken) {
    const std::string_view line = taken.text;
    if (line.empty()) return flush();
    if (const int level = heading_level(line)) {
      flush();
      out_.heading(level, line);
      return;
    }
    if (begins_item(line)) flush();
    if (!last_.is_full && ends_sentence(text_)) flush();
    if (!text_.empty() && !last_.is_divided) text_ += last_.is_full ? ' ' : '\n';
    text_ += line;
    last_ = {{}, taken.is_full, taken.is_divided};
  }

  void flush() {
    out_.lines(retrieval::BlockType::kParagraph, text_);
    text_.clear();
  }

 private:
  int heading_level(std::string_view line) const {
    if (titles_.empty() || line.size() > 300) return 0;
    const std::string words = essence(line);
    for (const auto& entry : titles_) {
      if (!words.empty() && entry.title == words) return entry.level;
    }
    return 0;
  }

  DocumentBuilder& out_;
  std::vector<OutlineEntry> titles_;  // titles as their essence
  std::string text_;
  PageLine last_;  // without its text
};

}  // namespace

void add_text_lines(const std::vector<PageLine>& lines, const std::vector<OutlineEntry>& outline,
                    DocumentBuilder& out) {
  PageText page(outline, out);
  for (const auto& line : lines) page.take(line);
  page.flush();
}

void add_page_text(std::string_view text, const std::vector<OutlineEntry>& outline,
                   DocumentBuilder& out) {
  auto lines = lines_of(text);
  const double full = kFullLine * static_cast<double>(usual_width(lines));
  for (auto& line : lines) line.is_full = static_cast<double>(line.text.size()) >= full;
  add_text_lines(lines, outline, out);
}

}  // namespace kvlink::extract
