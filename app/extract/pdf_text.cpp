// SPDX-License-Identifier: Apache-2.0
#include "app/extract/pdf_text.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace kvlink::extract {
namespace {

/// Stands for a hyphen that divides a word at a line's end.
constexpr char kDivides = '\x02';
constexpr double kFullLine = 0.75;  // share of a page's longest lines that a full line has

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trim(std::string_view line) {
  while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
  return line;
}

/// PDFium joins a divided word with U+FFFE in place of hyphen and line break.
std::string with_divided_lines(std::string_view text) {
  constexpr std::string_view kJoined = "\uFFFE";
  std::string out;
  for (std::size_t at = text.find(kJoined); at != text.npos; at = text.find(kJoined)) {
    out += text.substr(0, at);
    out += kDivides;
    out += '\n';
    text.remove_prefix(at + kJoined.size());
  }
  return out += text;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(trim(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Length that nine of ten lines do not exceed: the width of the text.
std::size_t usual_width(const std::vector<std::string_view>& lines) {
  std::vector<std::size_t> lengths;
  for (const auto line : lines) {
    if (!line.empty()) lengths.push_back(line.size());
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
  PageText(std::size_t width, const std::vector<OutlineEntry>& outline, DocumentBuilder& out)
      : width_(width), out_(out) {
    for (const auto& entry : outline) titles_.push_back({entry.level, essence(entry.title)});
  }

  void take(std::string_view line) {
    if (line.empty()) return flush();
    if (const int level = heading_level(line)) {
      flush();
      out_.heading(level, line);
      return;
    }
    if (begins_item(line)) flush();
    if (!text_.empty() && !last_full_ && ends_sentence(text_)) flush();
    join(line);
    last_full_ = static_cast<double>(line.size()) >= kFullLine * static_cast<double>(width_);
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

  void join(std::string_view line) {
    if (text_.ends_with(kDivides)) {
      text_.pop_back();
    } else if (!text_.empty()) {
      text_ += last_full_ ? ' ' : '\n';
    }
    text_ += line;
  }

  std::size_t width_;
  DocumentBuilder& out_;
  std::vector<OutlineEntry> titles_;  // titles as their essence
  std::string text_;
  bool last_full_ = false;
};

}  // namespace

void add_page_text(std::string_view text, const std::vector<OutlineEntry>& outline,
                   DocumentBuilder& out) {
  const std::string divided = with_divided_lines(text);
  const auto lines = lines_of(divided);
  PageText page(usual_width(lines), outline, out);
  for (const auto line : lines) page.take(line);
  page.flush();
}

}  // namespace kvlink::extract
