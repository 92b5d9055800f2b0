// SPDX-License-Identifier: Apache-2.0
// The field a question is typed into.
#pragma once

#include <QPlainTextEdit>
#include <QStringList>

namespace kvlink::ui {

/// Grows with its text up to kMaxLines. Enter sends, Shift+Enter begins a line, Up in an empty or
/// recalled field brings back earlier questions, Down goes forward again. Page keys are for the
/// conversation.
class QuestionBox : public QPlainTextEdit {
  Q_OBJECT

 public:
  static constexpr int kMaxLines = 8;
  /// Longer input is refused where it is typed or pasted; a context holds less.
  static constexpr qsizetype kMaxCharacters = 200'000;

  explicit QuestionBox(QWidget* parent = nullptr);

  /// Earlier questions, oldest first.
  void set_history(const QStringList& questions);
  void remember(const QString& question);
  void set_question(const QString& text);

 signals:
  void send_requested();
  /// Esc.
  void stop_requested();
  /// Page Up (-1) or Page Down (1): for the conversation above.
  void page_requested(int step);

 protected:
  void keyPressEvent(QKeyEvent* event) override;
  void insertFromMimeData(const QMimeData* source) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  void fit_height();
  bool recall(int step);

  QStringList history_;
  qsizetype recalled_ = -1;  ///< index into history_; -1: the field is the user's own
};

}  // namespace kvlink::ui
