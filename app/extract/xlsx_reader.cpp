// SPDX-License-Identifier: Apache-2.0
#include "app/extract/xlsx_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/extract/office_parts.h"
#include "app/extract/serve.h"

namespace kvlink::extract {
namespace {

constexpr std::size_t kMaxColumns = 2000;
constexpr std::size_t kMaxCells = 5'000'000;

double number_of(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::int64_t whole_of(std::string_view text, std::int64_t otherwise = 0) {
  std::int64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

struct SheetEntry {
  std::string name;
  std::string relation;
};

class WorkbookReader final : public XmlListener {
 public:
  void begin(std::string_view name, const XmlAttributes& attributes) override {
    if (name == "sheet") {
      sheets.push_back(
          {std::string(attributes.get("name")), std::string(attributes.get_full("r:id"))});
    } else if (name == "workbookPr") {
      const auto value = attributes.get("date1904");
      from_1904 = value == "1" || value == "true";
    }
  }
  void end(std::string_view) override {}
  void text(std::string_view) override {}
  std::vector<SheetEntry> sheets;
  bool from_1904 = false;
};

/// Strings that cells refer to; phonetic readings are left out.
class StringReader final : public XmlListener {
 public:
  void begin(std::string_view name, const XmlAttributes&) override {
    if (name == "si") strings.emplace_back();
    if (name == "rPh") ++skipped_;
    in_text_ = name == "t";
  }
  void end(std::string_view name) override {
    if (name == "rPh") --skipped_;
    if (name == "t") in_text_ = false;
  }
  void text(std::string_view text) override {
    if (in_text_ && skipped_ == 0 && !strings.empty()) strings.back() += text;
  }
  std::vector<std::string> strings;

 private:
  bool in_text_ = false;
  int skipped_ = 0;
};

/// Whether a number format shows a date: it names days, months or years outside quotes.
bool is_date_format(std::string_view code) {
  bool quoted = false, bracketed = false;
  for (const char c : code) {
    if (c == '"') quoted = !quoted;
    if (c == '[') bracketed = true;
    if (c == ']') bracketed = false;
    if (quoted || bracketed) continue;
    if (c == 'y' || c == 'Y' || c == 'd' || c == 'D') return true;
    if (c == '0' || c == '#') return false;
  }
  return false;
}

class FormatReader final : public XmlListener {
 public:
  void begin(std::string_view name, const XmlAttributes& attributes) override {
    if (name == "numFmt") {
      if (is_date_format(attributes.get("formatCode"))) {
        dates_.insert(whole_of(attributes.get("numFmtId")));
      }
    } else if (name == "cellXfs") {
      in_cells_ = true;
    } else if (name == "xf" && in_cells_) {
      const auto id = whole_of(attributes.get("numFmtId"));
      is_date.push_back((id >= 14 && id <= 17) || id == 22 || dates_.contains(id));
    }
  }
  void end(std::string_view name) override {
    if (name == "cellXfs") in_cells_ = false;
  }
  void text(std::string_view) override {}
  std::vector<bool> is_date;  // by cell style

 private:
  std::set<std::int64_t> dates_;
  bool in_cells_ = false;
};

/// "AB12" → column 27 (from 0)
std::size_t column_of(std::string_view reference) {
  std::size_t column = 0;
  for (const char c : reference) {
    if (c < 'A' || c > 'Z' || column > kMaxColumns) break;
    column = column * 26 + static_cast<std::size_t>(c - 'A' + 1);
  }
  return column == 0 ? 0 : column - 1;
}

struct Workbook {
  std::vector<std::string> strings;
  std::vector<bool> is_date;
  bool from_1904 = false;
};

class SheetReader final : public XmlListener {
 public:
  explicit SheetReader(const Workbook& book) : book_(book) {}

  void begin(std::string_view name, const XmlAttributes& attributes) override {
    if (name == "row") {
      row_ = whole_of(attributes.get("r"), row_ + 1);
      rows.emplace_back(row_, TableRow());
    } else if (name == "c") {
      const auto reference = attributes.get("r");
      column_ = reference.empty() ? column_ + 1 : column_of(reference);
      type_ = attributes.get("t");
      style_ = static_cast<std::size_t>(whole_of(attributes.get("s")));
      value_.clear();
    } else if (name == "v" || name == "t") {
      in_value_ = true;
    } else if (name == "rPh") {
      ++skipped_;
    }
  }
  void end(std::string_view name) override {
    if (name == "v" || name == "t") in_value_ = false;
    if (name == "rPh") --skipped_;
    if (name == "c") put();
  }
  void text(std::string_view text) override {
    if (in_value_ && skipped_ == 0) value_ += text;
  }

  std::vector<std::pair<std::int64_t, TableRow>> rows;

 private:
  void put() {
    if (value_.empty() || rows.empty() || column_ > kMaxColumns) return;
    TableRow& row = rows.back().second;
    if (row.size() <= column_) row.resize(column_ + 1);
    row[column_] = shown();
    if (++n_cells_ > kMaxCells) {
      throw Unreadable(retrieval::ReadProblem::kTooLarge, "a sheet has more cells than are read");
    }
  }

  std::string shown() const {
    if (type_ == "s") {
      const auto index = static_cast<std::size_t>(whole_of(value_, -1));
      return index < book_.strings.size() ? book_.strings[index] : std::string();
    }
    if (type_ == "b") return value_ == "1" ? "TRUE" : "FALSE";
    if (!type_.empty() && type_ != "n") return value_;
    if (style_ < book_.is_date.size() && book_.is_date[style_]) {
      auto date = date_of_serial(number_of(value_), book_.from_1904);
      if (!date.empty()) return date;
    }
    return tidy_number();
  }

  /// Without the noise of binary fractions: 0.30000000000000004 is 0.3, and 25.0 is 25.
  std::string tidy_number() const {
    if (value_.ends_with(".0")) return value_.substr(0, value_.size() - 2);
    if (value_.size() < 16) return value_;
    char text[40];
    std::snprintf(text, sizeof(text), "%.15g", number_of(value_));
    return text;
  }

  const Workbook& book_;
  std::int64_t row_ = 0;
  std::size_t column_ = static_cast<std::size_t>(-1);
  std::string type_;
  std::size_t style_ = 0;
  std::string value_;
  bool in_value_ = false;
  int skipped_ = 0;
  std::size_t n_cells_ = 0;
};

bool is_empty(const TableRow& row) {
  return std::all_of(row.begin(), row.end(), [](const auto& cell) { return cell.empty(); });
}

bool names_columns(const TableRow& row) {
  return std::all_of(row.begin(), row.end(), [](const std::string& cell) {
    return cell.empty() || cell.find_first_not_of("0123456789.,-+ %") != cell.npos;
  });
}

}  // namespace

std::string date_of_serial(double serial, bool from_1904) {
  if (!(serial >= 1) || serial > 2'958'465) return "";
  // Days since 1970-01-01; the serial of 1900 counts a 29 February that never was.
  const auto day = static_cast<std::int64_t>(std::floor(serial));
  std::int64_t days = from_1904 ? day - 24'107 : day - (day < 60 ? 25'568 : 25'569);
  const auto minutes =
      static_cast<std::int64_t>(std::llround((serial - std::floor(serial)) * 1440));
  // Civil from days, after Howard Hinnant's description of the proleptic Gregorian calendar.
  days += 719'468;
  const std::int64_t era = days / 146'097;
  const std::int64_t of_era = days - era * 146'097;
  const std::int64_t year_of_era =
      (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const std::int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_index = (5 * of_year + 2) / 153;
  const std::int64_t day_of_month = of_year - (153 * month_index + 2) / 5 + 1;
  const std::int64_t month = month_index < 10 ? month_index + 3 : month_index - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  char text[40];
  int n = std::snprintf(text, sizeof(text), "%04d-%02d-%02d", static_cast<int>(year),
                        static_cast<int>(month), static_cast<int>(day_of_month));
  if (minutes > 0 && minutes < 1440) {
    n += std::snprintf(text + n, sizeof(text) - static_cast<std::size_t>(n), " %02d:%02d",
                       static_cast<int>(minutes / 60), static_cast<int>(minutes % 60));
  }
  return text;
}

void add_sheet(const std::string& name, std::int64_t number,
               const std::vector<std::pair<std::int64_t, TableRow>>& rows, DocumentBuilder& out) {
  std::set<std::size_t> used;
  for (const auto& [row_number, row] : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (!row[i].empty()) used.insert(i);
    }
  }
  if (used.empty()) return;
  out.set_place({PlaceKind::kSheet, number, name});
  out.heading(2, name);
  std::vector<TableRow> run;
  std::int64_t first = 0, last = 0;
  const auto flush = [&] {
    if (!run.empty()) out.table(run, run.size() > 1 && names_columns(run.front()), first);
    run.clear();
  };
  for (const auto& [row_number, row] : rows) {
    if (is_empty(row)) continue;
    if (row_number != last + 1) flush();
    if (run.empty()) first = row_number;
    last = row_number;
    TableRow cells;
    for (const std::size_t column : used) {
      cells.push_back(column < row.size() ? row[column] : std::string());
    }
    run.push_back(std::move(cells));
  }
  flush();
}

void read_xlsx(ZipArchive& archive, const std::string& part, DocumentBuilder& out) {
  WorkbookReader workbook;
  walk_xml(required_part(archive, part), workbook);
  const auto relations = relations_of(archive, part);
  Workbook book;
  book.from_1904 = workbook.from_1904;
  if (const auto xml = archive.read(related_part(archive, part, "sharedStrings"))) {
    StringReader reader;
    walk_xml(*xml, reader);
    book.strings = std::move(reader.strings);
  }
  if (const auto xml = archive.read(related_part(archive, part, "styles"))) {
    FormatReader reader;
    walk_xml(*xml, reader, XmlErrors::kKeepPart);
    book.is_date = std::move(reader.is_date);
  }
  std::int64_t number = 0;
  for (const auto& sheet : workbook.sheets) {
    ++number;
    const auto found = relations.find(sheet.relation);
    if (found == relations.end() || found->second.type != "worksheet") continue;
    SheetReader reader(book);
    walk_xml(required_part(archive, found->second.target), reader);
    add_sheet(sheet.name, number, reader.rows, out);
  }
}

}  // namespace kvlink::extract
