// SPDX-License-Identifier: Apache-2.0
// What stands where on a page: the order of reading, and tables.
#pragma once

#include <string>
#include <vector>

#include "app/extract/document_builder.h"
#include "app/extract/pdf_text.h"

namespace kvlink::extract {

/// A rectangle of a page in points, from its upper left corner.
struct PageRect {
  float left = 0;
  float top = 0;
  float right = 0;
  float bottom = 0;

  float width() const { return right - left; }
  float height() const { return bottom - top; }
  void unite(const PageRect& other);
};

/// Words without a wide gap between them.
struct PlacedText {
  std::string text;
  PageRect place;
};

/// What a page shows at one height.
struct PlacedLine {
  std::vector<PlacedText> cells;  ///< from left to right, with wide gaps between; one at least
  bool is_divided = false;        ///< a hyphen at its end divides a word

  PageRect place() const;
};

/// A gap between words of a line that is so high begins another cell.
float wide_gap(float line_height);

/// Appends the paragraphs and tables of one page, whose lines come as they were drawn. A line that
/// stands above another one and shares some of its width is read before it; else the order stays,
/// so that columns of text follow each other as their author drew them. Rows whose cells stand
/// below each other become a table, two columns of long lines become text. Time grows with the
/// square of the lines.
void add_page_lines(std::vector<PlacedLine> lines, const std::vector<OutlineEntry>& outline,
                    DocumentBuilder& out);

}  // namespace kvlink::extract
