// SPDX-License-Identifier: Apache-2.0
// The session and the threads that work on it: the edge of the core that the window sees.
#pragma once

#include <QObject>
#include <QThread>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "app/desk/answer_worker.h"
#include "app/desk/cache_worker.h"
#include "app/desk/conversation_worker.h"
#include "app/desk/ingest_worker.h"
#include "app/desk/keeper.h"
#include "app/desk/library_worker.h"
#include "app/desk/model_worker.h"
#include "app/desk/prefetch_worker.h"
#include "app/desk/reindex_worker.h"
#include "app/desk/settings_worker.h"
#include "app/session.h"

namespace kvlink::desk {

class SessionOpener;

struct DeskOptions {
  app::Paths paths;
  QString home = {};           ///< of the user: where other programs keep models; may be empty
  std::string generator = {};  ///< "" takes the setting's
  std::int32_t threads = 0;
  /// Changes settings of every session that is opened (tests); not written to the file.
  std::function<void(app::Settings&)> adjust = {};
  FileSystem* files = &FileSystem::posix();
  int undo_ms = LibraryWorker::kDefaultUndoMs;
  int quiet_loading_ms = 300;  ///< a model that is there sooner is not said to be loading
  int busy_ms = 3000;          ///< for another process to give the folder back, before it fails
};

enum class DeskState : std::uint8_t {
  kClosed,
  kOpening,  ///< lock, settings, model and stores are being opened in the background
  kReady,    ///< everything works
  kNoModel,  ///< documents can be seen and removed; asking and adding need a model
  kFailed,   ///< see failed()
};

/// Lives in the GUI thread; no call blocks but the destructor. Requests go to the workers, answers
/// come as their signals. Threads: answers, conversations, ingestion, library, store, settings,
/// models, reindexing, prefetch, keeper.
class Desk : public QObject {
  Q_OBJECT

 public:
  explicit Desk(DeskOptions options, QObject* parent = nullptr);
  /// Asks everything to stop, carries out removals that wait for their undo time, and waits: at
  /// most the layer that is being computed and the blocks that are being written.
  ~Desk() override;

  /// Opens the session in the background: opened or failed follows. Also after a failure.
  void open();
  /// Writes settings.json and opens the session anew with them; what runs is stopped first. Where
  /// nothing needs that (app::can_change_in_place), the session stays and nothing is stopped:
  /// settings_changed follows.
  /// Failures of writing leave everything as it is: failed follows, the state stays.
  void apply_settings(const app::Settings& settings);
  /// While a model is being read: the library is opened without it. Any thread.
  void stop_loading();

  DeskState state() const { return state_; }
  /// Of the open session; before, the paths only.
  const DeskFacts& facts() const { return facts_; }
  const DeskOptions& options() const { return options_; }

  LibraryWorker& library() { return *library_; }
  IngestWorker& ingest() { return *ingest_; }
  AnswerWorker& answers() { return *answers_; }
  ConversationWorker& conversations() { return *conversations_; }
  PrefetchWorker& prefetch() { return *prefetch_; }
  CacheWorker& cache() { return *cache_; }
  SettingsWorker& settings() { return *settings_; }
  ModelWorker& models() { return *models_; }
  ReindexWorker& reindexing() { return *reindexing_; }
  Keeper& keeper() { return *keeper_; }

 signals:
  void state_changed(kvlink::desk::DeskState state);
  /// How far reading a large model is.
  void loading(qint64 bytes_done, qint64 bytes);
  /// kReady or kNoModel.
  void opened(const kvlink::desk::DeskFacts& facts);
  /// The facts have other budgets or another way of answering; also where they were refused and
  /// the former ones are back.
  void settings_changed(const kvlink::desk::DeskFacts& facts);
  /// kBusy: another process has the folder. The message says what to do.
  void failed(const kvlink::desk::Problem& problem);
  /// Resident memory of this process, once a second while it changes.
  void memory_changed(qint64 bytes);
  /// The library's folder is gone, or the model's file is not the one in use; each told once.
  void lost(const kvlink::desk::Loss& loss);

 private:
  struct Seat;  ///< a worker and its thread

  template <typename W, typename... Arguments>
  W* seat(const char* thread_name, Arguments&&... arguments);
  void connect_workers();
  void release_session();
  void worker_released();
  void start_opening();
  void session_arrived(std::shared_ptr<app::Session> session, const DeskFacts& facts);
  void opening_failed(const Problem& problem);
  void set_state(DeskState state);
  void put_in_place(const app::Settings& settings);
  void look_around();

  DeskOptions options_;
  DeskState state_ = DeskState::kClosed;
  DeskFacts facts_;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::vector<Worker*> workers_;  ///< those that hold the session
  SessionOpener* opener_ = nullptr;
  LibraryWorker* library_ = nullptr;
  IngestWorker* ingest_ = nullptr;
  AnswerWorker* answers_ = nullptr;
  ConversationWorker* conversations_ = nullptr;
  PrefetchWorker* prefetch_ = nullptr;
  CacheWorker* cache_ = nullptr;
  SettingsWorker* settings_ = nullptr;
  ModelWorker* models_ = nullptr;
  ReindexWorker* reindexing_ = nullptr;
  Keeper* keeper_ = nullptr;
  std::size_t n_holding_ = 0;  ///< workers that have not given the session back yet
  bool open_again_ = false;
  std::optional<app::Settings> to_write_;
  app::Settings confirmed_;  ///< what is written and in force, where others may be on their way
};

}  // namespace kvlink::desk
