// SPDX-License-Identifier: Apache-2.0
// Theme and size of letters; both take effect at once.
#pragma once

#include <QWidget>

class QComboBox;
class QSpinBox;

namespace kvlink::ui {

/// Does nothing in an application without an Appearance. GUI thread.
class AppearancePage : public QWidget {
  Q_OBJECT

 public:
  explicit AppearancePage(QWidget* parent = nullptr);

 private:
  void show_current();

  QComboBox* theme_;
  QSpinBox* font_;
};

}  // namespace kvlink::ui
