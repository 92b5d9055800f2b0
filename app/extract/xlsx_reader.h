// SPDX-License-Identifier: Apache-2.0
// Workbooks: every sheet's rows, with the numbers of rows as lines.
#pragma once

#include "app/extract/document_builder.h"
#include "app/extract/zip_archive.h"

namespace kvlink::extract {

/// Appends the sheets of the workbook whose main part is `part`. Throws Unreadable.
void read_xlsx(ZipArchive& archive, const std::string& part, DocumentBuilder& out);

/// Rows of one sheet as tables, one for each run of rows without an empty one between them. The
/// first row names the columns when it has words only. Columns that are empty everywhere are left
/// out. `rows` is ordered by row number.
void add_sheet(const std::string& name, std::int64_t number,
               const std::vector<std::pair<std::int64_t, TableRow>>& rows, DocumentBuilder& out);

/// A day number of a spreadsheet as "2024-03-01" or "2024-03-01 13:30"; "" when out of range.
std::string date_of_serial(double serial, bool from_1904);

}  // namespace kvlink::extract
