// SPDX-License-Identifier: Apache-2.0
// Below the list: what is wrong with the selected documents, and what can be done about it.
#pragma once

#include <QFrame>
#include <vector>

#include "app/desk/library_messages.h"

class QLabel;
class QLineEdit;
class QPushButton;

namespace kvlink::ui {

/// One action for each reason, and leaving it at that. Of several documents the first one's reason
/// counts. Hidden where nothing is wrong. GUI thread.
class ProblemBar : public QFrame {
  Q_OBJECT

 public:
  explicit ProblemBar(QWidget* parent = nullptr);

  /// `can_read`: whether documents can be read now.
  void show_documents(const std::vector<const desk::DocumentRow*>& rows, bool can_read);
  /// Those of `rows` that the action is for.
  static std::vector<const desk::DocumentRow*> meant(
      const std::vector<const desk::DocumentRow*>& rows);
  void focus_action();

 signals:
  /// Read them again, with this password where one is needed. It is nowhere else afterwards.
  void read_requested(const QString& password);
  void ignore_requested(bool ignored);

 private:
  void act();

  QLabel* reason_;
  QLineEdit* password_;
  QPushButton* act_;
  QPushButton* ignore_;
  bool is_ignored_ = false;
  QString path_;  ///< of the first document
};

}  // namespace kvlink::ui
