// SPDX-License-Identifier: Apache-2.0
// Rich Text Format: text, tables and headings, without fonts, pictures and fields.
#pragma once

#include <string_view>

#include "app/extract/document_builder.h"

namespace kvlink::extract {

/// Appends the text of an RTF file. Never fails: what makes no sense is left out. Linear.
void read_rtf(std::string_view rtf, DocumentBuilder& out);

}  // namespace kvlink::extract
