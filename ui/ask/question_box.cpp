// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/question_box.h"

#include <QKeyEvent>
#include <QMimeData>
#include <QTextBlock>
#include <algorithm>
#include <cmath>

namespace kvlink::ui {

QuestionBox::QuestionBox(QWidget* parent) : QPlainTextEdit(parent) {
  setPlaceholderText(tr("Ask your documents\u2026"));
  setAccessibleName(tr("Question"));
  setAccessibleDescription(tr("Enter sends, Shift+Enter begins a new line"));
  setTabChangesFocus(true);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  setVerticalScrollBarPolicy(Qt::ScrollBarAsNeeded);
  setWordWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
  connect(this, &QPlainTextEdit::textChanged, this, &QuestionBox::fit_height);
  fit_height();
}

void QuestionBox::set_history(const QStringList& questions) {
  history_ = questions;
  recalled_ = -1;
}

void QuestionBox::remember(const QString& question) {
  if (history_.isEmpty() || history_.last() != question) history_ += question;
  recalled_ = -1;
}

void QuestionBox::set_question(const QString& text) {
  // Ctrl+Z brings back what stood there.
  QTextCursor cursor(document());
  cursor.select(QTextCursor::Document);
  cursor.insertText(text.left(kMaxCharacters));
  moveCursor(QTextCursor::End);
}

void QuestionBox::keyPressEvent(QKeyEvent* event) {
  const bool enter = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
  if (enter && !(event->modifiers() & Qt::ShiftModifier)) {
    emit send_requested();
    return;
  }
  if (event->key() == Qt::Key_Escape) {
    emit stop_requested();
    return;
  }
  const bool plain = (event->modifiers() & ~Qt::KeypadModifier) == Qt::NoModifier;
  if (plain && (event->key() == Qt::Key_PageUp || event->key() == Qt::Key_PageDown)) {
    emit page_requested(event->key() == Qt::Key_PageUp ? -1 : 1);
    return;
  }
  if (plain && event->key() == Qt::Key_Up && recall(-1)) return;
  if (plain && event->key() == Qt::Key_Down && recall(1)) return;
  const QString text = event->text();
  if (!text.isEmpty() && text[0].isPrint()) {
    recalled_ = -1;
    if (document()->characterCount() > kMaxCharacters) return;
  }
  QPlainTextEdit::keyPressEvent(event);
}

bool QuestionBox::recall(int step) {
  if (history_.isEmpty()) return false;
  const bool is_own = recalled_ < 0;
  if (is_own && (step > 0 || !toPlainText().isEmpty())) return false;
  const qsizetype next = is_own ? history_.size() - 1 : recalled_ + step;
  if (next < 0) return true;
  if (next >= history_.size()) {
    clear();
    recalled_ = -1;
    return true;
  }
  set_question(history_[next]);
  recalled_ = next;
  return true;
}

void QuestionBox::insertFromMimeData(const QMimeData* source) {
  const qsizetype room = kMaxCharacters - document()->characterCount();
  if (source->hasText() && room > 0) insertPlainText(source->text().left(room));
}

void QuestionBox::resizeEvent(QResizeEvent* event) {
  QPlainTextEdit::resizeEvent(event);
  fit_height();
}

void QuestionBox::fit_height() {
  // A plain text document's height is counted in lines.
  const int n_lines =
      std::clamp(static_cast<int>(std::lround(document()->size().height())), 1, kMaxLines);
  const int margins = static_cast<int>(std::ceil(2 * document()->documentMargin())) +
                      2 * frameWidth() + contentsMargins().top() + contentsMargins().bottom();
  setFixedHeight(n_lines * fontMetrics().lineSpacing() + margins + 2);
}

}  // namespace kvlink::ui
