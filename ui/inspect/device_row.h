// SPDX-License-Identifier: Apache-2.0
// Which device computes: the choice, and what stands in the way of each that cannot.
#pragma once

#include <QWidget>
#include <string>

#include "app/desk/settings_messages.h"

class QComboBox;
class QLabel;

namespace kvlink::ui {

/// A combo box and a sentence below it. A GPU that cannot be used is listed and cannot be chosen; a
/// choice that this machine does not have is kept as it is. GUI thread.
class DeviceRow : public QWidget {
  Q_OBJECT

 public:
  explicit DeviceRow(QWidget* parent = nullptr);

  void show_devices(const desk::DeviceFacts& devices);
  void show_choice(const std::string& choice);
  /// "auto", "cpu", "gpu:0", …
  std::string choice() const;
  QComboBox& box() { return *box_; }
  QString words() const;

 signals:
  void edited();

 private:
  void fill();
  void add(const QString& text, const QString& choice, const QString& problem = {});

  desk::DeviceFacts devices_;
  QString choice_;
  QComboBox* box_;
  QLabel* words_;
};

}  // namespace kvlink::ui
