// SPDX-License-Identifier: Apache-2.0
// PDF through Qt PDF: text by page in the order it is drawn, and pages as pictures.
#pragma once

#include <string>

#include "app/extract/document_builder.h"
#include "retrieval/extract/frames.h"

namespace kvlink::extract {

/// Whether this program was built with Qt PDF.
bool can_read_pdf();
/// Loads what Qt PDF needs later, while files can still be opened.
void prepare_pdf();

/// Appends the text of every page, and notes which pages have none. Throws Unreadable:
/// kNeedsPassword, kDamaged.
void read_pdf(const std::string& bytes, const std::string& password, DocumentBuilder& out);

/// One page as a picture, with the place of request.passage on it. Throws Unreadable.
retrieval::PageImage draw_pdf_page(const std::string& bytes, const retrieval::ReadRequest& request);

}  // namespace kvlink::extract
