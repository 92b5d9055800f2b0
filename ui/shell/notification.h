// SPDX-License-Identifier: Apache-2.0
// A message of the desktop, for who looks elsewhere.
#pragma once

#include <QString>

namespace kvlink::ui {

/// Over the session bus (a local socket), without waiting; nothing happens where there is none.
void notify_desktop(const QString& title, const QString& text);

/// Opens the file's folder with the file selected, by the desktop's file manager; without one, the
/// folder by its default program.
void reveal_in_folder(const QString& path);

}  // namespace kvlink::ui
