// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/stage_line.h"

#include <QEvent>
#include <QFontDatabase>
#include <QHBoxLayout>

#include "ui/ask/answer_words.h"
#include "ui/theme/colors.h"

namespace kvlink::ui {
namespace {

constexpr int kTickMs = 50;

}  // namespace

StageLine::StageLine(QWidget* parent)
    : QWidget(parent), steps_(new QLabel(this)), clock_(new QLabel(this)) {
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(0, 0, 0, 0);
  row->addWidget(steps_, 1);
  row->addWidget(clock_, 0, Qt::AlignTop | Qt::AlignRight);
  steps_->setTextFormat(Qt::RichText);
  steps_->setWordWrap(true);
  clock_->setTextFormat(Qt::PlainText);
  clock_->setObjectName(QStringLiteral("ttft-clock"));
  clock_->setToolTip(tr("Time to the first token"));
  QFont digits = QFontDatabase::systemFont(QFontDatabase::FixedFont);
  digits.setPointSizeF(font().pointSizeF() * 1.25);
  digits.setBold(true);
  clock_->setFont(digits);
  timer_.setInterval(kTickMs);
  connect(&timer_, &QTimer::timeout, this, &StageLine::tick);
}

void StageLine::start(app::Timeline::Clock::time_point sent) {
  sent_ = sent;
  clock_->show();
  timer_.start();
  tick();
}

void StageLine::set_facts(const WaitingFacts& facts) {
  const double elapsed = facts_.elapsed_ms;
  facts_ = facts;
  facts_.elapsed_ms = elapsed;
  draw();
}

void StageLine::freeze(double ttft_ms) {
  timer_.stop();
  facts_.first_token = true;
  facts_.elapsed_ms = ttft_ms;
  draw();
}

void StageLine::give_up() {
  timer_.stop();
  clock_->setVisible(facts_.first_token);  // there is no time to a token that did not come
}

void StageLine::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) draw();  // its colours are written into the text
}

void StageLine::tick() {
  const auto waited = app::Timeline::Clock::now() - sent_;
  facts_.elapsed_ms = std::chrono::duration<double, std::milli>(waited).count();
  draw();
  emit ticked(facts_.elapsed_ms);
}

void StageLine::draw() {
  const auto steps = steps_of(facts_);
  const QString quiet = colors_of(palette()).quiet.name();
  const QString text = palette().color(QPalette::Text).name();
  QStringList parts;
  for (const Step& step : steps) {
    const bool running = step.state == StepState::kRunning;
    const QString colour = step.state == StepState::kPending ? quiet : text;
    const QString words = step.words.toHtmlEscaped();
    const QString shown = running ? QStringLiteral("<b>%1</b>").arg(words) : words;
    parts += QStringLiteral("<span style='color:%1'>%2</span>").arg(colour, shown);
  }
  const QString arrow = QStringLiteral(" <span style='color:%1'>\u203a</span> ").arg(quiet);
  steps_->setText(parts.join(arrow));
  steps_->setAccessibleName(steps_words(steps));
  clock_->setText(time_words(facts_.elapsed_ms, TimeUnit::kSeconds));
  clock_->setAccessibleName(tr("Time to the first token: %1").arg(clock_->text()));
}

}  // namespace kvlink::ui
