// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/status_line.h"

#include <QCoreApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QToolButton>
#include <algorithm>

#include "app/desk/desk.h"
#include "ui/ask/visible_text.h"
#include "ui/inspect/quantities.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

constexpr int kSteps = 1000;

QToolButton* flat_button(QWidget* parent, const QString& icon_name, const QString& tip) {
  auto* button = new QToolButton(parent);
  button->setAutoRaise(true);
  if (!icon_name.isEmpty()) button->setIcon(icon(icon_name));
  button->setToolTip(tip);
  button->setAccessibleName(tip);
  return button;
}

int steps_of(std::int64_t done, std::int64_t all) {
  if (all <= 0) return 0;
  return static_cast<int>(std::clamp(double(done) / double(all), 0.0, 1.0) * kSteps);
}

QString left_words(const desk::IngestStatus& status) {
  if (!status.seconds_left || status.paused) return {};
  return StatusLine::tr(", about %1 left").arg(seconds_text(*status.seconds_left));
}

}  // namespace

QString ingest_words(const desk::IngestStatus& status) {
  const QString name = one_line(status.current.section(QLatin1Char('/'), -1), 30);
  QString words;
  switch (status.state) {
    case desk::IngestState::kIdle:
      return {};
    case desk::IngestState::kScanning:
      return StatusLine::tr("Looking which files there are…");
    case desk::IngestState::kIndexing:
      words = StatusLine::tr("Indexing %1: file %2 of %3")
                  .arg(name, count_text(status.n_files_done), count_text(status.n_files));
      if (status.bytes_per_second > 0) {
        words += QStringLiteral(", ") + StatusLine::tr("%1/s").arg(bytes_text(
                                            static_cast<std::int64_t>(status.bytes_per_second)));
      }
      break;
    case desk::IngestState::kCaching:
      words = StatusLine::tr("Caching: %1 of %2 tokens")
                  .arg(count_text(status.n_tokens_done), count_text(status.n_tokens));
      if (status.tokens_per_second > 0) {
        words += QStringLiteral(", ") +
                 StatusLine::tr("%1 tokens/s")
                     .arg(count_text(static_cast<std::int64_t>(status.tokens_per_second)));
      }
      break;
  }
  return words + left_words(status);
}

StatusLine::StatusLine(desk::Desk& desk, QWidget* parent)
    : QWidget(parent),
      desk_(desk),
      work_(new QLabel(this)),
      bar_(new QProgressBar(this)),
      pause_(flat_button(this, QStringLiteral("pause"), tr("Pause"))),
      cancel_(flat_button(this, QStringLiteral("close"), tr("Cancel"))),
      cache_(flat_button(this, {}, tr("Cache files on disk and their budget"))),
      memory_(new QLabel(this)),
      model_(flat_button(this, {}, tr("Model and device"))) {
  setObjectName(QStringLiteral("statusLine"));
  work_->setTextFormat(Qt::PlainText);
  work_->setObjectName(QStringLiteral("statusWork"));
  // Long words shrink the label, not the window.
  work_->setMinimumWidth(40);
  work_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  bar_->setRange(0, kSteps);
  bar_->setTextVisible(false);
  bar_->setFixedWidth(140);
  bar_->setMaximumHeight(fontMetrics().height() / 2 + 2);
  bar_->setAccessibleName(tr("Progress of indexing"));
  memory_->setTextFormat(Qt::PlainText);
  memory_->setToolTip(tr("Memory of this program"));
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(12, 2, 8, 2);
  row->setSpacing(8);
  row->addWidget(work_, 1);
  row->addWidget(bar_);
  row->addWidget(pause_);
  row->addWidget(cancel_);
  row->addSpacing(8);
  row->addWidget(cache_);
  row->addWidget(memory_);
  row->addWidget(model_);

  connect(&desk.ingest(), &desk::IngestWorker::status_changed, this, &StatusLine::ingest_changed);
  connect(&desk.cache(), &desk::CacheWorker::totals_changed, this, &StatusLine::totals_changed);
  connect(&desk, &desk::Desk::state_changed, this, &StatusLine::desk_changed);
  connect(&desk, &desk::Desk::opened, this, &StatusLine::desk_changed);
  connect(&desk, &desk::Desk::loading, this, &StatusLine::loading);
  connect(&desk, &desk::Desk::memory_changed, this,
          [this](qint64 bytes) { memory_->setText(tr("Memory %1").arg(bytes_text(bytes))); });
  connect(pause_, &QToolButton::clicked, this,
          [this] { paused_ ? desk_.ingest().resume() : desk_.ingest().pause(); });
  connect(cancel_, &QToolButton::clicked, this,
          [this] { ingesting_ ? desk_.ingest().cancel() : desk_.stop_loading(); });
  connect(cache_, &QToolButton::clicked, this, &StatusLine::cache_clicked);
  connect(model_, &QToolButton::clicked, this, &StatusLine::model_clicked);
  ingest_changed({});
  desk_changed();
}

QString StatusLine::work_words() const { return work_->text(); }

void StatusLine::set_answering(bool answering) {
  answering_ = answering;
  if (!ingesting_) tell_idle();
}

void StatusLine::tell_idle() {
  switch (desk_.state()) {
    case desk::DeskState::kClosed:
    case desk::DeskState::kOpening:
      work_->setText(tr("Opening the library and the model…"));
      return;
    case desk::DeskState::kFailed:
      work_->setText(tr("Not open"));
      return;
    case desk::DeskState::kReady:
    case desk::DeskState::kNoModel:
      work_->setText(answering_ ? tr("Answering") : tr("Idle"));
      return;
  }
}

void StatusLine::show_parts(bool bar, bool pause, bool cancel) {
  bar_->setVisible(bar);
  pause_->setVisible(pause);
  cancel_->setVisible(cancel);
}

void StatusLine::loading(qint64 bytes_done, qint64 bytes) {
  if (ingesting_ || desk_.state() != desk::DeskState::kOpening) return;
  show_parts(true, false, true);
  work_->setText(tr("Loading the model: %1 of %2").arg(bytes_text(bytes_done), bytes_text(bytes)));
  bar_->setRange(0, kSteps);
  bar_->setValue(steps_of(bytes_done, bytes));
}

void StatusLine::ingest_changed(const desk::IngestStatus& status) {
  ingesting_ = status.state != desk::IngestState::kIdle;
  paused_ = status.paused;
  show_parts(ingesting_, ingesting_, ingesting_);
  if (!ingesting_) {
    tell_idle();
    return;
  }
  pause_->setIcon(icon(paused_ ? QStringLiteral("play") : QStringLiteral("pause")));
  pause_->setToolTip(paused_ ? tr("Go on") : tr("Pause"));
  pause_->setAccessibleName(pause_->toolTip());
  const QString words = ingest_words(status);
  work_->setText(paused_ ? tr("Paused. %1").arg(words) : words);
  work_->setToolTip(plain_tooltip(status.current));
  const bool scanning = status.state == desk::IngestState::kScanning;
  bar_->setRange(0, scanning ? 0 : kSteps);
  bar_->setValue(status.state == desk::IngestState::kCaching
                     ? steps_of(status.n_tokens_done, status.n_tokens)
                     : steps_of(status.n_bytes_done, status.n_bytes));
}

void StatusLine::totals_changed(const desk::CacheTotals& totals) {
  cache_->setText(
      tr("KV %1 of %2")
          .arg(bytes_text(totals.totals.disk_bytes), bytes_text(totals.disk_budget_bytes)));
}

void StatusLine::desk_changed() {
  const auto& facts = desk_.facts();
  const bool is_open = desk_.state() == desk::DeskState::kReady;
  cache_->setVisible(is_open || desk_.state() == desk::DeskState::kNoModel);
  model_->setVisible(cache_->isVisibleTo(this));
  if (is_open && facts.model) {
    const QString device = facts.model->device.section(QLatin1Char(','), 0, 0);
    model_->setText(without_mnemonic(one_line(facts.model->name, 32) + QStringLiteral(" · ") +
                                     one_line(device, 16)));
    model_->setToolTip(plain_tooltip(facts.model->name + QLatin1Char('\n') + facts.model->device));
  } else {
    model_->setText(tr("No model"));
    model_->setToolTip(plain_tooltip(facts.why_no_model));
  }
  if (ingesting_) return;
  show_parts(false, false, false);
  tell_idle();
}

}  // namespace kvlink::ui
