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

/// Appends the paragraphs of one page. `text` has a line break where the page has one; a line that
/// says what an entry says becomes a heading. Words divided at a line's end are joined.
void add_page_text(std::string_view text, const std::vector<OutlineEntry>& outline,
                   DocumentBuilder& out);

}  // namespace kvlink::extract
