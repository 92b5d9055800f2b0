// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/ask_panel.h"

#include <QAccessible>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "app/desk/desk.h"
#include "ui/ask/answer_words.h"
#include "ui/ask/composer.h"
#include "ui/ask/conversation_list.h"
#include "ui/ask/conversation_view.h"
#include "ui/ask/turn_widget.h"
#include "ui/ask/visible_text.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

constexpr qsizetype kNameLength = 60;

}  // namespace

AskPanel::AskPanel(desk::Desk& desk, QWidget* parent)
    : QWidget(parent),
      desk_(desk),
      pages_(new QStackedWidget(this)),
      page_(new QWidget(this)),
      view_(new ConversationView(page_)),
      list_(new ConversationList(desk.conversations(), this)),
      composer_(new Composer(page_)),
      name_(new QLabel(this)),
      announcer_(new QLabel(this)),
      new_(nullptr) {
  build();
  connect_composer();
  connect_list();
  connect_answers();
  connect(&desk_, &desk::Desk::opened, this, &AskPanel::take_facts);
  connect(&desk_, &desk::Desk::opened, this, &AskPanel::send_held);
  connect(&desk_, &desk::Desk::failed, this, &AskPanel::send_held);
  if (desk_.state() == desk::DeskState::kReady || desk_.state() == desk::DeskState::kNoModel) {
    take_facts(desk_.facts());
  }
}

AskPanel::~AskPanel() = default;

void AskPanel::build() {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(pages_);
  auto* inside = new QVBoxLayout(page_);
  inside->setContentsMargins(0, 0, 0, 0);
  inside->setSpacing(0);
  inside->addWidget(make_header());
  inside->addWidget(view_, 1);
  inside->addWidget(composer_);
  pages_->addWidget(page_);
  pages_->addWidget(list_);
  setFocusProxy(&composer_->box());
  // Read by screen readers, seen by nobody: one pixel, not hidden.
  announcer_->setObjectName(QStringLiteral("announcer"));
  announcer_->setTextFormat(Qt::PlainText);
  announcer_->setFixedSize(1, 1);
  announcer_->setForegroundRole(QPalette::Window);
}

QWidget* AskPanel::make_header() {
  auto* header = new QWidget(page_);
  auto* row = new QHBoxLayout(header);
  row->setContentsMargins(16, 6, 12, 6);
  name_->setTextFormat(Qt::PlainText);
  name_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  QFont bold = name_->font();
  bold.setBold(true);
  name_->setFont(bold);
  auto* conversations =
      new QPushButton(icon(QStringLiteral("conversation")), tr("Conversations"), header);
  new_ = new QPushButton(icon(QStringLiteral("add")), tr("New"), header);
  new_->setToolTip(tr("Begins a new conversation"));
  new_->setAccessibleName(tr("New conversation"));
  for (QPushButton* button : {conversations, new_}) {
    button->setFlat(true);
    button->setAutoDefault(false);
  }
  row->addWidget(name_, 1);
  row->addWidget(conversations);
  row->addWidget(new_);
  connect(conversations, &QPushButton::clicked, this, &AskPanel::show_conversations);
  connect(new_, &QPushButton::clicked, this, &AskPanel::new_conversation);
  set_name({});
  return header;
}

void AskPanel::connect_composer() {
  connect(composer_, &Composer::send_requested, this, &AskPanel::ask);
  connect(composer_, &Composer::stop_requested, this, &AskPanel::stop);
  connect(composer_, &Composer::typing_paused, this, &AskPanel::prefetch);
  connect(composer_, &Composer::typing_paused, this, &AskPanel::draft_changed);
  connect(&composer_->box(), &QuestionBox::page_requested, view_, &ConversationView::scroll_page);
  connect(view_, &ConversationView::turn_made, this, &AskPanel::connect_turn);
}

void AskPanel::connect_list() {
  connect(list_, &ConversationList::chosen_to_open, this, &AskPanel::open_conversation);
  connect(list_, &ConversationList::problem, this, &AskPanel::problem);
  connect(list_, &ConversationList::listed, this, &AskPanel::restore);
  connect(list_, &ConversationList::closed, this, [this] {
    pages_->setCurrentWidget(page_);
    focus_question();
  });
  connect(list_, &ConversationList::deleted, this, [this](desk::ConversationId id) {
    if (id != conversation_) return;
    new_conversation();
    show_conversations();
  });
  connect(list_, &ConversationList::renamed, this,
          [this](desk::ConversationId id, const QString& name) {
            if (id != conversation_) return;
            set_name(name);
            emit conversation_changed(id, name);
          });
}

void AskPanel::connect_answers() {
  auto& answers = desk_.answers();
  connect(&answers, &desk::AnswerWorker::started, this, [this](desk::RequestId id) {
    if (auto* turn = turn_of(id, false)) turn->set_started();
  });
  connect(&answers, &desk::AnswerWorker::sources_ready, this,
          [this](const desk::AnswerSources& sources) {
            if (auto* turn = turn_of(sources.id, false)) turn->set_passages(sources.passages);
          });
  connect(&answers, &desk::AnswerWorker::blocks_looked_up, this,
          [this](const std::vector<desk::BlockEvent>& events) {
            if (events.empty()) return;
            auto* turn = turn_of(events.front().id, false);
            if (turn == nullptr) return;
            turn->add_blocks(events);
            ahead_.note(events);
          });
  connect(&desk_.prefetch(), &desk::PrefetchWorker::prefetched, this,
          [this](const desk::PrefetchReport& report) { ahead_.note(report); });
  connect(&answers, &desk::AnswerWorker::stages_changed, this,
          [this](const desk::AnswerStages& stages) {
            if (auto* turn = turn_of(stages.id, false)) turn->set_stages(stages);
          });
  connect(&answers, &desk::AnswerWorker::text_appended, this, [this](const desk::AnswerText& text) {
    if (auto* turn = turn_of(text.id, false)) {
      if (text.is_first) announce(tr("The answer begins."));
      turn->append_text(text);
    } else if (auto* measured = turn_of(text.id, true); measured && text.is_first) {
      measured->set_cold_first_token(text.ttft_ms);
    }
  });
  connect(&answers, &desk::AnswerWorker::finished, this, &AskPanel::finish);
  connect(&answers, &desk::AnswerWorker::answer_failed, this,
          [this](const desk::AnswerFailure& failure) {
            if (auto* turn = turn_of(failure.id, false)) turn->fail(failure.problem);
            if (auto* turn = turn_of(failure.id, true)) turn->fail_cold(failure.problem);
            if (!running_.contains(failure.id)) return;
            announce(tr("The question failed. %1").arg(failure.problem.message));
            end(failure.id);
          });
  auto& conversations = desk_.conversations();
  connect(&conversations, &desk::ConversationWorker::opened, this, &AskPanel::show_conversation);
  connect(&conversations, &desk::ConversationWorker::failed, this,
          [this](desk::RequestId id, const desk::Problem& what) {
            if (id == 0) emit problem(what.message);
          });
}

void AskPanel::connect_turn(TurnWidget* turn) {
  connect(turn, &TurnWidget::passage_activated, this, &AskPanel::passage_activated);
  connect(turn, &TurnWidget::regenerate, this,
          [this, turn] { ask_again(*turn, Reach::kEvidence); });
  connect(turn, &TurnWidget::edit_question, this, [this](const QString& question) {
    composer_->box().set_question(question);
    focus_question();
  });
  connect(turn, &TurnWidget::ask_nearest, this,
          [this, turn] { ask_again(*turn, Reach::kNearest); });
  connect(turn, &TurnWidget::measure_cold, this, [this, turn] { measure_cold(turn); });
  connect(turn, &TurnWidget::copied, this,
          [this] { announce(tr("The answer was copied with its sources.")); });
  turn->set_actions_enabled(!is_answering());
}

void AskPanel::take_facts(const desk::DeskFacts& facts) {
  const bool linked = facts.model && facts.model->has_adapter;
  composer_->modes().set_adapter(linked ? Adapter::kTrained : Adapter::kNone);
  const auto usual = linked ? inference::LinkMode::kLink : inference::LinkMode::kReposition;
  composer_->modes().set_mode(facts.settings.mode.value_or(usual));
  list_->refresh();
}

desk::ConversationId AskPanel::conversation() const { return conversation_; }
bool AskPanel::is_answering() const { return !running_.empty(); }
bool AskPanel::shows_conversations() const { return pages_->currentWidget() == list_; }
QString AskPanel::draft() const { return composer_->box().toPlainText(); }
void AskPanel::set_draft(const QString& text) { composer_->box().set_question(text); }

void AskPanel::focus_question() {
  pages_->setCurrentWidget(page_);
  composer_->box().setFocus();
}

void AskPanel::ask(const QString& question) {
  desk::AskRequest request;
  request.question = question;
  request.scope = composer_->scope();
  if (composer_->whole() != 0) request.whole = composer_->whole();
  request.mode = composer_->modes().mode();
  request.conversation = conversation_;
  composer_->box().remember(question);
  composer_->box().clear();
  request.id = desk::next_request_id();
  send(request, {view_->add_turn(request), false});
}

void AskPanel::ask_again(const TurnWidget& turn, Reach reach) {
  if (is_answering()) return;
  desk::AskRequest request = turn.request();
  if (request.id == 0) request.scope = composer_->scope();  // a kept turn does not know its own
  request.sent = app::Timeline::Clock::now();
  request.mode = composer_->modes().mode();
  request.nearest |= reach == Reach::kNearest;
  request.conversation = conversation_;
  request.id = desk::next_request_id();
  send(request, {view_->add_turn(request), false});
}

void AskPanel::measure_cold(TurnWidget* turn) {
  if (is_answering()) return;
  desk::AskRequest request = turn->request();
  request.sent = app::Timeline::Clock::now();
  request.without_cache = true;
  request.keep = false;
  request.conversation = 0;
  request.id = desk::next_request_id();
  turn->begin_cold(request.sent);
  send(request, {turn, true});
}

void AskPanel::send(const desk::AskRequest& request, Running running) {
  may_restore_ = false;
  wanted_ = 0;  // what was to be opened would take the place of this question
  desk_.prefetch().cancel();
  running_[request.id] = running;
  composer_->set_answering(true);
  for (TurnWidget* turn : view_->turns()) turn->set_actions_enabled(false);
  emit answering_changed(true);
  held_.push_back(request);
  const bool opens =
      desk_.state() == desk::DeskState::kOpening || desk_.state() == desk::DeskState::kClosed;
  if (!opens) send_held();
}

void AskPanel::send_held() {
  for (const auto& request : std::exchange(held_, {})) desk_.answers().ask(request);
}

void AskPanel::prefetch(const QString& text) {
  if (text.trimmed().isEmpty() || is_answering()) {
    desk_.prefetch().cancel();
  } else if (composer_->whole() == 0) {
    desk_.prefetch().prefetch(desk::next_request_id(), searched_words(text), composer_->scope());
  }
}

/// What the answer will search for: a follow-up brings the question before it along.
QString AskPanel::searched_words(const QString& text) const {
  const auto& turns = view_->turns();
  const auto before = std::find_if(turns.rbegin(), turns.rend(),
                                   [](const TurnWidget* turn) { return turn->is_followed(); });
  if (before == turns.rend()) return text.trimmed();
  return text.trimmed() + QLatin1Char('\n') + (*before)->request().question;
}

void AskPanel::stop() {
  send_held();  // so that it has an end
  for (const auto& [id, running] : running_) desk_.answers().stop(id);
}

void AskPanel::finish(const desk::AnswerSummary& summary) {
  if (auto* turn = turn_of(summary.id, true)) {
    turn->finish_cold(summary);
    announce(tr("The run without cache is over."));
  } else if (auto* answered = turn_of(summary.id, false)) {
    answered->finish(summary);
    answered->set_read_ahead(ahead_.close(summary));
    if (summary.conversation != 0 && summary.conversation != conversation_) {
      conversation_ = summary.conversation;
      list_->set_current(conversation_);
      set_name(one_line(summary.question, kNameLength));
      emit conversation_changed(conversation_, name_->text());
    }
    const QString end = end_words(summary.end);
    announce(end.isEmpty() ? tr("The answer is complete.") : end);
  }
  end(summary.id);
}

void AskPanel::end(desk::RequestId id) {
  if (running_.erase(id) == 0 || is_answering()) return;
  composer_->set_answering(false);
  for (TurnWidget* turn : view_->turns()) turn->set_actions_enabled(true);
  emit answering_changed(false);
}

TurnWidget* AskPanel::turn_of(desk::RequestId id, bool cold) const {
  const auto found = running_.find(id);
  if (found == running_.end() || found->second.cold != cold) return nullptr;
  return found->second.turn;
}

void AskPanel::new_conversation() {
  may_restore_ = false;
  wanted_ = 0;
  stop();
  // What still comes for the old turns belongs to nobody.
  const bool answering = is_answering();
  running_.clear();
  composer_->set_answering(false);
  if (answering) emit answering_changed(false);
  conversation_ = 0;
  view_->clear();
  set_name({});
  emit conversation_changed(0, {});
  focus_question();
}

void AskPanel::open_conversation(desk::ConversationId id) {
  if (id == 0) return;
  may_restore_ = false;
  wanted_ = id;
  desk_.conversations().open(id);
  pages_->setCurrentWidget(page_);
}

void AskPanel::show_conversation(const desk::ConversationView& view) {
  if (view.id != wanted_) return;
  new_conversation();
  conversation_ = view.id;
  set_name(view.name);
  view_->show_turns(view.turns);
  QStringList questions;
  for (const auto& turn : view.turns) questions += turn.question;
  composer_->box().set_history(questions);
  list_->set_current(view.id);
  emit conversation_changed(view.id, view.name);
}

void AskPanel::restore(const std::vector<desk::ConversationRow>& rows) {
  if (!may_restore_ || rows.empty()) return;
  open_conversation(rows.front().id);
}

void AskPanel::restore_conversation(desk::ConversationId id) {
  if (may_restore_) open_conversation(id);
}

void AskPanel::show_conversations() {
  list_->refresh();
  list_->set_current(conversation_);
  pages_->setCurrentWidget(list_);
  list_->focus_search();
}

void AskPanel::set_scope(const std::vector<desk::DocumentId>& documents, const QString& words) {
  composer_->set_scope(documents, words);
}

void AskPanel::ask_about(const QString& words) {
  auto& box = composer_->box();
  const QString before = box.toPlainText().trimmed();
  const QString quoted = visible_text(words).trimmed();
  box.set_question(before.isEmpty() ? quoted + QLatin1Char('\n')
                                    : before + QLatin1Char('\n') + quoted);
  focus_question();
}

void AskPanel::set_whole_document(desk::DocumentId document, const QString& title) {
  composer_->set_whole(document, title);
  if (document != 0) focus_question();
}

void AskPanel::set_library_note(const QString& note) { composer_->set_note(note); }

void AskPanel::set_name(const QString& name) {
  name_->setText(name.isEmpty() ? tr("New conversation") : one_line(name, kNameLength));
  name_->setToolTip(name_->text().toHtmlEscaped());
}

void AskPanel::announce(const QString& words) {
  announcer_->setText(words);
  announcer_->setAccessibleName(words);
  QAccessibleEvent event(announcer_, QAccessible::Alert);
  QAccessible::updateAccessibility(&event);
}

void AskPanel::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Escape && is_answering()) {
    stop();
    return;
  }
  QWidget::keyPressEvent(event);
}

}  // namespace kvlink::ui
