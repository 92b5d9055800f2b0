// SPDX-License-Identifier: Apache-2.0
// The window's own icons: drawn in one colour, which is the palette's.
#pragma once

#include <QIcon>
#include <QString>

namespace kvlink::ui {

/// An icon of resources/icons by its name ("pin", "evict"); painted in the colour of button text,
/// sharp at every scale. A name that does not exist gives an empty icon.
QIcon icon(const QString& name);

/// The program's own icon, in colour.
QIcon program_icon();

}  // namespace kvlink::ui
