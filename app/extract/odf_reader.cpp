// SPDX-License-Identifier: Apache-2.0
#include "app/extract/odf_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "app/extract/odf_encryption.h"
#include "app/extract/serve.h"
#include "app/extract/xlsx_reader.h"
#include "app/extract/xml_walker.h"

namespace kvlink::extract {
namespace {

constexpr std::int64_t kMaxRepeats = 1000;  // of a cell or row that says something
constexpr std::size_t kMaxCells = 5'000'000;
/// Of cells that only a repetition makes: a few bytes may stand for millions.
constexpr std::size_t kMaxCopiedBytes = 1 << 20;
constexpr std::size_t kCellBytes = 32;  // beside its text

std::int64_t whole_of(std::string_view text, std::int64_t otherwise) {
  std::int64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

struct OpenTable {
  std::string name;
  std::vector<std::pair<std::int64_t, TableRow>> rows;
  std::int64_t row = 0;  // number of the row that is being read
  std::int64_t row_repeats = 1;
  std::int64_t cell_repeats = 1;
  std::string cell;
};

class ContentReader final : public XmlListener {
 public:
  ContentReader(bool spreadsheet, DocumentBuilder& out) : spreadsheet_(spreadsheet), out_(out) {}

  void begin(std::string_view name, const XmlAttributes& attributes) override {
    if (skipped_ > 0 || name == "tracked-changes" || name == "annotation" || name == "forms") {
      ++skipped_;
    } else if (name == "p" || name == "h") {
      open_.push_back({});
      level_ = name == "h" ? static_cast<int>(whole_of(attributes.get("outline-level"), 1)) : 0;
    } else if (name == "s") {
      const auto n = std::clamp<std::int64_t>(whole_of(attributes.get("c"), 1), 1, 64);
      append(std::string(static_cast<std::size_t>(n), ' '));
    } else if (name == "tab" || name == "line-break") {
      append(name == "tab" ? "\t" : "\n");
    } else if (name == "list") {
      ++list_depth_;
    } else if (name == "page") {
      out_.set_place({PlaceKind::kSlide, ++n_pages_, {}});
    } else if (name == "notes" && !spreadsheet_) {
      out_.heading(3, "Notes");
    } else {
      begin_table_part(name, attributes);
    }
  }

  void end(std::string_view name) override {
    if (skipped_ > 0) {
      --skipped_;
    } else if (name == "p" || name == "h") {
      end_paragraph(name == "h");
    } else if (name == "list") {
      --list_depth_;
    } else if (!tables_.empty()) {
      end_table_part(name);
    }
  }

  void text(std::string_view text) override {
    if (skipped_ == 0) append(text);
  }

 private:
  void append(std::string_view text) {
    if (!open_.empty()) open_.back() += text;
  }

  void begin_table_part(std::string_view name, const XmlAttributes& attributes) {
    if (name == "table") {
      tables_.emplace_back();
      tables_.back().name = attributes.get("name");
    } else if (tables_.empty()) {
      return;
    } else if (name == "table-row") {
      OpenTable& table = tables_.back();
      ++table.row;
      table.row_repeats =
          std::max<std::int64_t>(1, whole_of(attributes.get("number-rows-repeated"), 1));
      table.rows.emplace_back(table.row, TableRow());
    } else if (name == "table-cell" || name == "covered-table-cell") {
      tables_.back().cell.clear();
      tables_.back().cell_repeats =
          std::max<std::int64_t>(1, whole_of(attributes.get("number-columns-repeated"), 1));
    }
  }

  void end_table_part(std::string_view name) {
    OpenTable& table = tables_.back();
    if (name == "table-cell" || name == "covered-table-cell") {
      put_cell(table);
    } else if (name == "table-row") {
      end_row(table);
    } else if (name == "table") {
      end_table();
    }
  }

  void put_cell(OpenTable& table) {
    if (table.rows.empty()) return;
    TableRow& row = table.rows.back().second;
    // Empty cells may stand for the thousand columns to the sheet's edge: only a few count.
    const auto most = table.cell.empty() ? std::int64_t{64} : kMaxRepeats;
    auto n = static_cast<std::size_t>(std::min(table.cell_repeats, most));
    if (!table.cell.empty()) n = 1 + take_copies(n - 1, table.cell.size() + kCellBytes);
    count_cells(n);
    row.insert(row.end(), n, table.cell);
    table.cell.clear();
  }

  /// How many of the copies are made.
  std::size_t take_copies(std::size_t wanted, std::size_t bytes_each) {
    const std::size_t n = std::min(wanted, (kMaxCopiedBytes - n_copied_bytes_) / bytes_each);
    n_copied_bytes_ += n * bytes_each;
    const bool tells = n < wanted && !std::exchange(left_some_out_, true);
    if (tells) out_.note("a table repeats cells more often than is read");
    return n;
  }

  void count_cells(std::size_t n) {
    n_cells_ += n;
    if (n_cells_ > kMaxCells) {
      throw Unreadable(retrieval::ReadProblem::kTooLarge, "a table has more cells than are read");
    }
  }

  void end_row(OpenTable& table) {
    TableRow& row = table.rows.back().second;
    while (!row.empty() && row.back().empty()) row.pop_back();
    if (!row.empty()) {
      const auto wanted = static_cast<std::size_t>(std::min(table.row_repeats, kMaxRepeats) - 1);
      std::size_t row_bytes = 0;
      for (const auto& cell : row) row_bytes += cell.size() + kCellBytes;
      const std::size_t copies = take_copies(wanted, row_bytes);
      count_cells(copies * row.size());
      for (std::size_t i = 1; i <= copies; ++i) {
        table.rows.emplace_back(table.row + static_cast<std::int64_t>(i), table.rows.back().second);
      }
    } else {
      table.rows.pop_back();
    }
    table.row += table.row_repeats - 1;
  }

  void end_table() {
    const OpenTable table = std::move(tables_.back());
    tables_.pop_back();
    if (!tables_.empty()) {
      for (const auto& [number, row] : table.rows) {
        for (const auto& cell : row) tables_.back().cell += " " + cell;
      }
    } else if (spreadsheet_) {
      add_sheet(table.name, ++n_sheets_, table.rows, out_);
    } else {
      std::vector<TableRow> rows;
      for (const auto& [number, row] : table.rows) rows.push_back(row);
      out_.table(rows, true);
    }
  }

  void end_paragraph(bool heading) {
    if (open_.empty()) return;
    const std::string text = std::move(open_.back());
    open_.pop_back();
    if (!tables_.empty()) {
      std::string& cell = tables_.back().cell;
      if (!cell.empty() && !text.empty()) cell += ' ';
      cell += text;
    } else if (heading) {
      out_.heading(level_, text);
    } else if (list_depth_ > 0) {
      out_.list_item(text, list_depth_ - 1);
    } else {
      out_.paragraph(text);
    }
  }

  bool spreadsheet_;
  DocumentBuilder& out_;
  std::vector<std::string> open_;  // paragraphs; notes and frames put some into others
  std::vector<OpenTable> tables_;
  int level_ = 0;
  int list_depth_ = 0;
  int skipped_ = 0;
  std::int64_t n_pages_ = 0;
  std::int64_t n_sheets_ = 0;
  std::size_t n_cells_ = 0;
  std::size_t n_copied_bytes_ = 0;
  bool left_some_out_ = false;
};

}  // namespace

void read_odf(ZipArchive& archive, const std::string& media_type, DocumentBuilder& out) {
  const bool spreadsheet = media_type.find("spreadsheet") != media_type.npos;
  ContentReader reader(spreadsheet, out);
  walk_xml(odf_content(archive), reader);
}

}  // namespace kvlink::extract
