// SPDX-License-Identifier: Apache-2.0
// HTML pages: what a reader came for, without navigation, scripts and forms.
#pragma once

#include <string_view>

#include "app/extract/document_builder.h"

namespace kvlink::extract {

/// Appends the blocks of a page in UTF-8. The page's <title> becomes the title when there is none.
void read_html(std::string_view html, DocumentBuilder& out);

}  // namespace kvlink::extract
