// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/composer.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QVBoxLayout>

#include "ui/ask/visible_text.h"
#include "ui/theme/colors.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {

Composer::Composer(QWidget* parent)
    : QWidget(parent),
      scope_words_(new QLabel(this)),
      note_(new QLabel(this)),
      whole_box_(new QCheckBox(this)),
      box_(new QuestionBox(this)),
      modes_(new ModePicker(this)),
      warning_(new QLabel(this)),
      send_(new QPushButton(this)) {
  build();
  typing_.setSingleShot(true);
  typing_.setInterval(kTypingPauseMs);
  connect(&typing_, &QTimer::timeout, this, [this] { emit typing_paused(box_->toPlainText()); });
  connect(box_, &QPlainTextEdit::textChanged, this, [this] {
    typing_.start();
    show_button();
  });
  connect(box_, &QuestionBox::send_requested, this, &Composer::request_send);
  connect(box_, &QuestionBox::stop_requested, this, &Composer::stop_requested);
  connect(modes_, &ModePicker::mode_changed, this, &Composer::show_warning);
  connect(whole_box_, &QCheckBox::clicked, this, [this](bool checked) {
    if (!checked) set_whole(0, {});
  });
  connect(send_, &QPushButton::clicked, this, [this] {
    if (answering_) {
      emit stop_requested();
    } else {
      request_send();
    }
  });
  set_scope({}, {});
  show_warning();
  show_button();
}

void Composer::build() {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(12, 8, 12, 12);
  column->setSpacing(6);
  auto* above = new QHBoxLayout;
  for (QLabel* label : {scope_words_, note_, warning_}) {
    label->setTextFormat(Qt::PlainText);
    label->setWordWrap(label == warning_);
    label->setForegroundRole(QPalette::PlaceholderText);
  }
  scope_words_->setObjectName(QStringLiteral("scope-words"));
  warning_->setObjectName(QStringLiteral("mode-warning"));
  whole_box_->setObjectName(QStringLiteral("whole-document"));
  whole_box_->setToolTip(
      tr("Reads the document from its beginning, as far as it fits, instead of searching it"));
  above->addWidget(scope_words_);
  above->addWidget(note_);
  above->addStretch(1);
  above->addWidget(whole_box_);
  auto* below = new QHBoxLayout;
  below->addWidget(modes_);
  below->addWidget(warning_, 1);
  send_->setObjectName(QStringLiteral("send"));
  send_->setAutoDefault(false);
  below->addWidget(send_);
  column->addLayout(above);
  column->addWidget(box_);
  column->addLayout(below);
  setTabOrder(box_, send_);
  setTabOrder(send_, modes_);
  setTabOrder(modes_, whole_box_);
}

void Composer::set_scope(const std::vector<desk::DocumentId>& documents, const QString& words) {
  // Another document alone in scope is what the user means now.
  if (documents.size() == 1 && documents != scope_ && documents.front() != chosen_) {
    chosen_ = 0;
    chosen_title_.clear();
  }
  scope_ = documents;
  const QString shown = words.isEmpty() ? tr("all documents") : visible_text(words);
  scope_words_->setText(tr("Asking: %1", "the scope, as in: 3 of 12 documents").arg(shown));
  show_whole();
}

void Composer::set_note(const QString& note) {
  note_->setText(note.isEmpty() ? QString() : QStringLiteral("\u00b7 ") + visible_text(note));
}

void Composer::set_whole(desk::DocumentId document, const QString& title) {
  chosen_ = document;
  chosen_title_ = title;
  show_whole();
  whole_box_->setChecked(document != 0);
}

desk::DocumentId Composer::whole() const {
  if (whole_box_->isHidden() || !whole_box_->isChecked()) return 0;
  return chosen_ != 0 ? chosen_ : scope_.front();
}

void Composer::show_whole() {
  const bool offered = chosen_ != 0 || scope_.size() == 1;
  if (!offered) whole_box_->setChecked(false);
  whole_box_->setText(
      chosen_title_.isEmpty()
          ? tr("Whole document")
          : tr("Whole document: %1").arg(without_mnemonic(one_line(chosen_title_, 40))));
  whole_box_->setVisible(offered);
}

void Composer::set_answering(bool answering) {
  answering_ = answering;
  show_button();
}

void Composer::request_send() {
  const QString question = box_->toPlainText().trimmed();
  if (answering_ || question.isEmpty()) return;
  typing_.stop();
  emit send_requested(question);
}

void Composer::show_warning() {
  const QString warning = modes_->warning();
  warning_->setText(warning);
  warning_->setAccessibleName(warning);
  QPalette colours = palette();
  colours.setColor(QPalette::PlaceholderText, colors_of(colours).warning);
  warning_->setPalette(colours);
}

void Composer::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() != QEvent::PaletteChange) return;
  show_warning();
  show_button();
}

void Composer::show_button() {
  QPalette colours = palette();
  if (answering_) {
    const QColor stop = colors_of(colours).bad;
    colours.setColor(QPalette::Button, stop);
    colours.setColor(QPalette::ButtonText, is_dark(colours) ? colours.color(QPalette::Window)
                                                            : colours.color(QPalette::Base));
  }
  send_->setPalette(colours);
  send_->setText(answering_ ? tr("Stop") : tr("Send"));
  send_->setAccessibleName(send_->text());
  send_->setIcon(icon(answering_ ? QStringLiteral("stop") : QStringLiteral("send")));
  send_->setToolTip(answering_ ? tr("Ends the answer (Esc)") : tr("Asks the question (Enter)"));
  send_->setEnabled(answering_ || !box_->toPlainText().trimmed().isEmpty());
}

}  // namespace kvlink::ui
