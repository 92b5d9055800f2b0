// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/inline_message.h"

#include <QHBoxLayout>
#include <QPainter>
#include <QPushButton>

#include "ui/ask/visible_text.h"
#include "ui/theme/colors.h"

namespace kvlink::ui {

InlineMessage::InlineMessage(QWidget* parent) : QFrame(parent), label_(new QLabel(this)) {
  label_->setTextFormat(Qt::PlainText);
  label_->setWordWrap(true);
  label_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(14, 6, 8, 6);
  row->addWidget(label_, 1);
  buttons_ = new QHBoxLayout;
  row->addLayout(buttons_);
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
  buttons_->addWidget(button);
  return button;
}

void InlineMessage::remove_buttons() {
  for (auto* button : findChildren<QPushButton*>(QString(), Qt::FindDirectChildrenOnly)) {
    buttons_->removeWidget(button);
    button->hide();
    button->deleteLater();
  }
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
