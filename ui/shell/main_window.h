// SPDX-License-Identifier: Apache-2.0
// One window: library, conversation, inspector. Puts the panels together and owns no work.
#pragma once

#include <QFileDialog>
#include <QMainWindow>
#include <QTimer>
#include <vector>

#include "app/desk/desk.h"
#include "ui/library/library_model.h"
#include "ui/shell/unfinished_runs.h"
#include "ui/shell/window_state.h"

class QSplitter;
class QStackedWidget;
class QTabWidget;

namespace kvlink::ui {

class AskPanel;
class BannerStack;
class CachePanel;
class CommandPalette;
class DropOverlay;
class FollowedFolders;
class GuidePage;
class LibraryPanel;
class SettingsPanel;
class ShortcutsSheet;
class SourcePanel;
class StatusLine;
class TimingPanel;
struct Dropped;

struct WindowOptions {
  /// Where the window's own state is kept (an INI file); "" keeps nothing.
  QString state_file;
  /// Added when a library opens empty for the first time; "" adds nothing.
  QString sample_folder;
};

class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  MainWindow(desk::Desk& desk, WindowOptions options, QWidget* parent = nullptr);
  ~MainWindow() override;

  /// Comes to the front, and adds the paths; before a model is there they wait for it.
  void raise_with(const std::vector<QString>& paths);
  void add_paths(const std::vector<QString>& paths);

  LibraryPanel& library() { return *library_; }
  AskPanel& ask() { return *ask_; }
  BannerStack& banners() { return *banners_; }
  DropOverlay& overlay() { return *overlay_; }
  StatusLine& status() { return *status_; }
  QTabWidget& inspector() { return *inspector_; }
  FollowedFolders& followed_folders() { return *followed_; }
  bool shows_settings() const;
  bool shows_guide() const;

 protected:
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dragLeaveEvent(QDragLeaveEvent* event) override;
  void dropEvent(QDropEvent* event) override;
  void closeEvent(QCloseEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  // main_window.cpp
  void build();
  void connect_panels();
  void connect_desk();
  void connect_following();
  void apply_escape_rule();
  void show_settings(bool shown);
  void show_guide();
  void show_inspector(QWidget* page);
  void tell_problem(const QString& message);
  void ingest_finished(desk::RequestId id, const desk::IngestSummary& summary);
  void removal_offered(const desk::RemovalOffer& offer);
  void documents_moved(const desk::MoveReport& report);
  void documents_ignored(const std::vector<desk::DocumentId>& documents, const QString& title);
  void update_library_note(const LibraryCounts& counts);

  // window_session.cpp
  void connect_state();
  void save_state();
  void restore_state();
  void opened(const desk::DeskFacts& facts);
  void keep_runs();
  void keep_pause(const desk::IngestStatus& status);
  void keep_waiting();
  void resume_runs();
  void offer_sample();

  // window_intake.cpp
  void take(const Dropped& dropped);
  void paste();
  QFileDialog* open_chooser(const QString& title, QFileDialog::FileMode mode);
  void ask_for_files();
  void ask_for_folder();

  // window_actions.cpp
  void build_actions();
  void build_menus();
  void build_toolbar();
  QAction* add_action(const char* name, const QString& text, const QString& icon_name,
                      const QKeySequence& keys, std::function<void()> run);
  QAction* find_action(const char* name) const;
  void add_focus_actions();
  void add_view_actions();
  QList<QPair<QString, QString>> widget_keys() const;
  void show_about();

  desk::Desk& desk_;
  WindowOptions options_;
  WindowState state_;
  FollowedFolders* followed_ = nullptr;
  QTimer save_soon_;
  QStackedWidget* pages_ = nullptr;
  QSplitter* columns_ = nullptr;
  LibraryPanel* library_ = nullptr;
  AskPanel* ask_ = nullptr;
  QTabWidget* inspector_ = nullptr;
  SourcePanel* source_ = nullptr;
  CachePanel* cache_ = nullptr;
  TimingPanel* timing_ = nullptr;
  SettingsPanel* settings_ = nullptr;
  GuidePage* guide_ = nullptr;
  BannerStack* banners_ = nullptr;
  StatusLine* status_ = nullptr;
  DropOverlay* overlay_ = nullptr;
  CommandPalette* palette_ = nullptr;
  ShortcutsSheet* sheet_ = nullptr;
  QList<QAction*> actions_;
  std::vector<QString> waiting_paths_;  ///< until a model is there
  UnfinishedRuns runs_;
  bool restored_ = false;
  bool scope_is_kept_ = false;  ///< since it changed last
};

}  // namespace kvlink::ui
