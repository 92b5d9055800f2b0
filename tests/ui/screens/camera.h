// SPDX-License-Identifier: Apache-2.0
// Takes pictures of a window, light and dark, and keeps count of what did not come true.
#pragma once

#include <QString>

#include "ui/shell/main_window.h"
#include "ui/theme/appearance.h"

namespace kvlink::ui::tests {

/// Pictures go to FOLDER/NAME-light.png and FOLDER/NAME-dark.png, in the window's own resolution.
class Camera {
 public:
  Camera(Appearance& look, QString folder) : look_(look), folder_(std::move(folder)) {}

  void point_at(QWidget& window) { window_ = &window; }
  /// Both themes; light is in force afterwards.
  void shoot(const QString& name);

  /// Says whether `came_true`, and remembers when not.
  void expect(bool came_true, const QString& sentence);
  int n_untrue() const { return n_untrue_; }

 private:
  void shoot_theme(const QString& name, ThemeChoice theme, const char* suffix);

  Appearance& look_;
  QString folder_;
  QWidget* window_ = nullptr;
  int n_untrue_ = 0;
};

}  // namespace kvlink::ui::tests
