// SPDX-License-Identifier: Apache-2.0
// Blocks of documents that are not text files: they get their places in the extracted text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/text_blocks.h"

namespace kvlink::extract {

using retrieval::BlockType;
using retrieval::ParsedDocument;
using retrieval::Place;
using retrieval::PlaceKind;
using retrieval::TextBlock;

using TableRow = std::vector<std::string>;

/// Puts a document together in reading order. Text may be any bytes: it is repaired, its runs of
/// white space become one space (line breaks stay in code). Empty blocks are dropped.
class DocumentBuilder {
 public:
  /// Where the following blocks stand. With kParagraph the builder counts them itself.
  void set_place(Place place) { place_ = std::move(place); }
  const Place& place() const { return place_; }

  void heading(int level, std::string_view text);
  void paragraph(std::string_view text) { add(BlockType::kParagraph, 0, tidy(text)); }
  /// `depth` 0 for items of an outermost list.
  void list_item(std::string_view text, int depth = 0);
  void code(std::string_view text);
  /// Rows as Markdown rows, one line each. `first_row` (from 1): rows count as lines, as in a
  /// sheet; 0: they do not.
  void table(const std::vector<TableRow>& rows, bool names_columns, std::int64_t first_row = 0);
  /// Lines that stay lines: a poem, an address, a page of a PDF.
  void lines(BlockType type, std::string_view text);
  /// Blocks that were parsed elsewhere, with new places.
  void append(std::vector<TextBlock> blocks);
  /// This page, from 1, may be a picture of text.
  void note_page_without_text(std::int32_t page) { document_.pages_without_text.push_back(page); }
  void note(std::string notice) { document_.notices.push_back(std::move(notice)); }
  void set_title(std::string_view title);
  bool has_title() const { return !document_.title.empty(); }
  bool is_empty() const { return document_.blocks.empty(); }

  /// The whole; a title of its own, else its first heading or the file's name.
  ParsedDocument finish(std::string media_type, std::string_view file_name);

 private:
  void add(BlockType type, int level, std::string text, std::int64_t first_line = 0);
  static std::string tidy(std::string_view text);

  ParsedDocument document_;
  Place place_{PlaceKind::kParagraph, 0, {}};
  retrieval::ExtractedText text_;
};

/// One cell as a Markdown cell: no line breaks, bars escaped.
std::string table_cell(std::string_view text);
/// "| a | b |"
std::string table_row(const TableRow& cells);

}  // namespace kvlink::extract
