// SPDX-License-Identifier: Apache-2.0
// What comes into the window: drops, pastes, chosen files, files of a second start.
#include <QApplication>
#include <QClipboard>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QMimeData>

#include "ui/ask/ask_panel.h"
#include "ui/inspect/settings_panel.h"
#include "ui/library/library_panel.h"
#include "ui/shell/banner_stack.h"
#include "ui/shell/drop_overlay.h"
#include "ui/shell/dropped.h"
#include "ui/shell/main_window.h"

namespace kvlink::ui {
namespace {

bool is_own(const QMimeData& data) {
  return data.hasFormat(QLatin1String(LibraryModel::kDocumentsMime));
}

}  // namespace

void MainWindow::raise_with(const std::vector<QString>& paths) {
  setWindowState(windowState() & ~Qt::WindowMinimized);
  show();
  raise();
  activateWindow();
  add_paths(paths);
}

void MainWindow::add_paths(const std::vector<QString>& paths) {
  if (paths.empty()) return;
  show_settings(false);
  if (desk_.state() == desk::DeskState::kReady) {
    library_->add_paths(paths);
    return;
  }
  waiting_paths_.insert(waiting_paths_.end(), paths.begin(), paths.end());
  keep_waiting();
  if (desk_.state() == desk::DeskState::kClosed) return;  // named at the start: it opens next
  const bool lacks_model = desk_.state() == desk::DeskState::kNoModel;
  banners_->show_banner(
      QStringLiteral("waiting"),
      lacks_model ? tr("Documents can be added once there is a model. They will wait.")
                  : tr("Documents can be added once the library is open. They will wait."),
      desk_.state() == desk::DeskState::kOpening ? Tone::kPlain : Tone::kProblem);
}

void MainWindow::take(const Dropped& dropped) {
  if (dropped.n_foreign > 0) {
    tell_problem(tr("%n address(es) of the network left out: KVLink never fetches anything.",
                    nullptr, dropped.n_foreign));
  }
  std::vector<QString> documents;
  std::vector<QString> models;
  for (const auto& path : dropped.paths) {
    (looks_like_model(path) ? models : documents).push_back(path);
  }
  add_paths(documents);
  if (dropped.paths.empty()) library_->add_text(dropped.text);
  if (models.empty()) return;
  show_settings(true);
  for (const auto& path : models) settings_->add_model(path);
}

void MainWindow::paste() {
  const auto* data = QApplication::clipboard()->mimeData();
  if (data != nullptr) take(dropped_from(*data));
}

/// Not more than one at a time, and never in front of an event loop of its own.
QFileDialog* MainWindow::open_chooser(const QString& title, QFileDialog::FileMode mode) {
  auto* open = findChild<QFileDialog*>(QStringLiteral("chooser"), Qt::FindDirectChildrenOnly);
  if (open != nullptr && open->isVisible()) return nullptr;
  auto* dialog = new QFileDialog(this, title);
  dialog->setObjectName(QStringLiteral("chooser"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setFileMode(mode);
  connect(dialog, &QFileDialog::filesSelected, this, [this](const QStringList& paths) {
    add_paths(std::vector<QString>(paths.begin(), paths.end()));
  });
  return dialog;
}

void MainWindow::ask_for_files() {
  auto* dialog = open_chooser(tr("Add files"), QFileDialog::ExistingFiles);
  if (dialog != nullptr) dialog->open();
}

void MainWindow::ask_for_folder() {
  auto* dialog = open_chooser(tr("Add a folder"), QFileDialog::Directory);
  if (dialog == nullptr) return;
  dialog->setOption(QFileDialog::ShowDirsOnly);
  dialog->open();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (is_own(*event->mimeData())) return;  // within the list of documents
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
/// Documents of the list that are dropped on the conversation become the scope of the question.
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
  if (is_own(*drop->mimeData()) && ask_->isAncestorOf(widget)) {
    event->accept();
    if (type == QEvent::Drop) {
      library_->model().set_checked(LibraryModel::ids_of(*drop->mimeData()));
      ask_->focus_question();
    }
    return true;
  }
  if (is_own(*drop->mimeData()) || !drop->mimeData()->hasUrls()) return false;
  // Where models are listed, a folder is a model and no collection of documents.
  if (settings_->takes_drops(*widget)) return false;
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

}  // namespace kvlink::ui
