// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/source_view.h"

#include <QFontDatabase>
#include <QPaintEvent>
#include <QPainter>
#include <QScrollBar>
#include <QTextBlock>
#include <algorithm>

#include "ui/ask/visible_text.h"
#include "ui/theme/colors.h"

namespace kvlink::ui {
namespace {

constexpr int kNumberPadding = 8;

/// Left of the text; as wide as its longest number.
class LineNumbers : public QWidget {
 public:
  explicit LineNumbers(SourceView* view) : QWidget(view), view_(*view) {}
  QSize sizeHint() const override { return {view_.numbers_width(), 0}; }

 protected:
  void paintEvent(QPaintEvent* event) override { view_.paint_numbers(event, *this); }

 private:
  SourceView& view_;
};

}  // namespace

void MarkdownColours::highlightBlock(const QString& text) {
  constexpr int kInFence = 1;
  const QString line = text.trimmed();
  const bool is_border =
      line.startsWith(QLatin1String("```")) || line.startsWith(QLatin1String("~~~"));
  const bool was_inside = previousBlockState() == kInFence;
  setCurrentBlockState(was_inside != is_border ? kInFence : 0);
  QTextCharFormat format;
  if (was_inside || is_border) {
    format.setFontFamilies(QFontDatabase::systemFont(QFontDatabase::FixedFont).families());
  } else if (line.startsWith(QLatin1Char('#'))) {
    format.setFontWeight(QFont::Bold);
  } else if (line.startsWith(QLatin1Char('>'))) {
    format.setFontItalic(true);
  } else {
    return;
  }
  setFormat(0, static_cast<int>(text.size()), format);
}

SourceView::SourceView(QWidget* parent) : QPlainTextEdit(parent), numbers_(new LineNumbers(this)) {
  setReadOnly(true);
  setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  setUndoRedoEnabled(false);
  setTabChangesFocus(true);
  setFrameShape(QFrame::NoFrame);
  setWordWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
  setAccessibleName(tr("Document"));
  connect(this, &QPlainTextEdit::updateRequest, this, [this](const QRect& area, int dy) {
    if (dy != 0) {
      numbers_->scroll(0, dy);
    } else {
      numbers_->update(0, area.y(), numbers_->width(), area.height());
    }
  });
}

void SourceView::set_document_text(const desk::DocumentText& text) {
  delete colours_;
  colours_ = nullptr;
  text_ = text.text;
  shown_size_ = -1;
  mark_begin_ = 0;
  mark_end_ = 0;
  marked_line_ = 0;
  show_part_around(0);
  if (text.media_type == QLatin1String("text/markdown")) colours_ = new MarkdownColours(document());
}

void SourceView::show_part_around(qsizetype place) {
  const bool shown =
      shown_size_ >= 0 && place >= shown_begin_ && place <= shown_begin_ + shown_size_;
  if (shown) return;
  qsizetype begin = 0;
  qsizetype end = text_.size();
  if (text_.size() > kMaxCharacters) {
    begin = std::clamp<qsizetype>(place - kMaxCharacters / 2, 0, text_.size() - kMaxCharacters);
    end = begin + kMaxCharacters;
    if (begin > 0) begin = text_.lastIndexOf(QLatin1Char('\n'), begin) + 1;
    const qsizetype line_end = text_.indexOf(QLatin1Char('\n'), end);
    // A text without lines is cut where it is.
    if (line_end >= 0 && line_end - end < kMaxCharacters / 4) end = line_end;
    if (place - begin > kMaxCharacters) begin = place - kMaxCharacters / 2;
  }
  shown_begin_ = begin;
  shown_size_ = end - begin;
  first_line_ = 1 + QStringView(text_).first(begin).count(QLatin1Char('\n'));
  // Only what is shown: positions stay what they are in the whole text.
  setPlainText(visible_in_place(text_.sliced(begin, end - begin)));
  setViewportMargins(numbers_width(), 0, 0, 0);
}

void SourceView::show_range(qsizetype begin, qsizetype end) {
  begin = std::clamp<qsizetype>(begin, 0, text_.size());
  end = std::clamp(end, begin, text_.size());
  show_part_around(begin);
  mark_begin_ = begin;
  mark_end_ = end;
  mark();
  QTextCursor cursor(document());
  const qsizetype at = std::min<qsizetype>(begin - shown_begin_, document()->characterCount() - 1);
  cursor.setPosition(static_cast<int>(at));
  marked_line_ = first_line_ + cursor.blockNumber();
  // From the end: the passage then stands at the top instead of at the bottom of the view.
  verticalScrollBar()->setValue(verticalScrollBar()->maximum());
  setTextCursor(cursor);
  ensureCursorVisible();
}

void SourceView::show_beginning() {
  show_part_around(0);
  mark_end_ = mark_begin_ = 0;
  marked_line_ = 0;
  mark();
  moveCursor(QTextCursor::Start);
}

void SourceView::mark() {
  QList<QTextEdit::ExtraSelection> marks;
  if (mark_end_ > mark_begin_) {
    QTextEdit::ExtraSelection selection;
    QColor fill = colors_of(palette()).warning;
    fill.setAlpha(60);
    selection.format.setBackground(fill);
    selection.cursor = QTextCursor(document());
    const qsizetype last = document()->characterCount() - 1;
    selection.cursor.setPosition(
        static_cast<int>(std::clamp<qsizetype>(mark_begin_ - shown_begin_, 0, last)));
    selection.cursor.setPosition(
        static_cast<int>(std::clamp<qsizetype>(mark_end_ - shown_begin_, 0, last)),
        QTextCursor::KeepAnchor);
    marks.append(selection);
  }
  setExtraSelections(marks);
}

QString SourceView::marked_text() const {
  const auto marks = extraSelections();
  if (marks.isEmpty()) return {};
  return marks.front().cursor.selectedText().replace(QChar::ParagraphSeparator, QLatin1Char('\n'));
}

int SourceView::numbers_width() const {
  const QString longest = QString::number(first_line_ + blockCount());
  return fontMetrics().horizontalAdvance(longest) + 2 * kNumberPadding;
}

void SourceView::paint_numbers(QPaintEvent* event, QWidget& area) {
  QPainter painter(&area);
  painter.fillRect(event->rect(), palette().alternateBase());
  painter.setPen(colors_of(palette()).quiet);
  painter.setFont(font());
  for (QTextBlock block = firstVisibleBlock(); block.isValid(); block = block.next()) {
    const QRectF place = blockBoundingGeometry(block).translated(contentOffset());
    if (place.top() > event->rect().bottom()) break;
    const QRectF line(0, place.top(), area.width() - kNumberPadding, fontMetrics().height());
    painter.drawText(line, Qt::AlignRight, QString::number(first_line_ + block.blockNumber()));
  }
}

void SourceView::resizeEvent(QResizeEvent* event) {
  QPlainTextEdit::resizeEvent(event);
  const QRect inside = contentsRect();
  numbers_->setGeometry(inside.left(), inside.top(), numbers_width(), inside.height());
}

void SourceView::changeEvent(QEvent* event) {
  QPlainTextEdit::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) mark();
  if (event->type() == QEvent::FontChange) setViewportMargins(numbers_width(), 0, 0, 0);
}

}  // namespace kvlink::ui
