// SPDX-License-Identifier: Apache-2.0
// Shows a file in the desktop's file browser.
#pragma once

#include <QString>

namespace kvlink::ui {

/// Over the session bus, the file selected; without a file browser there, its folder is opened.
/// Returns at once.
void reveal_file(const QString& path);

}  // namespace kvlink::ui
