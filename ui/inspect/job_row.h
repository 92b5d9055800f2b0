// SPDX-License-Identifier: Apache-2.0
// What is being done with a model, how far it is, and a way to stop it.
#pragma once

#include <QWidget>
#include <cstdint>

class QLabel;
class QProgressBar;
class QPushButton;

namespace kvlink::ui {

/// Invisible while nothing is done. GUI thread.
class JobRow : public QWidget {
  Q_OBJECT

 public:
  explicit JobRow(QWidget* parent = nullptr);

  /// Something of unknown length begins. Plain text.
  void begin(const QString& what);
  void show_bytes(std::int64_t done, std::int64_t total);
  void end();

 signals:
  void stop_wanted();

 private:
  QString what_;
  QLabel* words_;
  QProgressBar* bar_;
  QPushButton* stop_;
};

}  // namespace kvlink::ui
