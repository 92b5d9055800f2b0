// SPDX-License-Identifier: Apache-2.0
// Dims the window while something is dragged over it, and says what dropping it would do.
#pragma once

#include <QWidget>

namespace kvlink::ui {

/// Covers its parent; lets every event through.
class DropOverlay : public QWidget {
  Q_OBJECT

 public:
  explicit DropOverlay(QWidget* parent);

  void show_words(const QString& words);
  const QString& words() const { return words_; }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  QString words_;
};

}  // namespace kvlink::ui
