// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/main_window.h"

#include <QApplication>
#include <QClipboard>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QMimeData>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabWidget>
#include <QVBoxLayout>
#include <utility>

#include "ui/ask/ask_panel.h"
#include "ui/ask/source_panel.h"
#include "ui/ask/visible_text.h"
#include "ui/inspect/cache_panel.h"
#include "ui/inspect/quantities.h"
#include "ui/inspect/settings_panel.h"
#include "ui/inspect/timing_panel.h"
#include "ui/library/library_panel.h"
#include "ui/shell/banner_stack.h"
#include "ui/shell/command_palette.h"
#include "ui/shell/drop_overlay.h"
#include "ui/shell/dropped.h"
#include "ui/shell/notification.h"
#include "ui/shell/shortcuts_sheet.h"
#include "ui/shell/status_line.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

constexpr int kPassingMs = 8000;
/// A run that took longer than this is announced on the desktop when the window is not in front.
constexpr double kLongRunSeconds = 20;

constexpr auto kGeometryKey = "window/geometry";
constexpr auto kColumnsKey = "window/columns";
constexpr auto kTabKey = "window/tab";
constexpr auto kInspectorKey = "window/inspector";
constexpr auto kConversationKey = "session/conversation";
constexpr auto kScopeKey = "session/scope";
constexpr auto kRunsKey = "session/unfinished_runs";
constexpr auto kSampleKey = "session/sample_offered";

}  // namespace

MainWindow::MainWindow(desk::Desk& desk, WindowOptions options, QWidget* parent)
    : QMainWindow(parent), desk_(desk), options_(std::move(options)) {
  if (!options_.state_file.isEmpty()) {
    state_ = std::make_unique<QSettings>(options_.state_file, QSettings::IniFormat);
  }
  setWindowTitle(QStringLiteral("KVLink"));
  setWindowIcon(program_icon());
  setAcceptDrops(true);
  build();
  build_actions();
  build_menus();
  build_toolbar();
  connect_panels();
  connect_desk();
  restore_state();
  qApp->installEventFilter(this);
  ask_->focus_question();
}

MainWindow::~MainWindow() { qApp->removeEventFilter(this); }

// --- building

void MainWindow::build() {
  auto* middle = new QWidget(this);
  auto* column = new QVBoxLayout(middle);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  banners_ = new BannerStack(middle);
  pages_ = new QStackedWidget(middle);
  status_ = new StatusLine(desk_, middle);
  auto* rule = new QFrame(middle);
  rule->setFrameShape(QFrame::HLine);
  rule->setFrameShadow(QFrame::Plain);
  rule->setForegroundRole(QPalette::Mid);
  column->addWidget(banners_);
  column->addWidget(pages_, 1);
  column->addWidget(rule);
  column->addWidget(status_);

  columns_ = new QSplitter(Qt::Horizontal, pages_);
  columns_->setObjectName(QStringLiteral("columns"));
  columns_->setHandleWidth(1);
  columns_->setChildrenCollapsible(false);
  library_ = new LibraryPanel(desk_, columns_);
  ask_ = new AskPanel(desk_, columns_);
  inspector_ = new QTabWidget(columns_);
  inspector_->setObjectName(QStringLiteral("inspector"));
  inspector_->setDocumentMode(true);
  source_ = new SourcePanel(desk_, inspector_);
  cache_ = new CachePanel(desk_, inspector_);
  timing_ = new TimingPanel(desk_, inspector_);
  inspector_->addTab(source_, icon(QStringLiteral("source")), tr("Source"));
  inspector_->addTab(cache_, icon(QStringLiteral("cache")), tr("Cache"));
  inspector_->addTab(timing_, icon(QStringLiteral("timing")), tr("Timing"));
  inspector_->setCurrentWidget(timing_);
  library_->setMinimumWidth(220);
  ask_->setMinimumWidth(320);
  inspector_->setMinimumWidth(280);
  columns_->addWidget(library_);
  columns_->addWidget(ask_);
  columns_->addWidget(inspector_);
  columns_->setStretchFactor(0, 0);
  columns_->setStretchFactor(1, 1);
  columns_->setStretchFactor(2, 0);
  columns_->setSizes({300, 560, 420});

  settings_ = new SettingsPanel(desk_, pages_);
  pages_->addWidget(columns_);
  pages_->addWidget(settings_);
  setCentralWidget(middle);
  overlay_ = new DropOverlay(this);
  palette_ = new CommandPalette(this);
  sheet_ = new ShortcutsSheet(this);
  resize(1280, 800);
}

void MainWindow::connect_panels() {
  connect(library_, &LibraryPanel::scope_changed, ask_, &AskPanel::set_scope);
  connect(library_, &LibraryPanel::counts_changed, this, &MainWindow::update_library_note);
  connect(library_, &LibraryPanel::ask_about, this, [this](desk::DocumentId id, const QString&) {
    library_->model().set_checked({id});
    ask_->focus_question();
  });
  connect(library_, &LibraryPanel::ask_whole, ask_, &AskPanel::set_whole_document);
  connect(library_, &LibraryPanel::show_document, this, [this](desk::DocumentId id) {
    show_inspector(source_);
    source_->show_document(id);
  });
  connect(library_, &LibraryPanel::show_cache, this, [this](desk::DocumentId id) {
    show_inspector(cache_);
    cache_->show_document(id);
  });
  connect(library_, &LibraryPanel::reveal, this, &reveal_in_folder);
  connect(library_, &LibraryPanel::notice, this, [this](const QString& message) {
    banners_->show_banner({}, message, Tone::kPlain, {}, kPassingMs);
  });
  connect(library_, &LibraryPanel::add_files_requested, this, &MainWindow::ask_for_files);
  connect(library_, &LibraryPanel::add_folder_requested, this, &MainWindow::ask_for_folder);

  connect(ask_, &AskPanel::passage_activated, this,
          [this](const desk::PassageView& passage, const std::vector<desk::PassageView>& all) {
            show_inspector(source_);
            source_->show_passage(passage, all);
          });
  connect(ask_, &AskPanel::conversation_changed, this,
          [this](desk::ConversationId, const QString& name) {
            setWindowTitle(name.isEmpty() ? QStringLiteral("KVLink")
                                          : tr("%1 – KVLink").arg(one_line(name, 60)));
          });
  connect(ask_, &AskPanel::answering_changed, status_, &StatusLine::set_answering);
  // Esc belongs to lists and fields while there is nothing to stop.
  find_action("stop")->setEnabled(false);
  connect(ask_, &AskPanel::answering_changed, find_action("stop"), &QAction::setEnabled);
  connect(ask_, &AskPanel::problem, this, &MainWindow::tell_problem);
  connect(source_, &SourcePanel::ask_about, this,
          [this](const QString& words, desk::DocumentId) { ask_->ask_about(words); });
  connect(source_, &SourcePanel::problem, this, &MainWindow::tell_problem);
  connect(cache_, &CachePanel::problem, this, &MainWindow::tell_problem);
  connect(settings_, &SettingsPanel::problem, this, &MainWindow::tell_problem);
  connect(settings_, &SettingsPanel::closed, this, [this] { show_settings(false); });
  connect(status_, &StatusLine::cache_clicked, this, [this] { show_inspector(cache_); });
  connect(status_, &StatusLine::model_clicked, this, [this] {
    show_settings(true);
    settings_->show_models();
  });
}

void MainWindow::connect_desk() {
  connect(&desk_, &desk::Desk::opened, this, &MainWindow::opened);
  connect(&desk_, &desk::Desk::failed, this, [this](const desk::Problem& problem) {
    banners_->show_banner(QStringLiteral("desk"), problem.message, Tone::kProblem,
                          {{tr("Try again"), [this] { desk_.open(); }}});
  });
  const auto tell = [this](desk::RequestId, const desk::Problem& problem) {
    tell_problem(problem.message);
  };
  connect(&desk_.library(), &desk::LibraryWorker::failed, this, tell);
  connect(&desk_.library(), &desk::LibraryWorker::removal_offered, this,
          &MainWindow::removal_offered);
  connect(&desk_.library(), &desk::LibraryWorker::removal_done, this,
          [this](desk::RequestId id, qint64, qint64) {
            banners_->close_banner(QStringLiteral("removal %1").arg(id));
          });
  connect(&desk_.ingest(), &desk::IngestWorker::failed, this,
          [this](desk::RequestId id, const desk::Problem& problem) {
            runs_.end(id);
            keep_runs();
            tell_problem(problem.message);
          });
  connect(&desk_.ingest(), &desk::IngestWorker::finished, this, &MainWindow::ingest_finished);
  connect(library_, &LibraryPanel::run_started, this,
          [this](desk::RequestId id, const desk::AddRequest& request) {
            runs_.begin(id, request);
            keep_runs();
          });
}

// --- the session

void MainWindow::opened(const desk::DeskFacts& facts) {
  banners_->close_banner(QStringLiteral("desk"));
  for (const auto& notice : facts.notices) banners_->show_banner({}, notice, Tone::kWarning);
  if (!facts.model) {
    banners_->show_banner(QStringLiteral("model"), facts.why_no_model, Tone::kWarning,
                          {{tr("Choose a model"), [this] {
                              show_settings(true);
                              settings_->show_models();
                            }}});
    return;
  }
  banners_->close_banner(QStringLiteral("model"));
  if (!std::exchange(restored_, true) && state_) {
    const auto conversation = state_->value(QLatin1String(kConversationKey)).toLongLong();
    if (conversation != 0) ask_->open_conversation(conversation);
  }
  resume_runs();
  if (!waiting_paths_.empty()) library_->add_paths(std::exchange(waiting_paths_, {}));
}

void MainWindow::restore_state() {
  if (!state_) return;
  restoreGeometry(state_->value(QLatin1String(kGeometryKey)).toByteArray());
  columns_->restoreState(state_->value(QLatin1String(kColumnsKey)).toByteArray());
  inspector_->setCurrentIndex(
      state_->value(QLatin1String(kTabKey), inspector_->currentIndex()).toInt());
  find_action("inspector")->setChecked(state_->value(QLatin1String(kInspectorKey), true).toBool());
  library_->check_paths_later(state_->value(QLatin1String(kScopeKey)).toStringList());
}

void MainWindow::save_state() {
  if (!state_) return;
  state_->setValue(QLatin1String(kGeometryKey), saveGeometry());
  state_->setValue(QLatin1String(kColumnsKey), columns_->saveState());
  state_->setValue(QLatin1String(kTabKey), inspector_->currentIndex());
  state_->setValue(QLatin1String(kInspectorKey), find_action("inspector")->isChecked());
  if (restored_) {
    QStringList scope;
    for (const auto& path : library_->checked_paths()) scope += path;
    state_->setValue(QLatin1String(kScopeKey), scope);
    state_->setValue(QLatin1String(kConversationKey), qint64(ask_->conversation()));
  }
  state_->sync();
}

void MainWindow::closeEvent(QCloseEvent* event) {
  save_state();
  QMainWindow::closeEvent(event);
}

void MainWindow::raise_with(const std::vector<QString>& paths) {
  setWindowState(windowState() & ~Qt::WindowMinimized);
  show();
  raise();
  activateWindow();
  add_paths(paths);
}

// --- what comes in

void MainWindow::add_paths(const std::vector<QString>& paths) {
  if (paths.empty()) return;
  show_settings(false);
  if (desk_.state() == desk::DeskState::kReady) {
    library_->add_paths(paths);
    return;
  }
  waiting_paths_.insert(waiting_paths_.end(), paths.begin(), paths.end());
  if (desk_.state() == desk::DeskState::kNoModel) {
    tell_problem(tr("Documents can be added once there is a model. They will wait."));
  }
}

void MainWindow::take(const Dropped& dropped) {
  if (dropped.n_foreign > 0) {
    tell_problem(tr("%n address(es) of the network left out: KVLink never fetches anything.",
                    nullptr, dropped.n_foreign));
  }
  if (dropped.paths.size() == 1 && looks_like_model(dropped.paths.front())) {
    show_settings(true);
    settings_->add_model(dropped.paths.front());
    return;
  }
  add_paths(dropped.paths);
  if (dropped.paths.empty()) library_->add_text(dropped.text);
}

void MainWindow::paste() {
  const auto* data = QApplication::clipboard()->mimeData();
  if (data != nullptr) take(dropped_from(*data));
}

void MainWindow::ask_for_files() {
  auto* dialog = new QFileDialog(this, tr("Add files"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setFileMode(QFileDialog::ExistingFiles);
  connect(dialog, &QFileDialog::filesSelected, this, [this](const QStringList& files) {
    add_paths(std::vector<QString>(files.begin(), files.end()));
  });
  dialog->open();
}

void MainWindow::ask_for_folder() {
  auto* dialog = new QFileDialog(this, tr("Add a folder"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setFileMode(QFileDialog::Directory);
  dialog->setOption(QFileDialog::ShowDirsOnly);
  connect(dialog, &QFileDialog::fileSelected, this,
          [this](const QString& folder) { add_paths({folder}); });
  dialog->open();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (event->source() != nullptr) return;  // out of this window, not into it
  const Dropped dropped = dropped_from(*event->mimeData());
  if (dropped.is_empty() && dropped.n_foreign == 0) return;
  overlay_->show_words(drop_words(dropped));
  event->setDropAction(Qt::CopyAction);
  event->accept();
}

void MainWindow::dragLeaveEvent(QDragLeaveEvent*) { overlay_->hide(); }

void MainWindow::dropEvent(QDropEvent* event) {
  overlay_->hide();
  event->setDropAction(Qt::CopyAction);
  event->accept();
  take(dropped_from(*event->mimeData()));
}

/// Every part of the window is the drop target: text fields would take a file's name as text.
bool MainWindow::eventFilter(QObject* watched, QEvent* event) {
  const auto type = event->type();
  if (type != QEvent::DragEnter && type != QEvent::DragMove && type != QEvent::Drop &&
      type != QEvent::DragLeave) {
    return QMainWindow::eventFilter(watched, event);
  }
  auto* widget = qobject_cast<QWidget*>(watched);
  if (widget == nullptr || widget == this || widget->window() != this) return false;
  if (type == QEvent::DragLeave) {
    overlay_->hide();
    return false;
  }
  const auto* drop = static_cast<QDropEvent*>(event);
  if (drop->source() != nullptr || !drop->mimeData()->hasUrls()) return false;
  if (type == QEvent::Drop) {
    dropEvent(static_cast<QDropEvent*>(event));
  } else if (type == QEvent::DragEnter) {
    dragEnterEvent(static_cast<QDragEnterEvent*>(event));
  } else {
    static_cast<QDropEvent*>(event)->setDropAction(Qt::CopyAction);
    event->accept();
  }
  return true;
}

void MainWindow::resizeEvent(QResizeEvent* event) {
  QMainWindow::resizeEvent(event);
  if (overlay_->isVisible()) overlay_->setGeometry(rect());
}

// --- what is told

void MainWindow::tell_problem(const QString& message) {
  banners_->show_banner(message, message, Tone::kProblem);
}

void MainWindow::removal_offered(const desk::RemovalOffer& offer) {
  const QString what = offer.n_documents == 1
                           ? tr("%1 was removed.").arg(one_line(offer.first_title, 60))
                           : tr("%n document(s) were removed.", nullptr, int(offer.n_documents));
  banners_->show_banner(QStringLiteral("removal %1").arg(offer.id), what, Tone::kPlain,
                        {{tr("Undo"), [this, id = offer.id] { desk_.library().undo_removal(id); }}},
                        offer.undo_ms);
}

void MainWindow::keep_runs() {
  if (!state_) return;
  state_->setValue(QLatin1String(kRunsKey), runs_.to_json());
  state_->sync();  // a killed process cannot do it later
}

/// What a process that was killed, or closed in the middle, had begun. Files that were read already
/// cost their reading only.
void MainWindow::resume_runs() {
  if (!state_) return;
  const auto left = UnfinishedRuns::from_json(state_->value(QLatin1String(kRunsKey)).toByteArray());
  runs_ = {};
  for (const auto& request : left) library_->start(request);
  keep_runs();
}

void MainWindow::ingest_finished(desk::RequestId id, const desk::IngestSummary& summary) {
  // Cancelled by a change of settings, it goes on when the session is open again.
  const bool interrupted = summary.cancelled && desk_.state() == desk::DeskState::kOpening;
  if (!interrupted) {
    runs_.end(id);
    keep_runs();
  }
  for (const auto& notice : summary.notices) {
    banners_->show_banner(notice, notice, Tone::kWarning);
  }
  if (summary.n_failed > 0) {
    banners_->show_banner(
        QStringLiteral("failed"),
        tr("%n file(s) could not be read. The first: ", nullptr, int(summary.n_failed)) +
            one_line(summary.problems.front(), 200),
        Tone::kProblem, {{tr("Show them"), [this] { library_->show_problems(); }}});
  }
  if (summary.cancelled || summary.seconds < kLongRunSeconds || isActiveWindow()) return;
  notify_desktop(tr("Documents are ready"),
                 tr("%n document(s) added or updated", nullptr,
                    static_cast<int>(summary.n_added + summary.n_updated)));
}

void MainWindow::update_library_note(const LibraryCounts& counts) {
  const int n_done = counts.n_documents - counts.n_in_work;
  ask_->set_library_note(
      counts.n_in_work == 0
          ? QString()
          : tr("over %1 of %n document(s)", nullptr, counts.n_documents).arg(count_text(n_done)));
  // Told once per library: an empty one is offered the guide.
  if (counts.n_documents > 0 || !restored_ || !state_ || options_.sample_folder.isEmpty()) return;
  if (state_->value(QLatin1String(kSampleKey)).toBool()) return;
  state_->setValue(QLatin1String(kSampleKey), true);
  library_->start({.paths = {options_.sample_folder}});
}

// --- pages

bool MainWindow::shows_settings() const { return pages_->currentWidget() == settings_; }

void MainWindow::show_settings(bool shown) {
  pages_->setCurrentWidget(shown ? static_cast<QWidget*>(settings_) : columns_);
  if (!shown) ask_->focus_question();
}

void MainWindow::show_inspector(QWidget* page) {
  show_settings(false);
  find_action("inspector")->setChecked(true);
  inspector_->setCurrentWidget(page);
}

}  // namespace kvlink::ui
