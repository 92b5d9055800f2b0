// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/timing_panel.h"

#include <QDateTime>
#include <QVBoxLayout>

#include "app/desk/desk.h"
#include "ui/inspect/timing_record.h"
#include "ui/inspect/timing_view.h"
#include "ui/theme/scrolled_page.h"

namespace kvlink::ui {

TimingPanel::TimingPanel(desk::Desk& desk, QWidget* parent)
    : QWidget(parent), view_(new TimingView(this)) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(new ScrolledPage(view_, this));
  file_ = desk::text_of((desk.options().paths.data / "timings.json").string());
  follow_answers(desk);
  follow_rates(desk);
  follow_typing(desk);
  restore_history(desk);
}

TimingPanel::~TimingPanel() = default;

void TimingPanel::follow_answers(desk::Desk& desk) {
  auto* answers = &desk.answers();
  // From Enter on, not from the moment at which its turn comes.
  connect(answers, &desk::AnswerWorker::asked, this,
          [this](desk::RequestId id, app::Timeline::Clock::time_point sent) {
            current_ = id;
            view_->question_started(tr("Looking for passages …"), sent);
          });
  connect(answers, &desk::AnswerWorker::sources_ready, this,
          [this](const desk::AnswerSources& sources) {
            if (sources.id != current_) return;
            view_->set_note(tr("%n passage(s) found. Reading …", nullptr,
                               static_cast<int>(sources.passages.size())));
          });
  connect(answers, &desk::AnswerWorker::stages_changed, this,
          [this](const desk::AnswerStages& stages) {
            if (stages.id == current_) view_->stages_changed(stages.spans);
          });
  connect(answers, &desk::AnswerWorker::text_appended, this, [this](const desk::AnswerText& text) {
    if (text.id == current_ && text.is_first) view_->first_token(text.ttft_ms);
  });
  connect(answers, &desk::AnswerWorker::finished, this,
          [this, &desk](const desk::AnswerSummary& summary) {
            auto timing = timing_of(summary, QDateTime::currentSecsSinceEpoch());
            timing.model = fingerprint_;
            timing.read_ahead = read_ahead_words(ahead_.close(summary));
            summary.id == current_ ? view_->question_ended(timing) : view_->keep(timing);
            keep_history(desk);
          });
  connect(answers, &desk::AnswerWorker::answer_failed, this,
          [this](const desk::AnswerFailure& failure) {
            if (failure.id == current_) view_->question_failed(failure.problem.message);
          });
}

void TimingPanel::follow_rates(desk::Desk& desk) {
  connect(&desk.ingest(), &desk::IngestWorker::rates_measured, this,
          [this](const desk::MeasuredRates& rates) {
            if (rates.tokens_per_second <= 0) return;
            view_->history().add_rate(rates.tokens_per_second);
            view_->refresh();
          });
  connect(&desk, &desk::Desk::opened, this, [this](const desk::DeskFacts& facts) {
    const auto fingerprint = facts.model ? facts.model->fingerprint : QString();
    if (fingerprint == fingerprint_) return;
    fingerprint_ = fingerprint;
    view_->history().forget_rate();
    if (kept_fingerprint_ == fingerprint_) view_->history().add_rate(kept_rate_);
    view_->refresh();
  });
}

void TimingPanel::follow_typing(desk::Desk& desk) {
  connect(&desk.prefetch(), &desk::PrefetchWorker::prefetched, this,
          [this](const desk::PrefetchReport& report) { ahead_.note(report); });
  connect(&desk.answers(), &desk::AnswerWorker::blocks_looked_up, this,
          [this](const std::vector<desk::BlockEvent>& events) { ahead_.note(events); });
}

void TimingPanel::restore_history(desk::Desk& desk) {
  connect(&desk.keeper(), &desk::Keeper::bytes_fetched, this,
          [this](const QString& file, const QByteArray& json) {
            if (file != file_) return;
            auto kept = kept_timings_of(json);
            kept_fingerprint_ = kept.model;
            kept_rate_ = kept.tokens_per_second;
            if (kept_fingerprint_ == fingerprint_) view_->history().add_rate(kept_rate_);
            if (view_->history().questions().empty()) view_->restore(std::move(kept.questions));
          });
  desk.keeper().fetch_bytes(file_);
}

void TimingPanel::keep_history(desk::Desk& desk) {
  const auto& history = view_->history();
  desk.keeper().keep_bytes(
      file_, to_json({.model = fingerprint_,
                      .tokens_per_second = history.tokens_per_second(),
                      .questions = {history.questions().begin(), history.questions().end()}}));
}

}  // namespace kvlink::ui
