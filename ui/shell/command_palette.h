// SPDX-License-Identifier: Apache-2.0
// Ctrl+K: every action by its name.
#pragma once

#include <QAction>
#include <QFrame>
#include <QList>
#include <QPointer>

class QLineEdit;
class QListWidget;

namespace kvlink::ui {

/// A list over the window that narrows while one types; Enter does it, Esc closes.
class CommandPalette : public QFrame {
  Q_OBJECT

 public:
  explicit CommandPalette(QWidget* window);

  void open(const QList<QAction*>& actions);
  /// The focus goes back to where it was.
  void close_palette();
  QLineEdit& input() { return *input_; }
  QListWidget& list() { return *list_; }

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void narrow(const QString& words);
  void run_current();

  QLineEdit* input_;
  QListWidget* list_;
  QList<QPointer<QAction>> actions_;
  QPointer<QWidget> before_;  ///< had the focus
};

}  // namespace kvlink::ui
