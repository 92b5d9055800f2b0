// SPDX-License-Identifier: Apache-2.0
#include "app/extract/pdf_layout.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <utility>

namespace kvlink::extract {
namespace {

constexpr float kWideGap = 1.2F;     // in heights of a line
constexpr float kApart = 2.5F;       // in heights of a line: rows of different tables
constexpr float kHeadingGap = 1.3F;  // how much farther from what it follows than from its table
constexpr float kFullLine = 0.75F;   // share of the usual width
constexpr std::size_t kWrapped = 3;  // lines of one cell below a row

float shared(float first_begin, float first_end, float second_begin, float second_end) {
  return std::min(first_end, second_end) - std::max(first_begin, second_begin);
}

bool is_above(const PageRect& a, const PageRect& b) {
  return a.bottom <= b.top + 0.3F * std::min(a.height(), b.height()) &&
         shared(a.left, a.right, b.left, b.right) > 0.1F * std::min(a.width(), b.width());
}

/// Whether more lines than one in eight stand beside others that were drawn at another time: there
/// are columns, whose order only the one who drew them knows.
bool has_columns(const std::vector<PageRect>& places) {
  std::size_t n_beside = 0;
  for (std::size_t a = 0; a < places.size(); ++a) {
    for (std::size_t b = 0; b < places.size(); ++b) {
      const PageRect& left = places[a];
      const PageRect& right = places[b];
      if (a == b || b == a + 1 || a == b + 1 || left.right > right.left + 1 ||
          shared(left.top, left.bottom, right.top, right.bottom) <
              std::min(left.height(), right.height()) / 2) {
        continue;
      }
      ++n_beside;
      break;
    }
  }
  return 8 * n_beside > places.size();
}

/// Lines as they are read: of those that nothing unread stands above, the one drawn first.
std::vector<PlacedLine> in_reading_order(std::vector<PlacedLine> lines) {
  const std::size_t n = lines.size();
  std::vector<PageRect> places;
  for (const auto& line : lines) places.push_back(line.place());
  if (has_columns(places)) return lines;
  std::vector<std::size_t> n_above(n);
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b < n; ++b) n_above[b] += a != b && is_above(places[a], places[b]);
  }
  std::vector<PlacedLine> made;
  std::vector<bool> is_read(n);
  while (made.size() < n) {
    std::size_t next = 0, drawn_first = n;
    while (next < n && (is_read[next] || n_above[next] > 0)) {
      if (!is_read[next]) drawn_first = std::min(drawn_first, next);
      ++next;
    }
    if (next == n) next = drawn_first;  // places that make no sense
    is_read[next] = true;
    for (std::size_t b = 0; b < n; ++b) {
      n_above[b] -= b != next && is_above(places[next], places[b]);
    }
    made.push_back(std::move(lines[next]));
  }
  return made;
}

bool continues(const PlacedLine& last, const PlacedLine& line) {
  const PageRect a = last.place(), b = line.place();
  return !last.is_divided && b.left >= a.right - 1 &&
         shared(a.top, a.bottom, b.top, b.bottom) >= std::min(a.height(), b.height()) / 2;
}

/// Lines that stand at one height, one right of the other, become one.
std::vector<PlacedLine> joined_rows(std::vector<PlacedLine> lines) {
  std::vector<PlacedLine> made;
  for (auto& line : lines) {
    if (made.empty() || !continues(made.back(), line)) {
      made.push_back(std::move(line));
      continue;
    }
    const PageRect place = made.back().place();
    auto& cells = made.back().cells;
    auto from = line.cells.begin();
    if (from->place.left - place.right <
        wide_gap(std::max(place.height(), line.place().height()))) {
      cells.back().text += " " + from->text;
      cells.back().place.unite(from->place);
      ++from;
    }
    cells.insert(cells.end(), std::move_iterator(from), std::move_iterator(line.cells.end()));
    made.back().is_divided = line.is_divided;
  }
  return made;
}

/// Columns of a table while its rows are found.
class Columns {
 public:
  explicit Columns(const PlacedLine& first) { add(first); }

  /// Whether most of the cells stand in no more than one column each.
  bool fit(const PlacedLine& row) const {
    const auto n = std::count_if(row.cells.begin(), row.cells.end(), [&](const auto& cell) {
      return std::count_if(spans_.begin(), spans_.end(),
                           [&](const Span& span) { return covers(cell.place, span); }) > 1;
    });
    return 3 * static_cast<std::size_t>(n) <= row.cells.size();
  }

  bool begin_at(float left) const {
    return std::any_of(spans_.begin(), spans_.end(), [&](const Span& span) {
      return left > span.left - 3 && left < span.left + 3;
    });
  }

  float width() const { return spans_.back().right - spans_.front().left; }

  void add(const PlacedLine& row) {
    for (const auto& cell : row.cells) {
      std::vector<Span*> covered;
      for (Span& span : spans_) {
        if (covers(cell.place, span)) covered.push_back(&span);
      }
      if (covered.empty()) {
        spans_.push_back({cell.place.left, cell.place.right});
      } else if (covered.size() == 1 && row.cells.size() > 1) {
        covered[0]->left = std::min(covered[0]->left, cell.place.left);
        covered[0]->right = std::max(covered[0]->right, cell.place.right);
      }
    }
    std::sort(spans_.begin(), spans_.end(),
              [](const Span& a, const Span& b) { return a.left < b.left; });
  }

  TableRow row_of(const PlacedLine& line) const {
    TableRow row(spans_.size());
    for (const auto& cell : line.cells) {
      auto& text = row[column_of(cell.place)];
      text += (text.empty() ? "" : " ") + cell.text;
    }
    return row;
  }

  /// The column that has most of the cell; where several have as much, the one that begins with it.
  std::size_t column_of(const PageRect& cell) const {
    const auto worse = [&](const Span& a, const Span& b) {
      const float in_a = shared(cell.left, cell.right, a.left, a.right);
      const float in_b = shared(cell.left, cell.right, b.left, b.right);
      if (std::abs(in_a - in_b) > 1) return in_a < in_b;
      return std::abs(a.left - cell.left) > std::abs(b.left - cell.left);
    };
    return static_cast<std::size_t>(std::max_element(spans_.begin(), spans_.end(), worse) -
                                    spans_.begin());
  }

 private:
  struct Span {
    float left, right;
  };

  static bool covers(const PageRect& cell, const Span& span) {
    return shared(cell.left, cell.right, span.left, span.right) >
           0.25F * std::min(cell.width(), span.right - span.left);
  }

  std::vector<Span> spans_;
};

bool has_digit(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
}

bool has_digit(const PlacedLine& line) {
  return std::any_of(line.cells.begin(), line.cells.end(),
                     [](const PlacedText& cell) { return has_digit(cell.text); });
}

/// Whether the first row says what stands below it: words above numbers.
bool names_columns(const std::vector<TableRow>& rows) {
  const auto& first = rows.front();
  const auto is_said = [](const std::string& cell) { return !cell.empty(); };
  const auto n_said = std::count_if(first.begin(), first.end(), is_said);
  const auto digits = [](const std::string& cell) { return has_digit(cell); };
  return std::none_of(first.begin(), first.end(), digits) &&
         2 * static_cast<std::size_t>(n_said) > first.size() &&
         std::any_of(rows.begin() + 1, rows.end(), [&](const TableRow& row) {
           return std::any_of(row.begin() + 1, row.end(), digits);
         });
}

/// Lines of two columns that were drawn side by side are text, not rows.
bool is_text_in_columns(const std::vector<TableRow>& rows) {
  constexpr std::size_t kRows = 6, kCharacters = 25;
  if (rows.size() < kRows || rows.front().size() != 2) return false;
  std::size_t left = 0, right = 0;
  for (const auto& row : rows) {
    left += row[0].size();
    right += row[1].size();
  }
  return std::min(left, right) >= kCharacters * rows.size();
}

/// Bullets or numbers, and what stands beside them.
bool is_list(const std::vector<TableRow>& rows) {
  return rows.front().size() == 2 && std::all_of(rows.begin(), rows.end(), [](const TableRow& row) {
           const std::string& mark = row[0];
           return mark.size() <= 4 && !row[1].empty() &&
                  (mark.empty() || std::ispunct(static_cast<unsigned char>(mark.back())) != 0 ||
                   static_cast<unsigned char>(mark.front()) >= 0x80);
         });
}

/// Width that nine of ten lines do not exceed.
float usual_width(const std::vector<PlacedLine>& lines) {
  if (lines.empty()) return 0;
  std::vector<float> widths;
  for (const auto& line : lines) widths.push_back(line.place().width());
  const auto nth = widths.begin() + static_cast<std::ptrdiff_t>(widths.size() * 9 / 10);
  std::nth_element(widths.begin(), nth, widths.end());
  return *nth;
}

/// Puts lines into the document, one run of text or one table after the other.
class Page {
 public:
  Page(std::vector<PlacedLine> lines, const std::vector<OutlineEntry>& outline,
       DocumentBuilder& out)
      : lines_(std::move(lines)),
        full_width_(kFullLine * usual_width(lines_)),
        outline_(outline),
        out_(out) {}

  void add() {
    for (std::size_t at = 0; at < lines_.size();) {
      const std::size_t end = end_of_table(at);
      if (end > at) {
        add_table(at, end);
      } else {
        text_.push_back(lines_[at]);
      }
      at = std::max(end, at + 1);
    }
    flush();
  }

 private:
  float gap_above(std::size_t line) const {
    return lines_[line].place().top - lines_[line - 1].place().bottom;
  }

  /// Whether a line of one cell belongs to the table: part of a cell, or a name of the rows below;
  /// not the name of the next table, which stands nearer to that or above names of columns.
  bool goes_on(const Columns& columns, std::size_t line, bool has_numbers) const {
    std::size_t next = line + 1;
    while (next < lines_.size() && next < line + kWrapped && lines_[next].cells.size() < 2) ++next;
    if (next >= lines_.size() || lines_[next].cells.size() < 2) return false;
    if (has_numbers && !has_digit(lines_[line]) && !has_digit(lines_[next])) return false;
    const PageRect place = lines_[line].place();
    return gap_above(line) <= kHeadingGap * std::max(gap_above(line + 1), 1.0F) &&
           columns.begin_at(place.left) && place.width() < 0.6F * columns.width();
  }

  std::size_t end_of_table(std::size_t begin) const {
    if (lines_[begin].cells.size() < 2) return begin;
    Columns columns(lines_[begin]);
    std::size_t n_rows = 1, end = begin + 1;
    bool has_numbers = false;
    for (; end < lines_.size(); ++end) {
      const auto& line = lines_[end];
      const float height = std::max(line.place().height(), lines_[end - 1].place().height());
      if (gap_above(end) > kApart * height || gap_above(end) < -height / 2) break;
      const bool is_row = line.cells.size() > 1;
      if (is_row ? !columns.fit(line) : !goes_on(columns, end, has_numbers)) break;
      columns.add(line);
      n_rows += is_row;
      has_numbers = has_numbers || has_digit(line);
    }
    return n_rows > 1 ? end : begin;
  }

  void add_table(std::size_t begin, std::size_t end) {
    // Rows of many cells say where the columns are, names above several of them do not.
    std::vector<const PlacedLine*> by_cells;
    for (std::size_t i = begin; i < end; ++i) by_cells.push_back(&lines_[i]);
    std::stable_sort(by_cells.begin(), by_cells.end(), [](const auto* a, const auto* b) {
      return a->cells.size() > b->cells.size();
    });
    Columns columns(*by_cells.front());
    for (const auto* line : by_cells) columns.add(*line);
    std::vector<TableRow> rows;
    for (std::size_t i = begin; i < end; ++i) rows.push_back(columns.row_of(lines_[i]));
    if (is_list(rows)) {
      text_.insert(text_.end(), lines_.begin() + static_cast<std::ptrdiff_t>(begin),
                   lines_.begin() + static_cast<std::ptrdiff_t>(end));
    } else if (is_text_in_columns(rows)) {
      add_columns(begin, end, columns);
    } else {
      flush();
      out_.table(rows, names_columns(rows));
    }
  }

  void add_columns(std::size_t begin, std::size_t end, const Columns& columns) {
    for (const std::size_t column : {0U, 1U}) {
      for (std::size_t i = begin; i < end; ++i) {
        for (const auto& cell : lines_[i].cells) {
          if (columns.column_of(cell.place) == column) text_.push_back({{cell}, false});
        }
      }
    }
  }

  void flush() {
    if (text_.empty()) return;
    std::vector<PageLine> lines;
    for (const auto& line : text_) {
      PageLine made{{}, line.place().width() >= full_width_, line.is_divided};
      for (const auto& cell : line.cells) made.text += (made.text.empty() ? "" : " ") + cell.text;
      lines.push_back(std::move(made));
    }
    add_text_lines(lines, outline_, out_);
    text_.clear();
  }

  std::vector<PlacedLine> lines_;
  float full_width_;  // of a line that the next one may go on
  const std::vector<OutlineEntry>& outline_;
  DocumentBuilder& out_;
  std::vector<PlacedLine> text_;  // that is not in the document yet
};

}  // namespace

void PageRect::unite(const PageRect& other) {
  left = std::min(left, other.left);
  top = std::min(top, other.top);
  right = std::max(right, other.right);
  bottom = std::max(bottom, other.bottom);
}

PageRect PlacedLine::place() const {
  PageRect place = cells.front().place;
  for (const auto& cell : cells) place.unite(cell.place);
  return place;
}

float wide_gap(float line_height) { return std::max(kWideGap * line_height, 4.0F); }

void add_page_lines(std::vector<PlacedLine> lines, const std::vector<OutlineEntry>& outline,
                    DocumentBuilder& out) {
  std::erase_if(lines, [](const PlacedLine& line) { return line.cells.empty(); });
  Page(joined_rows(in_reading_order(std::move(lines))), outline, out).add();
}

}  // namespace kvlink::extract
