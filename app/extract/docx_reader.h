// SPDX-License-Identifier: Apache-2.0
// Word documents: body in order with headings, lists, tables, notes and text boxes.
#pragma once

#include "app/extract/document_builder.h"
#include "app/extract/zip_archive.h"

namespace kvlink::extract {

/// Appends the body of the document whose main part is `part`. Throws Unreadable.
void read_docx(ZipArchive& archive, const std::string& part, DocumentBuilder& out);

}  // namespace kvlink::extract
