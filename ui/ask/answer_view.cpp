// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/answer_view.h"

#include <QHelpEvent>
#include <QTextBlock>
#include <QTextCursor>
#include <QToolTip>
#include <algorithm>
#include <memory>

#include "ui/ask/visible_text.h"

namespace kvlink::ui {

AnswerView::AnswerView(QWidget* parent) : SafeTextView(parent) {
  setAccessibleName(tr("Answer"));
  sealed().setUndoRedoEnabled(false);
  timer_.setSingleShot(true);
  timer_.setInterval(1000 / kUpdatesPerSecond);
  connect(&timer_, &QTimer::timeout, this, &AnswerView::draw_pending);
}

void AnswerView::append_text(const QString& text) {
  const bool is_first = text_.isEmpty() && pending_.isEmpty();
  pending_ += text;
  if (is_first) {
    draw_pending();
  } else if (!timer_.isActive()) {
    timer_.start();
  }
}

void AnswerView::draw_pending() {
  if (pending_.isEmpty()) return;
  text_ += pending_;
  const QStringList closed = stream_.append(pending_);
  pending_.clear();
  QTextCursor cursor(&sealed());
  const int n_blocks_before = sealed().blockCount();
  cursor.beginEditBlock();
  cursor.setPosition(tail_begin_);
  cursor.movePosition(QTextCursor::End, QTextCursor::KeepAnchor);
  cursor.removeSelectedText();
  const int n_kept = sealed().blockCount();
  for (const QString& block : closed) append_block(block);
  cursor.movePosition(QTextCursor::End);
  tail_begin_ = cursor.position();
  append_block(stream_.tail());
  cursor.endEditBlock();
  ++work_.n_updates;
  work_.n_replaced_blocks = n_blocks_before - n_kept + 1;
  work_.max_replaced_blocks = std::max(work_.max_replaced_blocks, work_.n_replaced_blocks);
  timer_.start();
  emit updated();
}

void AnswerView::append_block(const QString& markdown) {
  if (markdown.trimmed().isEmpty()) return;
  SealedDocument part;
  part.setDefaultFont(font());
  render_markdown(markdown, part);
  link_citations(part, 0, n_sources_);
  append_document(part, sealed());
  work_.max_parsed_characters = std::max(work_.max_parsed_characters, markdown.size());
}

void AnswerView::finish() {
  if (finished_) return;
  draw_pending();
  timer_.stop();
  finished_ = true;
  // A new document would take away what the user is selecting.
  if (textCursor().hasSelection()) return;
  auto whole = std::make_unique<SealedDocument>();
  whole->setDefaultFont(font());
  // Shown literally as a whole: the blocks, of which most are Markdown, are better.
  if (render_markdown(text_, *whole) == Rendering::kLiteral) return;
  link_citations(*whole, 0, n_sources_);
  take_document(whole.release());
  emit updated();
}

void AnswerView::set_answer(const QString& text) {
  stream_.clear();
  text_.clear();
  pending_.clear();
  tail_begin_ = 0;
  finished_ = false;
  sealed().clear();
  pending_ = text;
  finish();
}

bool AnswerView::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    const auto* help = static_cast<QHelpEvent*>(event);
    const QUrl address(anchorAt(viewport()->mapFromGlobal(help->globalPos())));
    if (address.scheme() == QLatin1String("cite") && words_) {
      QToolTip::showText(help->globalPos(), plain_tooltip(words_(address.path().toLongLong())),
                         this);
      return true;
    }
    QToolTip::hideText();
    return true;
  }
  return SafeTextView::event(event);
}

void AnswerView::changeEvent(QEvent* event) {
  SafeTextView::changeEvent(event);
  const bool colours = event->type() == QEvent::PaletteChange;
  if ((colours || event->type() == QEvent::FontChange) && finished_) {
    const QString text = text_;
    set_answer(text);
  }
}

}  // namespace kvlink::ui
