// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/turn_widget.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/ask/answer_words.h"
#include "ui/ask/link_opening.h"
#include "ui/ask/question_label.h"
#include "ui/ask/visible_text.h"
#include "ui/theme/colors.h"
#include "ui/theme/flow_layout.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

double milliseconds_since(app::Timeline::Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(app::Timeline::Clock::now() - begin).count();
}

QPushButton* action_button(const QString& text, const QString& icon_name, QWidget* parent) {
  auto* button = new QPushButton(icon(icon_name), text, parent);
  button->setFlat(true);
  button->setAutoDefault(false);
  button->setCursor(Qt::PointingHandCursor);
  return button;
}

}  // namespace

TurnWidget::TurnWidget(const desk::AskRequest& request, QWidget* parent)
    : QWidget(parent), request_(request) {
  facts_.without_cache = request.without_cache;
  build(request.question);
  stages_->set_facts(facts_);
  stages_->start(request.sent);
}

TurnWidget::TurnWidget(const desk::ConversationTurn& turn, QWidget* parent) : QWidget(parent) {
  request_.question = turn.question;
  is_followed_ = true;
  build(turn.question);
  stages_->hide();
  set_passages(turn.passages);
  passages_->set_detail(PassageDetail::kNames);
  answer_->set_answer(turn.answer);
  answer_->setVisible(!turn.answer.isEmpty());
  show_finished_parts(meta_words(turn));
  measure_->hide();  // its numbers belong to another day and another state of the cache
}

void TurnWidget::build(const QString& question) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 4, 0, 12);
  column->setSpacing(6);
  column->addWidget(new QuestionLabel(question, this));
  stages_ = new StageLine(this);
  reason_ = new QLabel(this);
  reason_->setTextFormat(Qt::PlainText);
  reason_->setWordWrap(true);
  reason_->hide();
  passages_ = new PassageList(this);
  answer_ = new AnswerView(this);
  answer_->hide();
  message_ = new InlineMessage(this);
  link_ = new InlineMessage(this);
  meta_ = new QLabel(this);
  meta_->setTextFormat(Qt::PlainText);
  meta_->setWordWrap(true);
  meta_->setForegroundRole(QPalette::PlaceholderText);
  meta_->setObjectName(QStringLiteral("meta"));
  meta_->hide();
  clocks_ = new ClockPair(this);
  clocks_->hide();
  actions_ = make_actions();
  actions_->hide();
  for (QWidget* part :
       {static_cast<QWidget*>(stages_), static_cast<QWidget*>(reason_),
        static_cast<QWidget*>(answer_), static_cast<QWidget*>(message_),
        static_cast<QWidget*>(link_), static_cast<QWidget*>(meta_),
        static_cast<QWidget*>(passages_), static_cast<QWidget*>(clocks_), actions_}) {
    column->addWidget(part);
  }
  connect_parts();
}

QWidget* TurnWidget::make_actions() {
  auto* row = new QWidget(this);
  auto* layout = new FlowLayout(2);
  row->setLayout(layout);
  auto* copy = action_button(tr("Copy"), QStringLiteral("copy"), row);
  copy->setToolTip(tr("Copies the answer with its numbered sources"));
  auto* again = action_button(tr("Regenerate"), QStringLiteral("rebuild"), row);
  again->setToolTip(tr("Asks the same question again"));
  auto* edit = action_button(tr("Edit and ask again"), QStringLiteral("edit"), row);
  edit->setToolTip(tr("Puts the question back into the field below"));
  measure_ = action_button(tr("Answer without cache"), QStringLiteral("timing"), row);
  measure_->setToolTip(tr("Reads everything anew and measures how long that takes"));
  for (QPushButton* button : {copy, again, edit, measure_}) layout->addWidget(button);
  connect(copy, &QPushButton::clicked, this, [this] {
    QGuiApplication::clipboard()->setText(answer_with_citations());
    emit copied();
  });
  connect(again, &QPushButton::clicked, this, &TurnWidget::regenerate);
  connect(edit, &QPushButton::clicked, this, [this] { emit edit_question(request_.question); });
  connect(measure_, &QPushButton::clicked, this, &TurnWidget::measure_cold);
  return row;
}

void TurnWidget::connect_parts() {
  connect(stages_, &StageLine::ticked, this, &TurnWidget::show_reason);
  connect(passages_, &PassageList::activated, this, [this](const desk::PassageView& passage) {
    emit passage_activated(passage, passages());
  });
  connect(answer_, &AnswerView::citation_activated, this, &TurnWidget::activate_citation);
  connect(answer_, &AnswerView::link_activated, this, &TurnWidget::ask_about_link);
  connect(answer_, &AnswerView::updated, this, &TurnWidget::updated);
  answer_->set_citation_words([this](std::int64_t number) {
    const auto* passage = passages_->find(number);
    return passage == nullptr
               ? QString()
               : place_words(*passage) + QStringLiteral("\n\n") + passage->text.left(900);
  });
  cold_timer_.setInterval(50);
  connect(&cold_timer_, &QTimer::timeout, this,
          [this] { clocks_->set_cold(milliseconds_since(cold_sent_), ClockPair::Cold::kRunning); });
}

QString TurnWidget::answer_with_citations() const { return with_citations(answer(), passages()); }

void TurnWidget::set_started() {
  facts_.started = true;
  stages_->set_facts(facts_);
}

void TurnWidget::set_passages(const std::vector<desk::PassageView>& passages) {
  facts_.passages = passages;
  facts_.sources_known = true;
  stages_->set_facts(facts_);
  passages_->set_passages(passages);
  std::int64_t last = 0;
  for (const auto& passage : passages) last = std::max(last, passage.number);
  answer_->set_n_sources(last);
}

void TurnWidget::add_blocks(const std::vector<desk::BlockEvent>& events) {
  facts_.blocks.insert(facts_.blocks.end(), events.begin(), events.end());
}

void TurnWidget::set_stages(const desk::AnswerStages& stages) {
  if (facts_.first_token) return;
  facts_.started = true;
  facts_.spans = stages.spans;
  stages_->set_facts(facts_);
}

void TurnWidget::append_text(const desk::AnswerText& text) {
  if (text.is_first) {
    facts_.first_token = true;
    stages_->set_facts(facts_);
    stages_->freeze(text.ttft_ms);
    reason_->hide();
    passages_->set_detail(PassageDetail::kNames);
    answer_->show();
  }
  answer_->append_text(text.appended);
}

void TurnWidget::show_reason(double elapsed_ms) {
  if (elapsed_ms < kPatienceMs) return;
  WaitingFacts facts = facts_;
  facts.elapsed_ms = elapsed_ms;
  reason_->setText(waiting_reason(facts));
  reason_->show();
}

void TurnWidget::finish(const desk::AnswerSummary& summary) {
  summary_ = summary;
  reason_->hide();
  if (!summary.passages.empty()) set_passages(summary.passages);
  passages_->set_detail(PassageDetail::kNames);
  const auto ttft = summary.timeline.ttft();
  is_followed_ = ttft.has_value();
  if (ttft) {
    facts_.first_token = true;
    facts_.spans = summary.timeline.spans();
    stages_->set_facts(facts_);
    stages_->freeze(std::chrono::duration<double, std::milli>(*ttft).count());
    answer_->show();
  } else {
    stages_->give_up();
    stages_->setVisible(summary.end == app::AnswerEnd::kStopped);
  }
  // The summary's text is the whole answer; what was streamed may lack its last characters.
  if (summary.end != app::AnswerEnd::kNothingFound) {
    if (answer_->text() != summary.text) {
      answer_->set_answer(summary.text);
    } else {
      answer_->finish();
    }
    answer_->setVisible(!summary.text.isEmpty());
  }
  if (summary.end == app::AnswerEnd::kNothingFound) {
    show_nothing_found(summary);
  } else {
    show_end(summary);
  }
  show_finished_parts(meta_words(summary));
  measure_->setVisible(ttft.has_value() && !summary.without_cache);
}

void TurnWidget::set_read_ahead(const ReadAhead& ahead) {
  const QString words = read_ahead_words(ahead);
  if (!words.isEmpty() && meta_->isVisibleTo(this)) {
    meta_->setText(meta_->text() + QLatin1Char('\n') + words);
  }
}

void TurnWidget::show_end(const desk::AnswerSummary& summary) {
  QStringList sentences;
  if (const QString end = end_words(summary.end); !end.isEmpty()) sentences += end;
  for (const QString& notice : summary.notices) sentences += notice;
  const bool only_near = request_.nearest && !summary.notices.empty();
  message_->tell(sentences.join(QLatin1Char(' ')), only_near ? Tone::kWarning : Tone::kPlain);
}

/// No answer is better than one that was made up; what comes nearest is shown as what it is.
void TurnWidget::show_nothing_found(const desk::AnswerSummary& summary) {
  QString words = end_words(summary.end) + QLatin1Char(' ');
  if (summary.nearest.empty()) {
    words += tr("Try other words, or put more documents in scope.");
    message_->tell(words, Tone::kWarning);
    return;
  }
  words += tr("What comes nearest is shown below, and was not read.");
  message_->tell(words, Tone::kWarning);
  auto* anyway = message_->add_button(tr("Answer from these"));
  anyway->setObjectName(QStringLiteral("answerFromNearest"));
  anyway->setToolTip(tr("Asks again and reads these passages, although none seems to fit"));
  connect(anyway, &QPushButton::clicked, this, &TurnWidget::ask_nearest);
  passages_->set_passages(summary.nearest);
  passages_->set_detail(PassageDetail::kNearest);
}

void TurnWidget::show_finished_parts(const QString& meta) {
  meta_->setText(meta);
  meta_->setVisible(!meta.isEmpty());
  actions_->show();
  for (auto* button : actions_->findChildren<QPushButton*>()) button->setEnabled(true);
}

void TurnWidget::fail(const desk::Problem& problem) {
  reason_->hide();
  stages_->give_up();
  stages_->hide();
  answer_->finish();
  message_->tell(problem.message, Tone::kProblem);
  show_finished_parts({});
  measure_->hide();
}

void TurnWidget::begin_cold(app::Timeline::Clock::time_point sent) {
  cold_sent_ = sent;
  const auto ttft = summary_ ? summary_->timeline.ttft() : std::nullopt;
  if (ttft) clocks_->set_cached(std::chrono::duration<double, std::milli>(*ttft).count());
  clocks_->set_cold(0, ClockPair::Cold::kRunning);
  clocks_->set_verdict({});
  clocks_->show();
  cold_timer_.start();
}

void TurnWidget::set_cold_first_token(double milliseconds) {
  cold_timer_.stop();
  clocks_->set_cold(milliseconds, ClockPair::Cold::kMeasured);
}

void TurnWidget::finish_cold(const desk::AnswerSummary& summary) {
  cold_timer_.stop();
  const auto ttft = summary.timeline.ttft();
  if (!ttft) {
    clocks_->set_cold(milliseconds_since(cold_sent_), ClockPair::Cold::kBrokenOff);
    return;
  }
  set_cold_first_token(std::chrono::duration<double, std::milli>(*ttft).count());
  cold_passages_ = summary.passages;
  compare();
}

void TurnWidget::fail_cold(const desk::Problem& problem) {
  cold_timer_.stop();
  clocks_->set_cold(milliseconds_since(cold_sent_), ClockPair::Cold::kBrokenOff);
  clocks_->set_verdict(visible_text(problem.message));
}

void TurnWidget::compare() {
  const auto ttft = summary_ ? summary_->timeline.ttft() : std::nullopt;
  const auto cold = clocks_->cold_ms();
  if (!ttft || !cold) return;
  Comparison comparison;
  comparison.cached_ms = std::chrono::duration<double, std::milli>(*ttft).count();
  comparison.cold_ms = *cold;
  comparison.same_passages =
      std::equal(passages().begin(), passages().end(), cold_passages_.begin(), cold_passages_.end(),
                 [](const auto& a, const auto& b) { return a.chunk == b.chunk; });
  comparison.cached_was_complete = summary_->reading.n_document_tokens_encoded == 0;
  clocks_->set_verdict(comparison_words(comparison));
}

void TurnWidget::set_actions_enabled(bool enabled) {
  actions_->setEnabled(enabled);
  for (auto* button : message_->findChildren<QPushButton*>()) button->setEnabled(enabled);
}

void TurnWidget::activate_citation(std::int64_t number) {
  if (const auto* passage = passages_->find(number)) emit passage_activated(*passage, passages());
}

void TurnWidget::ask_about_link(const QUrl& address) { offer_link(*link_, address); }

}  // namespace kvlink::ui
