// SPDX-License-Identifier: Apache-2.0
// The font that tests of the window measure and paint with.
#pragma once

#include <QApplication>
#include <QFont>

namespace kvlink::ui::tests {

inline void use_test_font() {
  QFont font(QStringLiteral("DejaVu Sans"));
  font.setPointSize(10);
  QApplication::setFont(font);
}

}  // namespace kvlink::ui::tests
