// SPDX-License-Identifier: Apache-2.0
// F1: what the keyboard does.
#pragma once

#include <QAction>
#include <QFrame>
#include <QList>

class QScrollArea;

namespace kvlink::ui {

/// A page over the window; any key or click closes it.
class ShortcutsSheet : public QFrame {
  Q_OBJECT

 public:
  explicit ShortcutsSheet(QWidget* window);

  /// Actions that have keys, and pairs of keys and words that belong to single widgets.
  void open(const QList<QAction*>& actions, const QList<QPair<QString, QString>>& more);

 protected:
  bool event(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;

 private:
  using Lines = QList<QPair<QString, QString>>;
  void fill(const Lines& lines, int n_columns);

  QScrollArea* area_;
};

}  // namespace kvlink::ui
