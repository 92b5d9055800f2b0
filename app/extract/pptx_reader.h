// SPDX-License-Identifier: Apache-2.0
// Presentations: slides in their order with titles, text, tables and notes.
#pragma once

#include "app/extract/document_builder.h"
#include "app/extract/zip_archive.h"

namespace kvlink::extract {

/// Appends the slides of the presentation whose main part is `part`. Throws Unreadable.
void read_pptx(ZipArchive& archive, const std::string& part, DocumentBuilder& out);

}  // namespace kvlink::extract
