// SPDX-License-Identifier: Apache-2.0
// A line-based reader of Markdown's block structure. Inline markup stays in the text: the model
// reads it well, and every byte keeps its place.
#include <algorithm>
#include <utility>

#include "retrieval/source_text.h"

namespace kvlink::retrieval {
namespace {

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t") == line.npos; }

std::size_t indent_of(std::string_view line) {
  std::size_t width = 0;
  for (const char c : line) {
    if (c == ' ') {
      ++width;
    } else if (c == '\t') {
      width += 4 - width % 4;
    } else {
      break;
    }
  }
  return width;
}

std::string_view trim(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t");
  if (begin == line.npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t") - begin + 1);
}

/// Level of "## Title" or 0.
int atx_level(std::string_view trimmed) {
  const std::size_t hashes = std::min(trimmed.find_first_not_of('#'), trimmed.size());
  if (hashes == 0 || hashes > 6) return 0;
  if (hashes < trimmed.size() && trimmed[hashes] != ' ' && trimmed[hashes] != '\t') return 0;
  return static_cast<int>(hashes);
}

/// The words of an ATX heading, without its marks.
std::string_view atx_words(std::string_view trimmed, int level) {
  std::string_view words = trim(trimmed.substr(static_cast<std::size_t>(level)));
  const std::size_t last = words.find_last_not_of('#');
  if (last == words.npos) return {};
  if (last + 1 < words.size() && (words[last] == ' ' || words[last] == '\t')) {
    words = trim(words.substr(0, last + 1));
  }
  return words;
}

/// 1 for ===, 2 for ---, else 0: the line under a setext heading.
int setext_level(std::string_view line) {
  const std::string_view marks = trim(line);
  if (marks.empty() || indent_of(line) > 3) return 0;
  if (marks.find_first_not_of('=') == marks.npos) return 1;
  if (marks.find_first_not_of('-') == marks.npos) return 2;
  return 0;
}

bool is_rule(std::string_view line) {
  const std::string_view marks = trim(line);
  if (marks.empty() || (marks[0] != '-' && marks[0] != '*' && marks[0] != '_')) return false;
  std::size_t n = 0;
  for (const char c : marks) {
    if (c == marks[0]) {
      ++n;
    } else if (c != ' ' && c != '\t') {
      return false;
    }
  }
  return n >= 3;
}

/// Length of a fence (``` or ~~~) that opens with `mark`, or 0.
std::size_t fence_length(std::string_view trimmed, char mark) {
  const std::size_t n = std::min(trimmed.find_first_not_of(mark), trimmed.size());
  return n >= 3 ? n : 0;
}

bool is_list_item(std::string_view trimmed) {
  if (trimmed.empty()) return false;
  std::size_t digits = 0;
  while (digits < trimmed.size() && digits < 10 && trimmed[digits] >= '0' && trimmed[digits] <= '9')
    ++digits;
  std::size_t marker = 0;
  if (digits > 0) {
    if (digits > 9 || digits >= trimmed.size()) return false;
    if (trimmed[digits] != '.' && trimmed[digits] != ')') return false;
    marker = digits + 1;
  } else {
    if (trimmed[0] != '-' && trimmed[0] != '*' && trimmed[0] != '+') return false;
    marker = 1;
  }
  return marker == trimmed.size() || trimmed[marker] == ' ' || trimmed[marker] == '\t';
}

/// The line under a table's header: |---|:--:|.
bool is_table_rule(std::string_view line) {
  const std::string_view marks = trim(line);
  if (marks.find('-') == marks.npos || marks.find('|') == marks.npos) return false;
  return marks.find_first_not_of("|-: \t") == marks.npos;
}

class MarkdownReader {
 public:
  explicit MarkdownReader(const SourceText& source) : source_(source) {}

  std::vector<TextBlock> read(std::string& title) {
    skip_front_matter(title);
    while (line_ < source_.lines.size()) read_block();
    return std::move(blocks_);
  }

 private:
  std::string_view at(std::size_t index) const { return source_.line(index); }
  std::size_t n_lines() const { return source_.lines.size(); }

  /// Appends the part `words` of line `first`.
  void add_heading(std::string_view words, int level, std::size_t first, std::size_t last) {
    if (words.empty()) return;
    const auto begin = static_cast<std::size_t>(words.data() - source_.text.data());
    blocks_.push_back(
        cut_block(source_, BlockType::kHeading, begin, begin + words.size(), first, last));
    blocks_.back().level = level;
  }

  /// Appends the lines [first, end), blank lines at either side left out.
  void add_lines(BlockType type, std::size_t first, std::size_t end) {
    while (first < end && is_blank(at(first))) ++first;
    while (first < end && is_blank(at(end - 1))) --end;
    if (first == end) return;
    blocks_.push_back(cut_block(source_, type, source_.lines[first].begin,
                                source_.lines[end - 1].end, first, end - 1));
  }

  void skip_front_matter(std::string& title) {
    if (n_lines() == 0 || at(0) != "---") return;
    constexpr std::size_t kMaxLines = 200;
    for (std::size_t i = 1; i < std::min(n_lines(), kMaxLines); ++i) {
      if (at(i) != "---" && at(i) != "...") continue;
      for (std::size_t j = 1; j < i; ++j) {
        if (at(j).starts_with("title:")) title = trim(at(j).substr(6));
      }
      if (title.size() >= 2 && (title[0] == '"' || title[0] == '\'') && title.back() == title[0]) {
        title = title.substr(1, title.size() - 2);
      }
      line_ = i + 1;
      return;
    }
  }

  void read_block() {
    const std::string_view line = at(line_);
    const std::string_view trimmed = trim(line);
    if (trimmed.empty()) {
      ++line_;
      return;
    }
    const std::size_t indent = indent_of(line);
    if (indent >= 4 && !in_list_) return read_indented_code();
    if (trimmed[0] == '`' || trimmed[0] == '~') {
      if (const std::size_t n = fence_length(trimmed, trimmed[0])) return read_fence(trimmed[0], n);
    }
    if (indent == 0) in_list_ = false;
    if (indent < 4 && atx_level(trimmed) > 0) {
      const int level = atx_level(trimmed);
      add_heading(atx_words(trimmed, level), level, line_, line_);
      ++line_;
      in_list_ = false;
    } else if (is_rule(line)) {
      ++line_;
    } else if (line_ + 1 < n_lines() && trimmed.find('|') != trimmed.npos &&
               is_table_rule(at(line_ + 1))) {
      read_table();
    } else if (is_list_item(trimmed)) {
      in_list_ = true;
      read_paragraph(BlockType::kListItem);
    } else {
      read_paragraph(in_list_ ? BlockType::kListItem : BlockType::kParagraph);
    }
  }

  void read_indented_code() {
    const std::size_t first = line_;
    while (line_ < n_lines() && (is_blank(at(line_)) || indent_of(at(line_)) >= 4)) ++line_;
    add_lines(BlockType::kCode, first, line_);
  }

  void read_fence(char mark, std::size_t length) {
    const std::size_t first = ++line_;
    for (; line_ < n_lines(); ++line_) {
      const std::string_view trimmed = trim(at(line_));
      if (fence_length(trimmed, mark) >= length && trimmed.find_first_not_of(mark) == trimmed.npos)
        break;
    }
    add_lines(BlockType::kCode, first, line_);
    if (line_ < n_lines()) ++line_;
  }

  void read_table() {
    const std::size_t first = line_;
    while (line_ < n_lines() && at(line_).find('|') != std::string_view::npos) ++line_;
    add_lines(BlockType::kTable, first, line_);
  }

  /// Whether a line ends the paragraph above it.
  bool interrupts(std::size_t index) const {
    const std::string_view line = at(index);
    const std::string_view trimmed = trim(line);
    if (trimmed.empty()) return true;
    if (indent_of(line) < 4 && (atx_level(trimmed) > 0 || is_rule(line))) return true;
    if (fence_length(trimmed, '`') > 0 || fence_length(trimmed, '~') > 0) return true;
    return is_list_item(trimmed);
  }

  void read_paragraph(BlockType type) {
    const std::size_t first = line_++;
    while (line_ < n_lines()) {
      const int level = type == BlockType::kParagraph ? setext_level(at(line_)) : 0;
      if (level > 0) {
        add_setext(first, level);
        ++line_;
        return;
      }
      if (interrupts(line_)) break;
      ++line_;
    }
    add_lines(type, first, line_);
  }

  void add_setext(std::size_t first, int level) {
    const std::string_view head = trim(at(first));
    const std::string_view tail = trim(at(line_ - 1));
    const auto n = static_cast<std::size_t>(tail.data() + tail.size() - head.data());
    add_heading({head.data(), n}, level, first, line_ - 1);
  }

  const SourceText& source_;
  std::vector<TextBlock> blocks_;
  std::size_t line_ = 0;
  bool in_list_ = false;
};

}  // namespace

std::vector<TextBlock> parse_markdown(const SourceText& source, std::string& title) {
  return MarkdownReader(source).read(title);
}

std::vector<TextBlock> parse_plain_text(const SourceText& source) {
  std::vector<TextBlock> blocks;
  const std::size_t n = source.lines.size();
  for (std::size_t i = 0; i < n;) {
    if (is_blank(source.line(i))) {
      ++i;
      continue;
    }
    const std::size_t first = i;
    while (i < n && !is_blank(source.line(i))) ++i;
    blocks.push_back(cut_block(source, BlockType::kParagraph, source.lines[first].begin,
                               source.lines[i - 1].end, first, i - 1));
  }
  return blocks;
}

}  // namespace kvlink::retrieval
