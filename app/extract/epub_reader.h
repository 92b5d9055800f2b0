// SPDX-License-Identifier: Apache-2.0
// E-books: the files of their spine, each a page of HTML.
#pragma once

#include "app/extract/document_builder.h"
#include "app/extract/zip_archive.h"

namespace kvlink::extract {

/// Appends the chapters in reading order. Throws Unreadable.
void read_epub(ZipArchive& archive, DocumentBuilder& out);

}  // namespace kvlink::extract
