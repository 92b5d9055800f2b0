// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/ttft_counter.h"

#include <QEvent>
#include <QVBoxLayout>

#include "ui/inspect/quantities.h"

namespace kvlink::ui {
namespace {

constexpr int kTickMs = 50;
constexpr double kLetterFactor = 2.9;

}  // namespace

TtftCounter::TtftCounter(QWidget* parent)
    : QWidget(parent),
      number_(new QLabel(QStringLiteral("–"), this)),
      caption_(new QLabel(tr("time to first token"), this)),
      note_(new QLabel(tr("Ask a question to start the clock."), this)),
      timer_(new QTimer(this)) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(2);
  column->addWidget(number_);
  column->addWidget(caption_);
  column->addWidget(note_);
  number_->setAccessibleName(tr("Time to first token"));
  note_->setWordWrap(true);
  note_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  caption_->setForegroundRole(QPalette::PlaceholderText);
  timer_->setInterval(kTickMs);
  timer_->setTimerType(Qt::PreciseTimer);
  connect(timer_, &QTimer::timeout, this, &TtftCounter::tick);
  size_letters();
}

void TtftCounter::start(app::Timeline::Clock::time_point sent) {
  sent_ = sent;
  timer_->start();
  note_->clear();
  tick();
}

void TtftCounter::freeze(double ttft_ms) {
  timer_->stop();
  number_->setText(duration_text(ttft_ms));
}

void TtftCounter::abandon(const QString& why) {
  timer_->stop();
  number_->setText(QStringLiteral("–"));
  note_->setText(why);
}

void TtftCounter::set_note(const QString& note) { note_->setText(note); }

void TtftCounter::tick() {
  const double elapsed = elapsed_ms();
  number_->setText(tr("%1 s").arg(decimal_text(elapsed / 1000, 2)));
  emit ticked(elapsed);
}

void TtftCounter::changeEvent(QEvent* event) {
  if (event->type() == QEvent::FontChange) size_letters();
  QWidget::changeEvent(event);
}

void TtftCounter::size_letters() {
  auto letters = font();
  letters.setPointSizeF(letters.pointSizeF() * kLetterFactor);
  letters.setWeight(QFont::DemiBold);
  if (number_->font() != letters) number_->setFont(letters);
}

}  // namespace kvlink::ui
