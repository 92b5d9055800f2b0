// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string>

#include "app/extract/record_readers.h"

namespace kvlink::extract {
namespace {

constexpr std::size_t kSniffBytes = 1 << 15;
constexpr std::size_t kRowsPerBlock = 500;  // so that no block is larger than it must be

/// The delimiter whose number in a line varies least over the first lines.
char sniff_delimiter(std::string_view text) {
  const auto head = text.substr(0, kSniffBytes);
  char best = ',';
  double best_score = 0;
  for (const char candidate : {',', ';', '\t', '|'}) {
    std::array<int, 64> counts{};
    std::size_t n_lines = 0;
    int in_line = 0;
    bool quoted = false;
    for (const char c : head) {
      if (c == '"') quoted = !quoted;
      if (c == candidate && !quoted) ++in_line;
      if (c != '\n' || quoted) continue;
      counts[n_lines++] = in_line;
      in_line = 0;
      if (n_lines == counts.size()) break;
    }
    if (n_lines == 0) counts[n_lines++] = in_line;
    const auto end = counts.begin() + static_cast<std::ptrdiff_t>(n_lines);
    const auto same = std::count(counts.begin(), end, counts[0]);
    const double score = counts[0] == 0 ? 0
                                        : static_cast<double>(same) / static_cast<double>(n_lines) *
                                              (1 + 0.01 * std::min(counts[0], 50));
    if (score > best_score) {
      best_score = score;
      best = candidate;
    }
  }
  return best;
}

class CsvParser {
 public:
  CsvParser(std::string_view text, char delimiter) : text_(text), delimiter_(delimiter) {}

  std::vector<TableRow> run() {
    while (pos_ < text_.size()) read_row();
    return std::move(rows_);
  }

 private:
  void read_row() {
    rows_.emplace_back();
    for (;;) {
      rows_.back().push_back(pos_ < text_.size() && text_[pos_] == '"' ? quoted() : plain());
      if (pos_ < text_.size() && text_[pos_] == delimiter_) {
        ++pos_;
        continue;
      }
      if (pos_ < text_.size() && text_[pos_] == '\r') ++pos_;
      if (pos_ < text_.size() && text_[pos_] == '\n') ++pos_;
      return;
    }
  }

  bool ends_cell(char c) const { return c == delimiter_ || c == '\n' || c == '\r'; }

  std::string plain() {
    const std::size_t begin = pos_;
    while (pos_ < text_.size() && !ends_cell(text_[pos_])) ++pos_;
    return std::string(text_.substr(begin, pos_ - begin));
  }

  std::string quoted() {
    // Each unclosed quote would look through the rest of the text: once one is open, none closes.
    if (pos_ + 1 >= unclosed_from_) return plain();
    std::string cell;
    std::size_t at = pos_ + 1;
    for (;;) {
      const std::size_t quote = text_.find('"', at);
      if (quote == text_.npos) {
        unclosed_from_ = pos_ + 1;
        return plain();
      }
      cell += text_.substr(at, quote - at);
      at = quote + 1;
      if (at < text_.size() && text_[at] == '"') {
        cell += '"';
        ++at;
        continue;
      }
      break;
    }
    pos_ = at;
    return cell + plain();  // what stands behind the quote, against the rules
  }

  std::string_view text_;
  char delimiter_;
  std::size_t pos_ = 0;
  std::size_t unclosed_from_ = static_cast<std::size_t>(-1);
  std::vector<TableRow> rows_;
};

bool has_words_only(const TableRow& row) {
  return std::all_of(row.begin(), row.end(), [](const std::string& cell) {
    return !cell.empty() && cell.find_first_not_of("0123456789.,-+ %") != cell.npos;
  });
}

}  // namespace

std::vector<TableRow> parse_csv(std::string_view text, char delimiter) {
  return CsvParser(text, delimiter == 0 ? sniff_delimiter(text) : delimiter).run();
}

void read_csv(std::string_view text, char delimiter, DocumentBuilder& out) {
  auto rows = parse_csv(text, delimiter);
  const bool names = rows.size() > 1 && has_words_only(rows.front());
  const TableRow header = names ? rows.front() : TableRow();
  out.set_place({PlaceKind::kSheet, 1, "table"});
  std::vector<TableRow> part;
  std::int64_t first = 1, number = 0;
  const auto flush = [&] {
    if (!part.empty()) out.table(part, names && first == 1, first);
    part.clear();
  };
  for (auto& row : rows) {
    ++number;
    const bool empty =
        std::all_of(row.begin(), row.end(), [](const auto& cell) { return cell.empty(); });
    if (empty || part.size() == kRowsPerBlock) flush();
    if (empty) continue;
    if (part.empty()) first = number;
    part.push_back(std::move(row));
  }
  flush();
}

}  // namespace kvlink::extract
