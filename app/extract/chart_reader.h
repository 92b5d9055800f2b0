// SPDX-License-Identifier: Apache-2.0
// Charts of office documents as the tables they show.
#pragma once

#include <string_view>

#include "app/extract/document_builder.h"

namespace kvlink::extract {

/// Appends a chart part: a row for each category, a column for each series. What is malformed ends
/// the chart.
void read_chart(std::string_view xml, DocumentBuilder& out);

}  // namespace kvlink::extract
