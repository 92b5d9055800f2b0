// SPDX-License-Identifier: Apache-2.0
// Files of records: tables as text, JSON, notebooks, subtitles. All take UTF-8.
#pragma once

#include <string_view>
#include <vector>

#include "app/extract/document_builder.h"

namespace kvlink::extract {

/// Rows of a table as text (RFC 4180). `delimiter` 0 finds out: comma, semicolon, tab or bar. A
/// quote that is never closed ends with its line.
std::vector<TableRow> parse_csv(std::string_view text, char delimiter);

/// Appends a table as text; rows count as lines of the file.
void read_csv(std::string_view text, char delimiter, DocumentBuilder& out);

/// Appends JSON as an outline, one line for each value: "name: value", indented. Elements of an
/// array of objects are records, each a block. Throws Unreadable (kDamaged): not JSON, or nested
/// deeper than 200 levels.
void read_json(std::string_view text, DocumentBuilder& out);

/// One JSON value on each line.
void read_json_lines(std::string_view text, DocumentBuilder& out);

/// Cells of a Jupyter notebook: prose as Markdown, code and its printed output. Throws Unreadable.
void read_notebook(std::string_view text, DocumentBuilder& out);

/// SubRip and WebVTT: what is said, in paragraphs of about half a minute.
void read_subtitles(std::string_view text, DocumentBuilder& out);

}  // namespace kvlink::extract
