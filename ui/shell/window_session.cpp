// SPDX-License-Identifier: Apache-2.0
// What the window finds again at its next start, and what it does once the session is open.
#include <QSplitter>
#include <QTabWidget>
#include <utility>

#include "ui/ask/ask_panel.h"
#include "ui/inspect/settings_panel.h"
#include "ui/library/library_panel.h"
#include "ui/shell/banner_stack.h"
#include "ui/shell/main_window.h"

namespace kvlink::ui {
namespace {

constexpr auto kGeometryKey = "window/geometry";
constexpr auto kColumnsKey = "window/columns";
constexpr auto kTabKey = "window/tab";
constexpr auto kInspectorKey = "window/inspector";
constexpr auto kConversationKey = "session/conversation";
constexpr auto kScopeKey = "session/scope";
constexpr auto kDraftKey = "session/draft";
constexpr auto kRunsKey = "session/unfinished_runs";
constexpr auto kPausedKey = "session/paused";
constexpr auto kWaitingKey = "session/waiting";
constexpr auto kSampleKey = "session/sample_offered";

/// A killed process loses at most this much of where the user was.
constexpr int kSaveAfterMs = 500;

}  // namespace

void MainWindow::connect_state() {
  save_soon_.setSingleShot(true);
  save_soon_.setInterval(kSaveAfterMs);
  connect(&save_soon_, &QTimer::timeout, this, &MainWindow::save_state);
  const auto soon = [this] { save_soon_.start(); };
  connect(ask_, &AskPanel::conversation_changed, this, soon);
  connect(ask_, &AskPanel::draft_changed, this, soon);
  connect(library_, &LibraryPanel::scope_changed, this, [this, soon] {
    scope_is_kept_ = false;
    soon();
  });
  connect(columns_, &QSplitter::splitterMoved, this, soon);
  connect(inspector_, &QTabWidget::currentChanged, this, soon);
}

void MainWindow::opened(const desk::DeskFacts& facts) {
  banners_->close_banner(QStringLiteral("desk"));
  for (const auto& notice : facts.notices) banners_->show_banner(notice, notice, Tone::kWarning);
  if (!std::exchange(restored_, true)) {
    const auto conversation = state_.value(kConversationKey).toLongLong();
    ask_->restore_conversation(conversation);
  }
  if (!facts.model) {
    banners_->show_banner(QStringLiteral("model"), facts.why_no_model, Tone::kWarning,
                          {{tr("Choose a model"), [this] {
                              show_settings(true);
                              settings_->show_models();
                            }}});
    return;
  }
  banners_->close_banner(QStringLiteral("model"));
  resume_runs();
  if (waiting_paths_.empty()) return;
  banners_->close_banner(QStringLiteral("waiting"));
  library_->add_paths(std::exchange(waiting_paths_, {}));
  keep_waiting();
}

void MainWindow::restore_state() {
  if (!state_.keeps()) return;
  restoreGeometry(state_.value(kGeometryKey).toByteArray());
  columns_->restoreState(state_.value(kColumnsKey).toByteArray());
  inspector_->setCurrentIndex(state_.value(kTabKey, inspector_->currentIndex()).toInt());
  find_action("inspector")->setChecked(state_.value(kInspectorKey, true).toBool());
  library_->check_paths_later(state_.value(kScopeKey).toStringList());
  for (const auto& path : state_.value(kWaitingKey).toStringList()) waiting_paths_.push_back(path);
  ask_->set_draft(state_.value(kDraftKey).toString());
}

void MainWindow::save_state() {
  QVariantMap values = {{QLatin1String(kGeometryKey), saveGeometry()},
                        {QLatin1String(kColumnsKey), columns_->saveState()},
                        {QLatin1String(kTabKey), inspector_->currentIndex()},
                        {QLatin1String(kInspectorKey), find_action("inspector")->isChecked()},
                        {QLatin1String(kDraftKey), ask_->draft()}};
  if (restored_) {  // before, what is shown is not what the user left
    // A scope of very many documents is not written with every draft.
    if (!std::exchange(scope_is_kept_, true)) {
      QStringList scope;
      for (const auto& path : library_->checked_paths()) scope += path;
      values.insert(QLatin1String(kScopeKey), scope);
    }
    values.insert(QLatin1String(kConversationKey), qint64(ask_->conversation()));
  }
  state_.set(values);
}

void MainWindow::closeEvent(QCloseEvent* event) {
  save_soon_.stop();
  scope_is_kept_ = false;  // what could not be written before is written now
  save_state();
  QMainWindow::closeEvent(event);
}

void MainWindow::keep_runs() { state_.set({{QLatin1String(kRunsKey), runs_.to_json()}}); }

/// Files that wait for a model wait for the next start, too, however this one ends.
void MainWindow::keep_waiting() {
  state_.set(
      {{QLatin1String(kWaitingKey), QStringList(waiting_paths_.begin(), waiting_paths_.end())}});
}

/// What a process that was killed, or closed in the middle, had begun. Files that were read already
/// cost their reading only.
void MainWindow::resume_runs() {
  const auto left = UnfinishedRuns::from_json(state_.value(kRunsKey).toByteArray());
  runs_ = {};
  // What was paused does not go on by itself.
  if (!left.empty() && state_.value(kPausedKey).toBool()) desk_.ingest().pause();
  for (const auto& run : left) {
    if (const auto* request = std::get_if<desk::AddRequest>(&run)) {
      library_->start(*request);
    } else {
      desk_.ingest().encode(desk::next_request_id(), std::get<UnfinishedRuns::Encoding>(run));
    }
  }
  keep_runs();
}

void MainWindow::keep_pause(const desk::IngestStatus& status) {
  if (state_.value(kPausedKey).toBool() == status.paused) return;
  state_.set({{QLatin1String(kPausedKey), status.paused}});
}

/// Once per library: an empty one is given the guide.
void MainWindow::offer_sample() {
  const bool can_add = desk_.state() == desk::DeskState::kReady;
  if (!can_add || !state_.keeps() || options_.sample_folder.isEmpty()) return;
  if (state_.value(kSampleKey).toBool()) return;
  state_.set({{QLatin1String(kSampleKey), true}});
  library_->start({.paths = {options_.sample_folder}});
}

}  // namespace kvlink::ui
