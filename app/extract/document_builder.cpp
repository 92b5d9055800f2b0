// SPDX-License-Identifier: Apache-2.0
#include "app/extract/document_builder.h"

#include <algorithm>
#include <utility>

#include "kernels/base/utf8.h"

namespace kvlink::extract {
namespace {

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

/// Length of a white-space character at text[pos], or 0: ASCII, no-break and typographic spaces.
std::size_t space_at(std::string_view text, std::size_t pos) {
  const char c = text[pos];
  if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
  if (is_ascii(c)) return 0;
  if (text.substr(pos, 2) == "\u00A0") return 2;
  const auto three = text.substr(pos, 3);
  if (three == "\u202F" || three == "\u3000" || three == "\u2009" || three == "\u2003") return 3;
  return 0;
}

/// Length of a character at text[pos] that nobody sees, or 0: soft hyphen, zero width, BOM.
std::size_t invisible_at(std::string_view text, std::size_t pos) {
  const auto u = static_cast<unsigned char>(text[pos]);
  if (u < 0x20 || u == 0x7F) return 1;
  if (is_ascii(text[pos])) return 0;
  if (text.substr(pos, 2) == "\u00AD") return 2;
  const auto three = text.substr(pos, 3);
  return three == "\u200B" || three == "\u2060" || three == "\uFEFF" ? 3 : 0;
}

std::string valid(std::string_view text) {
  return is_valid_utf8(text) ? std::string(text) : repair_utf8(text);
}

}  // namespace

std::string DocumentBuilder::tidy(std::string_view raw) {
  const std::string text = valid(raw);
  std::string out;
  out.reserve(text.size());
  bool gap = false;
  for (std::size_t pos = 0; pos < text.size();) {
    if (const std::size_t n = space_at(text, pos)) {
      gap = !out.empty();
      pos += n;
    } else if (const std::size_t hidden = invisible_at(text, pos)) {
      pos += hidden;
    } else {
      if (gap) out += ' ';
      gap = false;
      out += text[pos++];
    }
  }
  return out;
}

void DocumentBuilder::heading(int level, std::string_view text) {
  add(BlockType::kHeading, std::clamp(level, 1, 6), tidy(text));
}

void DocumentBuilder::list_item(std::string_view text, int depth) {
  std::string item = tidy(text);
  if (item.empty()) return;
  const auto indent = static_cast<std::size_t>(2 * std::clamp(depth, 0, 8));
  add(BlockType::kListItem, 0, std::string(indent, ' ') + "- " + item);
}

void DocumentBuilder::lines(BlockType type, std::string_view raw) {
  std::string text;
  const std::string all = valid(raw);
  for (const char c : all) {
    const auto u = static_cast<unsigned char>(c);
    if ((u >= 0x20 || c == '\n' || c == '\t') && u != 0x7F) text += c;
  }
  const std::size_t first = text.find_first_not_of("\n");
  if (first == text.npos) return;
  text.erase(text.find_last_not_of(" \t\n") + 1);
  add(type, 0, first < text.size() ? text.substr(first) : std::string());
}

void DocumentBuilder::code(std::string_view text) { lines(BlockType::kCode, text); }

std::string table_cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  }
  return out;
}

std::string table_row(const TableRow& cells) {
  std::string line = "|";
  for (const auto& cell : cells) line += " " + table_cell(cell) + " |";
  return line;
}

void DocumentBuilder::table(const std::vector<TableRow>& rows, bool names_columns,
                            std::int64_t first_row) {
  std::string text;
  bool any = false;
  for (const auto& row : rows) {
    TableRow cells;
    for (const auto& cell : row) cells.push_back(tidy(cell));
    any = any || std::any_of(cells.begin(), cells.end(), [](const auto& c) { return !c.empty(); });
    if (!text.empty()) text += '\n';
    text += table_row(cells);
  }
  if (any) add(BlockType::kTable, names_columns ? 1 : 0, std::move(text), first_row);
}

void DocumentBuilder::append(std::vector<TextBlock> blocks) {
  for (auto& block : blocks) add(block.type, block.level, std::move(block.text));
}

void DocumentBuilder::set_title(std::string_view title) {
  document_.title = retrieval::tidy_title(tidy(title));
}

void DocumentBuilder::add(BlockType type, int level, std::string text, std::int64_t first_line) {
  if (text.empty()) return;
  TextBlock block;
  block.type = type;
  block.level = level;
  block.text = std::move(text);
  text_.place(block, first_line);
  if (place_.kind == PlaceKind::kParagraph) ++place_.number;
  block.place = place_;
  document_.blocks.push_back(std::move(block));
}

ParsedDocument DocumentBuilder::finish(std::string media_type, std::string_view file_name) {
  document_.media_type = std::move(media_type);
  if (document_.title.empty()) {
    document_.title = retrieval::fallback_title(document_, file_name);
  }
  return std::move(document_);
}

}  // namespace kvlink::extract
