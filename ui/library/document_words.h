// SPDX-License-Identifier: Apache-2.0
// What is said about a document in the library.
#pragma once

#include <QString>

#include "app/desk/library_messages.h"

namespace kvlink::ui {

/// The chip: "ready", "caching 40 %".
QString stage_words(const desk::DocumentRow& row);
QString stage_words(desk::DocumentStage stage);
/// One sentence that explains the chip.
QString stage_explained(desk::DocumentStage stage);
/// The second line: file, size, pages or lines, passages; or what went wrong. `extent` may be null.
QString details_of(const desk::DocumentRow& row, const desk::DocumentExtent* extent);
/// "14 pages", "320 lines".
QString extent_words(const desk::DocumentExtent& extent);
/// Plain text of several lines.
QString tooltip_of(const desk::DocumentRow& row);

}  // namespace kvlink::ui
