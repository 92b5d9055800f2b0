// SPDX-License-Identifier: Apache-2.0
#include "app/extract/markup_reader.h"

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "app/extract/html_reader.h"
#include "app/extract/xml_walker.h"
#include "retrieval/source_text.h"

namespace kvlink::extract {
namespace {

using retrieval::cut_block;
using retrieval::SourceText;

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t") == line.npos; }

std::string_view trim(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t");
  if (begin == line.npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t") - begin + 1);
}

bool is_indented(std::string_view line) { return line.starts_with(' ') || line.starts_with('\t'); }

/// One character repeated, as rST underlines its headings; 0 when it is none.
char rule_mark(std::string_view line) {
  line = trim(line);
  if (line.size() < 2 || std::string_view("=-~^\"'`#*+.:_<>").find(line[0]) == line.npos) return 0;
  return line.find_first_not_of(line[0]) == line.npos ? line[0] : '\0';
}

/// Length of a run of `mark` followed by a space, at the front of a line.
int marks_before_space(std::string_view line, char mark) {
  const std::size_t n = std::min(line.find_first_not_of(mark), line.size());
  return n > 0 && n <= 8 && n < line.size() && line[n] == ' ' ? static_cast<int>(n) : 0;
}

class MarkupReader {
 public:
  MarkupReader(SourceText source, FileType type) : source_(std::move(source)), type_(type) {}

  ParsedDocument run() {
    while (line_ < n_lines()) read_block();
    document_.notices = std::move(source_.notices);
    return std::move(document_);
  }

 private:
  std::string_view at(std::size_t index) const { return source_.line(index); }
  std::size_t n_lines() const { return source_.lines.size(); }

  void add(BlockType type, std::size_t first, std::size_t end) {
    while (end > first && is_blank(at(end - 1))) --end;
    if (first == end) return;
    document_.blocks.push_back(cut_block(source_, type, source_.lines[first].begin,
                                         source_.lines[end - 1].end, first, end - 1));
  }

  void add_heading(int level, std::string_view words, std::size_t first, std::size_t last) {
    if (words.empty()) return;
    const auto begin = static_cast<std::size_t>(words.data() - source_.text.data());
    document_.blocks.push_back(
        cut_block(source_, BlockType::kHeading, begin, begin + words.size(), first, last));
    document_.blocks.back().level = std::clamp(level, 1, 6);
  }

  void read_block() {
    if (is_blank(at(line_))) {
      ++line_;
      return;
    }
    if (read_heading() || read_code()) return;
    const std::size_t first = line_++;
    while (line_ < n_lines() && !is_blank(at(line_)) && !begins_item(at(line_)) &&
           !begins_other_block()) {
      ++line_;
    }
    add(begins_item(at(first)) ? BlockType::kListItem : BlockType::kParagraph, first, line_);
  }

  static bool begins_item(std::string_view line) {
    line = trim(line);
    if (line.starts_with("- ") || line.starts_with("* ") || line.starts_with("+ ")) return true;
    std::size_t digits = 0;
    while (digits < line.size() && std::isdigit(static_cast<unsigned char>(line[digits])) != 0) {
      ++digits;
    }
    return digits > 0 && digits < 4 && digits + 1 < line.size() &&
           (line[digits] == '.' || line[digits] == ')') && line[digits + 1] == ' ';
  }

  /// A heading or code of Org and AsciiDoc needs no empty line before it.
  bool begins_other_block() const {
    const std::string_view line = at(line_);
    if (type_ == FileType::kOrg) {
      return marks_before_space(line, '*') > 0 || trim(line).starts_with("#+");
    }
    return type_ == FileType::kAsciiDoc &&
           (marks_before_space(line, '=') > 0 || trim(line) == "----");
  }

  bool read_heading() {
    if (type_ == FileType::kRst) return read_rst_heading();
    const std::string_view line = at(line_);
    const int level = marks_before_space(line, type_ == FileType::kOrg ? '*' : '=');
    if (level == 0) return false;
    add_heading(level, trim(line.substr(static_cast<std::size_t>(level))), line_, line_);
    ++line_;
    return true;
  }

  /// rST's levels are the order in which marks appear.
  bool read_rst_heading() {
    const bool over = rule_mark(at(line_)) != 0 && line_ + 2 < n_lines() &&
                      !is_blank(at(line_ + 1)) && rule_mark(at(line_ + 2)) == rule_mark(at(line_));
    const std::size_t words = line_ + (over ? 1 : 0);
    if (words + 1 >= n_lines()) return false;
    const char mark = rule_mark(at(words + 1));
    const bool long_enough = trim(at(words + 1)).size() + 2 >= trim(at(words)).size();
    const bool indented = !over && is_indented(at(words));
    if (mark == 0 || !long_enough || indented || rule_mark(at(words)) != 0) return false;
    const std::string style = {mark, over ? 'o' : 'u'};
    auto found = std::find(styles_.begin(), styles_.end(), style);
    if (found == styles_.end()) found = styles_.insert(styles_.end(), style);
    add_heading(static_cast<int>(found - styles_.begin()) + 1, trim(at(words)), line_, words + 1);
    line_ = words + 2;
    return true;
  }

  bool read_code() {
    const std::string_view line = trim(at(line_));
    std::string lower(line.substr(0, 12));
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (type_ == FileType::kOrg && lower.starts_with("#+begin_")) return read_until("#+end_");
    if (type_ == FileType::kAsciiDoc && (line == "----" || line == "....")) {
      return read_until(std::string(line));
    }
    if (type_ == FileType::kRst && is_indented(at(line_)) && line_ > 0) {
      const std::size_t first = line_;
      while (line_ < n_lines() && (is_blank(at(line_)) || is_indented(at(line_)))) ++line_;
      add(BlockType::kCode, first, line_);
      return true;
    }
    return false;
  }

  bool read_until(const std::string& end_mark) {
    const std::size_t first = ++line_;
    for (; line_ < n_lines(); ++line_) {
      std::string lower(trim(at(line_)).substr(0, end_mark.size()));
      for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      if (lower == end_mark) break;
    }
    add(BlockType::kCode, first, line_);
    if (line_ < n_lines()) ++line_;
    return true;
  }

  SourceText source_;
  FileType type_;
  ParsedDocument document_;
  std::size_t line_ = 0;
  std::vector<std::string> styles_;
};

/// Elements that hold text become paragraphs; a feed's titles become headings.
class TextCollector final : public XmlListener {
 public:
  explicit TextCollector(DocumentBuilder& out) : out_(out) {}
  void begin(std::string_view, const XmlAttributes&) override { flush(""); }
  void end(std::string_view name) override { flush(name); }
  void text(std::string_view text) override { text_ += text; }

 private:
  void flush(std::string_view name) {
    const bool markup = text_.find("</") != text_.npos || text_.find("<br") != text_.npos ||
                        text_.find("/>") != text_.npos;
    if (name == "title" && !markup) {
      out_.heading(2, text_);
    } else if (markup) {
      read_html(text_, out_);
    } else {
      out_.paragraph(text_);
    }
    text_.clear();
  }

  DocumentBuilder& out_;
  std::string text_;
};

}  // namespace

ParsedDocument read_markup(const std::string& text, FileType type) {
  return MarkupReader(retrieval::clean_source(text), type).run();
}

ParsedDocument read_source(const std::string& text) {
  SourceText source = retrieval::clean_source(text);
  ParsedDocument document;
  document.blocks = retrieval::parse_plain_text(source);
  for (auto& block : document.blocks) block.type = BlockType::kCode;
  document.notices = std::move(source.notices);
  return document;
}

void read_xml_text(std::string_view xml, DocumentBuilder& out) {
  TextCollector collector(out);
  walk_xml(xml, collector);
}

}  // namespace kvlink::extract
