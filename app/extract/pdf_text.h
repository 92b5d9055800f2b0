// SPDX-License-Identifier: Apache-2.0
// Lines of a page put back into paragraphs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/extract/document_builder.h"

namespace kvlink::extract {

/// An entry of a document's outline.
struct OutlineEntry {
  int level = 1;
  std::string title;
};

/// A line as it stands on a page.
struct PageLine {
  std::string text;
  bool is_full = false;     ///< reaches the margin, so that the next one may go on
  bool is_divided = false;  ///< a hyphen at its end divides a word
};

/// Appends the paragraphs that the lines make up. A line that says what an entry says becomes a
/// heading. Words divided at a line's end are joined.
void add_text_lines(const std::vector<PageLine>& lines, const std::vector<OutlineEntry>& outline,
                    DocumentBuilder& out);

/// The same for the text of one page, of which nothing else is known. `text` has a line break where
/// the page has one.
void add_page_text(std::string_view text, const std::vector<OutlineEntry>& outline,
                   DocumentBuilder& out);

}  // namespace kvlink::extract
