// SPDX-License-Identifier: Apache-2.0
// OpenDocument text, presentations and spreadsheets.
#pragma once

#include <string>

#include "app/extract/document_builder.h"
#include "app/extract/zip_archive.h"

namespace kvlink::extract {

/// Appends content.xml, by the archive's password where it is encrypted; `media_type` is what the
/// archive's member "mimetype" says. Throws Unreadable: malformed, and as odf_content.
void read_odf(ZipArchive& archive, const std::string& media_type, DocumentBuilder& out);

}  // namespace kvlink::extract
