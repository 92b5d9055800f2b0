// SPDX-License-Identifier: Apache-2.0
// Where a passage stands, as a person says it.
#pragma once

#include <string>

#include "retrieval/chunker.h"

namespace kvlink::app {

/// "lines 3-9", "page 14", "pages 14-15", "slide 3", "sheet Costs, rows 2-40", "section 5",
/// "chapter 2", "message 8", "cell 4", "at 0:12:05", "notes/a.md" in an archive. Never empty.
std::string place_in_words(const retrieval::Anchor& anchor);

}  // namespace kvlink::app
