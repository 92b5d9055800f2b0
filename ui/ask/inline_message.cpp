// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/inline_message.h"

#include <QBoxLayout>
#include <QPainter>
#include <QPushButton>
#include <algorithm>

#include "ui/ask/visible_text.h"
#include "ui/theme/colors.h"
#include "ui/theme/flow_layout.h"

namespace kvlink::ui {

InlineMessage::InlineMessage(QWidget* parent) : QFrame(parent), label_(new QLabel(this)) {
  label_->setTextFormat(Qt::PlainText);
  label_->setWordWrap(true);
  label_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  row_ = new QBoxLayout(QBoxLayout::LeftToRight, this);
  row_->setContentsMargins(14, 6, 8, 6);
  row_->addWidget(label_, 1);
  buttons_ = new FlowLayout(6, Qt::AlignRight);
  row_->addLayout(buttons_);
  hide();
}

void InlineMessage::tell(const QString& text, Tone tone) {
  tone_ = tone;
  label_->setText(visible_text(text));
  label_->setAccessibleName(label_->text());
  setAccessibleName(label_->text());
  setVisible(!text.isEmpty());
  update();
}

QPushButton* InlineMessage::add_button(const QString& text) {
  auto* button = new QPushButton(text, this);
  button->setAutoDefault(false);
  button->ensurePolished();
  buttons_->addWidget(button);
  button->show();
  place_buttons();
  return button;
}

void InlineMessage::remove_buttons() {
  for (auto* button : findChildren<QPushButton*>(QString(), Qt::FindDirectChildrenOnly)) {
    buttons_->removeWidget(button);
    button->hide();
    button->deleteLater();
  }
  place_buttons();
}

void InlineMessage::resizeEvent(QResizeEvent* event) {
  QFrame::resizeEvent(event);
  place_buttons();
}

void InlineMessage::place_buttons() {
  constexpr int kLettersBeside = 30;  // of text, at least
  const int text = std::max(kLettersBeside * label_->fontMetrics().averageCharWidth(),
                            label_->minimumSizeHint().width());
  const QMargins margins = row_->contentsMargins();
  const int beside =
      margins.left() + text + row_->spacing() + buttons_->sizeHint().width() + margins.right();
  const bool below = buttons_->count() > 0 && width() < beside;
  const auto wanted = below ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight;
  if (row_->direction() != wanted) row_->setDirection(wanted);
}

void InlineMessage::paintEvent(QPaintEvent*) {
  const Colors& colors = colors_of(palette());
  const QColor mark = tone_ == Tone::kPlain     ? colors.quiet
                      : tone_ == Tone::kWarning ? colors.warning
                                                : colors.bad;
  QColor fill = mark;
  fill.setAlpha(28);
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(Qt::NoPen);
  painter.setBrush(fill);
  painter.drawRoundedRect(rect(), 4, 4);
  painter.setBrush(mark);
  painter.drawRoundedRect(QRect(0, 0, 4, height()), 2, 2);
}

}  // namespace kvlink::ui
