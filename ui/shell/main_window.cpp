// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/main_window.h"

#include <QApplication>
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
#include "ui/inspect/reveal_file.h"
#include "ui/inspect/settings_panel.h"
#include "ui/inspect/timing_panel.h"
#include "ui/library/library_panel.h"
#include "ui/shell/banner_stack.h"
#include "ui/shell/command_palette.h"
#include "ui/shell/drop_overlay.h"
#include "ui/shell/escape_rule.h"
#include "ui/shell/followed_folders.h"
#include "ui/shell/gpu_banner.h"
#include "ui/shell/guide_page.h"
#include "ui/shell/loss_banners.h"
#include "ui/shell/notification.h"
#include "ui/shell/reindex_banner.h"
#include "ui/shell/shortcuts_sheet.h"
#include "ui/shell/status_line.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

constexpr int kPassingMs = 8000;
/// A run that took longer than this is announced on the desktop when the window is not in front.
constexpr double kLongRunSeconds = 20;

}  // namespace

MainWindow::MainWindow(desk::Desk& desk, WindowOptions options, QWidget* parent)
    : QMainWindow(parent),
      desk_(desk),
      options_(std::move(options)),
      state_(desk.keeper(), options_.state_file) {
  setWindowTitle(QStringLiteral("KVLink"));
  setWindowIcon(program_icon());
  setAcceptDrops(true);
  build();
  build_actions();
  build_menus();
  build_toolbar();
  connect_panels();
  connect_desk();
  connect_following();
  restore_state();
  connect_state();
  qApp->installEventFilter(this);
  apply_escape_rule();
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
  inspector_->setAccessibleName(tr("Inspector"));
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
  guide_ = new GuidePage(pages_);
  pages_->addWidget(columns_);
  pages_->addWidget(settings_);
  pages_->addWidget(guide_);
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
  connect(library_, &LibraryPanel::reveal, this, &reveal_file);
  connect(library_, &LibraryPanel::notice, this, [this](const QString& message) {
    banners_->show_banner({}, message, Tone::kPlain, {}, kPassingMs);
  });
  connect(library_, &LibraryPanel::ignored_documents, this, &MainWindow::documents_ignored);
  connect(library_, &LibraryPanel::paste_requested, this, &MainWindow::paste);
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
  find_action("stop")->setEnabled(false);
  connect(ask_, &AskPanel::answering_changed, find_action("stop"), &QAction::setEnabled);
  connect(ask_, &AskPanel::problem, this, &MainWindow::tell_problem);
  connect(source_, &SourcePanel::ask_about, this,
          [this](const QString& words, desk::DocumentId) { ask_->ask_about(words); });
  connect(source_, &SourcePanel::problem, this, &MainWindow::tell_problem);
  connect(cache_, &CachePanel::problem, this, &MainWindow::tell_problem);
  connect(settings_, &SettingsPanel::closed, this, [this] { show_settings(false); });
  connect(guide_, &GuidePage::closed, this, [this] { show_settings(false); });
  connect(status_, &StatusLine::cache_clicked, this, [this] { show_inspector(cache_); });
  connect(status_, &StatusLine::model_clicked, this, [this] {
    show_settings(true);
    settings_->show_models();
  });
}

void MainWindow::connect_desk() {
  follow_losses(desk_, *banners_);
  follow_reindexing(desk_, *banners_);
  follow_gpu(desk_, *banners_);
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
  connect(&desk_.library(), &desk::LibraryWorker::documents_moved, this,
          &MainWindow::documents_moved);
  connect(&desk_.settings(), &desk::SettingsWorker::settings_refused, this,
          [this](const desk::Problem& problem) { tell_problem(problem.message); });
  connect(&desk_.keeper(), &desk::Keeper::failed, this, &MainWindow::tell_problem);
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
  connect(&desk_.ingest(), &desk::IngestWorker::encoding_asked, this,
          [this](desk::RequestId id, const std::vector<desk::DocumentId>& documents) {
            runs_.begin(id, documents);
            keep_runs();
          });
  connect(&desk_.ingest(), &desk::IngestWorker::status_changed, this, &MainWindow::keep_pause);
}

void MainWindow::connect_following() {
  followed_ = new FollowedFolders(desk_, state_, this);
  library_->set_following([this](const QString& path) { return followed_->containing(path); });
  connect(library_, &LibraryPanel::run_started, this,
          [this](desk::RequestId, const desk::AddRequest& request) { followed_->add(request); });
  connect(library_, &LibraryPanel::follow_requested, this, [this](const QString& folder) {
    library_->start({.paths = {folder}, .follow = {folder}});
  });
  connect(library_, &LibraryPanel::unfollow_requested, followed_, &FollowedFolders::remove);
  connect(library_, &LibraryPanel::removing, followed_, &FollowedFolders::exclude);
  connect(followed_, &FollowedFolders::notice, this, [this](const QString& message) {
    banners_->show_banner(QStringLiteral("following"), message, Tone::kWarning);
  });
}

/// The sheet and the palette lie above the pages, a page above the conversation.
void MainWindow::apply_escape_rule() {
  const auto page = [this](QWidget* one) {
    return EscapeRule::Layer{[this, one] { return pages_->currentWidget() == one; },
                             [this] { show_settings(false); }};
  };
  new EscapeRule(
      *this,
      {{[this] { return palette_->isVisible(); }, [this] { palette_->close_palette(); }},
       {[this] { return sheet_->isVisible(); }, [this] { sheet_->hide(); }},
       page(settings_),
       page(guide_),
       {[this] { return ask_->shows_conversations(); }, [this] { ask_->focus_question(); }}},
      {[this] { return ask_->is_answering(); }, [this] { ask_->stop(); }});
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

void MainWindow::documents_moved(const desk::MoveReport& report) {
  const QString what = report.n_documents == 1
                           ? one_line(report.first_title, 60)
                           : tr("%n document(s)", nullptr, int(report.n_documents));
  // A folder is called by its last part, as in the list.
  const QString name = one_line(report.collection.section(QLatin1Char('/'), -1), 60);
  const QString where =
      report.collection.isEmpty()
          ? tr("%1 listed by folder again.").arg(what)
          : tr("%1 moved to \u201c%2\u201d. The files stay where they are.").arg(what, name);
  banners_->show_banner(QStringLiteral("move"), where, Tone::kPlain,
                        {{tr("Undo"), [this, id = report.id] { desk_.library().undo_move(id); }}},
                        kPassingMs);
}

void MainWindow::documents_ignored(const std::vector<desk::DocumentId>& documents,
                                   const QString& title) {
  const QString what = documents.size() == 1 ? tr("%1 is ignored until it changes.").arg(title)
                                             : tr("%n document(s) are ignored until they change.",
                                                  nullptr, int(documents.size()));
  const auto undo = [this, documents] {
    desk_.library().set_ignored(desk::next_request_id(), documents, false);
  };
  banners_->show_banner(QStringLiteral("ignored"), what, Tone::kPlain, {{tr("Undo"), undo}},
                        kPassingMs);
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
  if (summary.n_failed > 0 && !summary.followed) {
    banners_->show_banner(
        QStringLiteral("failed"),
        tr("%n file(s) could not be read. The first: ", nullptr, int(summary.n_failed)) +
            one_line(summary.problems.front(), 200),
        Tone::kProblem, {{tr("Show them"), [this] { library_->show_problems(); }}});
  }
  if (summary.cancelled || summary.followed || summary.seconds < kLongRunSeconds ||
      isActiveWindow())
    return;
  const auto n_documents = summary.n_added + summary.n_updated;
  if (n_documents == 0 && summary.n_blocks_made > 0) {
    notify_desktop(tr("Caches are ready"),
                   tr("%n block(s) computed", nullptr, static_cast<int>(summary.n_blocks_made)));
    return;
  }
  notify_desktop(tr("Documents are ready"),
                 tr("%n document(s) added or updated", nullptr, static_cast<int>(n_documents)));
}

void MainWindow::update_library_note(const LibraryCounts& counts) {
  const int n_done = counts.n_documents - counts.n_in_work;
  ask_->set_library_note(
      counts.n_in_work == 0
          ? QString()
          : tr("over %1 of %n document(s)", nullptr, counts.n_documents).arg(count_text(n_done)));
  if (counts.n_documents == 0) offer_sample();
}

// --- pages

bool MainWindow::shows_settings() const { return pages_->currentWidget() == settings_; }

void MainWindow::show_settings(bool shown) {
  pages_->setCurrentWidget(shown ? static_cast<QWidget*>(settings_) : columns_);
  if (!shown) ask_->focus_question();
}

bool MainWindow::shows_guide() const {
  return pages_->currentWidget() == static_cast<const QWidget*>(guide_);
}

void MainWindow::show_guide() {
  pages_->setCurrentWidget(guide_);
  guide_->focus_list();
}

void MainWindow::show_inspector(QWidget* page) {
  show_settings(false);
  find_action("inspector")->setChecked(true);
  inspector_->setCurrentWidget(page);
}

}  // namespace kvlink::ui
