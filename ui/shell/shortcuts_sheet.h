// SPDX-License-Identifier: Apache-2.0
// F1: what the keyboard does.
#pragma once

#include <QAction>
#include <QFrame>
#include <QList>
#include <QPointer>

class QScrollArea;

namespace kvlink::ui {

/// A page over the window. Esc, Enter, F1 and a click close it and give the focus back; screen
/// readers find its lines as its description.
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
  void hideEvent(QHideEvent* event) override;

 private:
  using Lines = QList<QPair<QString, QString>>;
  void fill(const Lines& lines, int n_columns);

  QScrollArea* area_;
  QPointer<QWidget> before_;  ///< had the focus
};

}  // namespace kvlink::ui
