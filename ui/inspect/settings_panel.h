// SPDX-License-Identifier: Apache-2.0
// Models and settings; a page that takes the place of the three columns, not a dialog.
#pragma once

#include <QString>
#include <QWidget>

namespace kvlink::desk {
class Desk;
}

namespace kvlink::ui {

class SettingsPanel : public QWidget {
  Q_OBJECT

 public:
  explicit SettingsPanel(desk::Desk& desk, QWidget* parent = nullptr);
  ~SettingsPanel() override;

 public slots:
  void show_models();
  /// A model file or folder was dropped on the window.
  void add_model(const QString& path);

 signals:
  /// The user is done: the window shows the columns again.
  void closed();
  /// For the window's banner.
  void problem(const QString& message);
};

}  // namespace kvlink::ui
