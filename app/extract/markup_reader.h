// SPDX-License-Identifier: Apache-2.0
// Text formats with headings of their own, source code, and other XML. All take UTF-8.
#pragma once

#include <string>
#include <string_view>

#include "app/extract/document_builder.h"
#include "app/extract/file_type.h"

namespace kvlink::extract {

/// Appends reStructuredText, Org or AsciiDoc: headings, code, lists, paragraphs; marks stay in the
/// text. Blocks have the places of the file's own lines.
ParsedDocument read_markup(const std::string& text, FileType type);

/// Source code: parts between blank lines, as code.
ParsedDocument read_source(const std::string& text);

/// Feeds (RSS, Atom) and any other XML: the text of its elements, HTML inside them read as such.
void read_xml_text(std::string_view xml, DocumentBuilder& out);

}  // namespace kvlink::extract
