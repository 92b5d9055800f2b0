// SPDX-License-Identifier: Apache-2.0
#include "app/desk/desk.h"

#include <QTimer>
#include <chrono>
#include <utility>

#include "app/desk/session_opener.h"

namespace kvlink::desk {

struct Desk::Seat {
  QThread thread;
  QObject* worker = nullptr;  ///< deleted by its thread, where its timers live
};

template <typename W, typename... Arguments>
W* Desk::seat(const char* thread_name, Arguments&&... arguments) {
  auto seat = std::make_unique<Seat>();
  auto* made = new W(std::forward<Arguments>(arguments)...);
  seat->worker = made;
  made->moveToThread(&seat->thread);
  connect(&seat->thread, &QThread::finished, made, &QObject::deleteLater);
  seat->thread.setObjectName(QLatin1String(thread_name));
  seat->thread.start();
  seats_.push_back(std::move(seat));
  return made;
}

Desk::Desk(DeskOptions options, QObject* parent) : QObject(parent), options_(std::move(options)) {
  facts_.paths = options_.paths;
  opener_ = seat<SessionOpener>("opener", options_);
  library_ = seat<LibraryWorker>("library");
  ingest_ = seat<IngestWorker>("ingestion");
  answers_ = seat<AnswerWorker>("answers");
  conversations_ = seat<ConversationWorker>("conversations");
  prefetch_ = seat<PrefetchWorker>("prefetch");
  cache_ = seat<CacheWorker>("store");
  settings_ = seat<SettingsWorker>("settings", options_.paths, options_.home, options_.files);
  models_ = seat<ModelWorker>("models", options_.paths, options_.files);
  reindexing_ = seat<ReindexWorker>("reindexing");
  keeper_ = seat<Keeper>("keeper");
  workers_ = {answers_, conversations_, prefetch_,   ingest_,
              cache_,   settings_,      reindexing_, library_};
  library_->set_undo_ms(options_.undo_ms);
  connect_workers();
}

void Desk::connect_workers() {
  for (Worker* worker : workers_) {
    connect(worker, &Worker::session_released, this, &Desk::worker_released);
  }
  connect(settings_, &SettingsWorker::settings_set, this,
          [this](const app::Settings& settings) { confirmed_ = settings; });
  connect(settings_, &SettingsWorker::settings_set, answers_, &AnswerWorker::set_settings,
          Qt::DirectConnection);
  connect(settings_, &SettingsWorker::settings_set, prefetch_, &PrefetchWorker::set_settings,
          Qt::DirectConnection);
  connect(settings_, &SettingsWorker::settings_refused, this, [this] { put_in_place(confirmed_); });
  connect(opener_, &SessionOpener::opened, this, &Desk::session_arrived);
  connect(opener_, &SessionOpener::failed, this, &Desk::opening_failed);
  connect(opener_, &SessionOpener::loading, this, &Desk::loading);
  connect(opener_, &SessionOpener::memory_seen, this, &Desk::memory_changed);
  connect(opener_, &SessionOpener::lost, this, &Desk::lost);

  // Direct: these requests may be called from any thread and only post.
  const auto direct = Qt::DirectConnection;
  connect(ingest_, &IngestWorker::rows_in_progress, library_, &LibraryWorker::merge_progress,
          direct);
  connect(ingest_, &IngestWorker::run_ended, library_, &LibraryWorker::end_progress, direct);
  connect(ingest_, &IngestWorker::rates_measured, library_, &LibraryWorker::set_rates, direct);
  connect(library_, &LibraryWorker::hidden_documents_changed, answers_,
          &AnswerWorker::set_hidden_documents, direct);
  connect(answers_, &AnswerWorker::turn_kept, conversations_, &ConversationWorker::list_again,
          direct);
  connect(conversations_, &ConversationWorker::removed, answers_,
          &AnswerWorker::forget_conversation, direct);
  connect(library_, &LibraryWorker::removal_done, cache_, &CacheWorker::note_change, direct);
  connect(ingest_, &IngestWorker::blocks_changed, library_, &LibraryWorker::blocks_changed, direct);
  connect(answers_, &AnswerWorker::blocks_changed, library_, &LibraryWorker::blocks_changed,
          direct);
  connect(cache_, &CacheWorker::blocks_changed, library_, &LibraryWorker::blocks_changed, direct);
  connect(ingest_, &IngestWorker::blocks_changed, cache_, &CacheWorker::note_change, direct);
  connect(answers_, &AnswerWorker::blocks_changed, cache_, &CacheWorker::note_change, direct);
  connect(settings_, &SettingsWorker::blocks_changed, library_, &LibraryWorker::blocks_changed,
          direct);
  connect(settings_, &SettingsWorker::blocks_changed, cache_, &CacheWorker::note_change, direct);
  connect(prefetch_, &PrefetchWorker::prefetched, cache_, &CacheWorker::note_change, direct);
  connect(prefetch_, &PrefetchWorker::warmed, cache_, &CacheWorker::note_change, direct);
  connect(prefetch_, &PrefetchWorker::warmed, library_, &LibraryWorker::blocks_changed, direct);

  auto* memory_timer = new QTimer(this);
  connect(memory_timer, &QTimer::timeout, this, &Desk::look_around);
  memory_timer->start(std::chrono::seconds(1));
}

Desk::~Desk() {
  models_->cancel_all();
  opener_->stop_loading();
  // Removals are carried out by the library worker when it gives the session back.
  for (Worker* worker : workers_) {
    worker->disconnect(this);
    worker->set_session(nullptr);
  }
  for (auto& seat : seats_) {
    // Queued after the release: the loop ends once everything before it is done.
    QMetaObject::invokeMethod(
        seat->worker, [thread = &seat->thread] { thread->quit(); }, Qt::QueuedConnection);
  }
  for (auto& seat : seats_) seat->thread.wait();
}

void Desk::open() {
  if (state_ == DeskState::kOpening) return;
  release_session();
}

void Desk::apply_settings(const app::Settings& settings) {
  const std::string wrong = app::settings_problem(settings);
  if (!wrong.empty()) {
    emit failed({ErrorCode::kInvalidInput, tr("Setting %1.").arg(text_of(wrong))});
    return;
  }
  const bool is_open = state_ == DeskState::kReady || state_ == DeskState::kNoModel;
  if (is_open && app::can_change_in_place(settings, facts_.settings)) {
    put_in_place(settings);
    settings_->set_in_place(settings);
    return;
  }
  to_write_ = settings;
  open_again_ = state_ == DeskState::kOpening;
  if (!open_again_) release_session();
}

/// At once: whoever changes the next setting starts from these.
void Desk::put_in_place(const app::Settings& settings) {
  app::take_changeable(facts_.settings, settings);
  emit settings_changed(facts_);
}

void Desk::stop_loading() { opener_->stop_loading(); }

void Desk::release_session() {
  set_state(DeskState::kOpening);
  n_holding_ = workers_.size();
  for (Worker* worker : workers_) worker->set_session(nullptr);
}

void Desk::worker_released() {
  if (--n_holding_ == 0) start_opening();
}

void Desk::start_opening() { opener_->open(std::exchange(to_write_, std::nullopt)); }

void Desk::session_arrived(std::shared_ptr<app::Session> session, const DeskFacts& facts) {
  facts_ = facts;
  confirmed_ = facts.settings;
  for (Worker* worker : workers_) worker->set_session(session);
  session.reset();
  if (std::exchange(open_again_, false)) {
    release_session();
    return;
  }
  set_state(facts.model ? DeskState::kReady : DeskState::kNoModel);
  emit opened(facts_);
}

void Desk::opening_failed(const Problem& problem) {
  set_state(DeskState::kFailed);
  emit failed(problem);
}

void Desk::set_state(DeskState state) {
  if (state_ == state) return;
  state_ = state;
  emit state_changed(state);
}

void Desk::look_around() { opener_->look_around(); }

}  // namespace kvlink::desk
