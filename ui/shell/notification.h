// SPDX-License-Identifier: Apache-2.0
// A message of the desktop, for who looks elsewhere.
#pragma once

#include <QString>

namespace kvlink::ui {

/// Over the session bus (a local socket), without waiting; nothing happens where there is none.
void notify_desktop(const QString& title, const QString& text);

}  // namespace kvlink::ui
