// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/question_label.h"

#include <QPainter>

#include "ui/ask/visible_text.h"

namespace kvlink::ui {

QuestionLabel::QuestionLabel(const QString& question, QWidget* parent)
    : QLabel(visible_text(question), parent) {
  setTextFormat(Qt::PlainText);
  setWordWrap(true);
  setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  setContentsMargins(12, 8, 12, 8);
  setAccessibleName(tr("Question: %1").arg(text()));
  QFont bold = font();
  bold.setWeight(QFont::DemiBold);
  setFont(bold);
}

void QuestionLabel::paintEvent(QPaintEvent* event) {
  {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(palette().alternateBase());
    painter.drawRoundedRect(rect(), 8, 8);
  }
  QLabel::paintEvent(event);
}

}  // namespace kvlink::ui
