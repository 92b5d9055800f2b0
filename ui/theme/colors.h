// SPDX-License-Identifier: Apache-2.0
// Colours that palette roles have no name for, in a light and a dark set.
#pragma once

#include <QColor>
#include <QPalette>

namespace kvlink::ui {

/// What a colour means here. Plain value; take it from colors_of() whenever something is painted,
/// so that a change of theme needs nothing else.
struct Colors {
  QColor gpu;         ///< a block in the memory of a GPU
  QColor memory;      ///< a block in memory
  QColor disk;        ///< a block on disk
  QColor nothing;     ///< a passage without a block
  QColor stale;       ///< made by another model or behind another prompt
  QColor used;        ///< ring: served the last answer
  QColor missed;      ///< ring: was looked for and not there
  QColor recomputed;  ///< ring: was computed during the last answer
  QColor good;
  QColor warning;
  QColor bad;
  QColor quiet;       ///< text that explains
  QColor grid;        ///< axes and separators
  QColor stages[11];  ///< of the waterfall, in the order of its bars
};

bool is_dark(const QPalette& palette);
const Colors& colors_of(const QPalette& palette);

QPalette light_palette();
QPalette dark_palette();

}  // namespace kvlink::ui
