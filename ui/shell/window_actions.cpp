// SPDX-License-Identifier: Apache-2.0
// Menus, toolbar and keys of the main window.
#include <QApplication>
#include <QMenu>
#include <QMenuBar>
#include <QTabWidget>
#include <QToolBar>

#include "ui/ask/ask_panel.h"
#include "ui/ask/source_panel.h"
#include "ui/inspect/cache_panel.h"
#include "ui/inspect/settings_panel.h"
#include "ui/inspect/timing_panel.h"
#include "ui/library/library_panel.h"
#include "ui/shell/about_box.h"
#include "ui/shell/command_palette.h"
#include "ui/shell/main_window.h"
#include "ui/shell/shortcuts_sheet.h"
#include "ui/theme/appearance.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {

QAction* MainWindow::add_action(const char* name, const QString& text, const QString& icon_name,
                                const QKeySequence& keys, std::function<void()> run) {
  auto* action = new QAction(text, this);
  action->setObjectName(QLatin1String(name));
  if (!icon_name.isEmpty()) action->setIcon(icon(icon_name));
  action->setShortcut(keys);
  connect(action, &QAction::triggered, this, run);
  addAction(action);
  actions_.append(action);
  return action;
}

QAction* MainWindow::find_action(const char* name) const {
  return findChild<QAction*>(QLatin1String(name), Qt::FindDirectChildrenOnly);
}

void MainWindow::build_actions() {
  add_action("addFiles", tr("Add &files…"), QStringLiteral("add-files"), QKeySequence::Open,
             [this] { ask_for_files(); });
  add_action("addFolder", tr("Add a f&older…"), QStringLiteral("add-folder"),
             QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_O), [this] { ask_for_folder(); });
  add_action("pasteDocuments", tr("Add what is on the clip&board"), QStringLiteral("add"),
             QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_V), [this] { paste(); });
  add_action("quit", tr("&Quit"), {}, QKeySequence(Qt::CTRL | Qt::Key_Q), [this] { close(); });

  add_action("newQuestion", tr("&New conversation"), QStringLiteral("add"), QKeySequence::New,
             [this] {
               show_settings(false);
               ask_->new_conversation();
               ask_->focus_question();
             });
  add_action("conversations", tr("&Conversations"), QStringLiteral("conversation"),
             QKeySequence(Qt::CTRL | Qt::Key_H), [this] {
               show_settings(false);
               ask_->show_conversations();
             });
  add_action("stop", tr("&Stop answering"), QStringLiteral("stop"), QKeySequence(Qt::Key_Escape),
             [this] { ask_->stop(); });

  add_action("removeDocuments", tr("&Remove selected documents"), QStringLiteral("close"), {},
             [this] { library_->remove_selected(); });
  add_action("reindex", tr("Read selected documents &again"), QStringLiteral("rebuild"),
             QKeySequence(Qt::Key_F5), [this] { library_->reindex_selected(); });
  add_action("pauseIndexing", tr("&Pause or go on indexing"), QStringLiteral("pause"),
             QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_P), [this] {
               desk_.ingest().is_paused() ? desk_.ingest().resume() : desk_.ingest().pause();
             });
  add_action("cacheEverything", tr("&Cache everything that has no cache"), QStringLiteral("cache"),
             {}, [this] { desk_.ingest().encode(desk::next_request_id(), {}); });
  add_focus_actions();
  add_view_actions();
}

void MainWindow::add_focus_actions() {
  add_action("findInLibrary", tr("&Find in the library"), QStringLiteral("search"),
             QKeySequence::Find, [this] {
               show_settings(false);
               library_->focus_search();
             });
  add_action("focusQuestion", tr("Write a &question"), QStringLiteral("edit"),
             QKeySequence(Qt::CTRL | Qt::Key_L), [this] {
               show_settings(false);
               ask_->focus_question();
             });
  add_action("focusLibrary", tr("Go to the &library"), QStringLiteral("folder"),
             QKeySequence(Qt::CTRL | Qt::Key_1), [this] {
               show_settings(false);
               library_->focus_list();
             });
  add_action("showSource", tr("Show &source"), QStringLiteral("source"),
             QKeySequence(Qt::CTRL | Qt::Key_2), [this] { show_inspector(source_); });
  add_action("showCache", tr("Show &cache"), QStringLiteral("cache"),
             QKeySequence(Qt::CTRL | Qt::Key_3), [this] { show_inspector(cache_); });
  add_action("showTiming", tr("Show &timing"), QStringLiteral("timing"),
             QKeySequence(Qt::CTRL | Qt::Key_4), [this] { show_inspector(timing_); });
}

void MainWindow::add_view_actions() {
  auto* inspector = add_action("inspector", tr("&Inspector"), QStringLiteral("info"),
                               QKeySequence(Qt::Key_F9), [] {});
  inspector->setCheckable(true);
  inspector->setChecked(true);
  connect(inspector, &QAction::toggled, inspector_, &QWidget::setVisible);
  add_action("settings", tr("&Models and settings"), QStringLiteral("settings"),
             QKeySequence(Qt::CTRL | Qt::Key_Comma), [this] { show_settings(!shows_settings()); });
  add_action("palette", tr("Command &palette"), QStringLiteral("search"),
             QKeySequence(Qt::CTRL | Qt::Key_K), [this] { palette_->open(actions_); });
  auto* larger = add_action("larger", tr("&Larger text"), {}, QKeySequence::ZoomIn, [] {
    if (auto* look = appearance()) look->enlarge();
  });
  // Where + is on the key of =, nobody wants to press Shift for it.
  larger->setShortcuts({larger->shortcut(), QKeySequence(Qt::CTRL | Qt::Key_Equal)});
  add_action("smaller", tr("&Smaller text"), {}, QKeySequence::ZoomOut, [] {
    if (auto* look = appearance()) look->reduce();
  });
  add_action("normalText", tr("&Normal text"), {}, QKeySequence(Qt::CTRL | Qt::Key_0), [] {
    if (auto* look = appearance()) look->reset_font();
  });
  add_action("theme", tr("&Dark or light"), QStringLiteral("dark"),
             QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_D), [] {
               auto* look = appearance();
               if (look == nullptr) return;
               look->set_theme(look->dark() ? ThemeChoice::kLight : ThemeChoice::kDark);
             });
  auto* shortcuts =
      add_action("shortcuts", tr("&Keyboard shortcuts"), QStringLiteral("help"),
                 QKeySequence(Qt::Key_F1), [this] { sheet_->open(actions_, widget_keys()); });
  shortcuts->setShortcuts({shortcuts->shortcut(), QKeySequence(Qt::CTRL | Qt::Key_Question)});
  add_action("guide", tr("&Guide"), QStringLiteral("help"), {}, [this] { show_guide(); });
  add_action("about", tr("&About KVLink"), {}, {}, [this] { show_about(); });
}

void MainWindow::build_menus() {
  const auto fill = [this](const QString& title, std::initializer_list<const char*> names) {
    auto* menu = menuBar()->addMenu(title);
    for (const char* name : names) {
      if (*name == '\0') {
        menu->addSeparator();
      } else {
        menu->addAction(find_action(name));
      }
    }
  };
  fill(tr("&File"), {"addFiles", "addFolder", "pasteDocuments", "", "settings", "", "quit"});
  fill(tr("&Library"), {"findInLibrary", "focusLibrary", "", "reindex", "removeDocuments", "",
                        "pauseIndexing", "cacheEverything"});
  fill(tr("&Question"), {"newQuestion", "conversations", "", "focusQuestion", "stop"});
  fill(tr("&View"), {"showSource", "showCache", "showTiming", "inspector", "", "larger", "smaller",
                     "normalText", "theme", "", "palette"});
  fill(tr("&Help"), {"guide", "shortcuts", "", "about"});
}

void MainWindow::build_toolbar() {
  auto* bar = addToolBar(tr("Main toolbar"));
  bar->setObjectName(QStringLiteral("mainToolBar"));
  bar->setMovable(false);
  bar->setFloatable(false);
  bar->setContextMenuPolicy(Qt::PreventContextMenu);
  bar->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  bar->setIconSize({18, 18});
  bar->addAction(find_action("addFiles"));
  bar->addAction(find_action("addFolder"));
  auto* space = new QWidget(bar);
  space->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  bar->addWidget(space);
  bar->addAction(find_action("settings"));
  bar->addAction(find_action("inspector"));
}

QList<QPair<QString, QString>> MainWindow::widget_keys() const {
  return {{tr("Enter"), tr("Send the question")},
          {tr("Shift+Enter"), tr("New line in the question")},
          {tr("Up"), tr("The question before, in an empty field")},
          {tr("Page Up, Page Down"), tr("Scroll the conversation")},
          {tr("Space"), tr("Check a document: questions use checked ones only")},
          {tr("Del"), tr("Remove the selected documents (can be undone)")}};
}

void MainWindow::show_about() {
  auto* box = new AboutBox(this);
  box->setAttribute(Qt::WA_DeleteOnClose);
  box->open();
}

}  // namespace kvlink::ui
