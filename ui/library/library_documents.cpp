// SPDX-License-Identifier: Apache-2.0
// What the user does to documents in the list: menus, keys, removal, collections.
#include <QKeyEvent>
#include <QLineEdit>
#include <QMenu>
#include <QTreeView>
#include <algorithm>

#include "app/desk/desk.h"
#include "ui/ask/visible_text.h"
#include "ui/library/library_panel.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {

std::vector<const desk::DocumentRow*> LibraryPanel::selected() const {
  std::vector<const desk::DocumentRow*> rows;
  for (const auto& index : view_->selectionModel()->selectedIndexes()) {
    const auto below = model_->documents_of(index);
    rows.insert(rows.end(), below.begin(), below.end());
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

void LibraryPanel::remove_selected() {
  std::vector<desk::DocumentId> ids;
  std::vector<QString> paths;
  for (const auto* row : selected()) {
    if (row->id == 0) continue;
    ids.push_back(row->id);
    paths.push_back(row->path);
  }
  if (ids.empty()) return;
  const auto id = desk::next_request_id();
  emit removing(id, paths);
  desk_.library().remove(id, ids);
}

void LibraryPanel::reindex_selected() {
  desk::AddRequest request{.read_again = true};
  for (const auto* row : selected()) request.paths.push_back(row->path);
  if (!request.paths.empty()) start(request);
}

void LibraryPanel::focus_search() {
  search_->setFocus(Qt::ShortcutFocusReason);
  search_->selectAll();
}

void LibraryPanel::focus_list() {
  view_->setFocus(Qt::ShortcutFocusReason);
  if (!view_->currentIndex().isValid() && model_->rowCount() > 0) {
    view_->setCurrentIndex(model_->index(0, 0));
  }
}

void LibraryPanel::open_menu(const QPoint& at) {
  const QModelIndex index = view_->indexAt(at);
  if (!index.isValid()) return;
  const auto rows = selected();
  const auto* row = model_->row_of(index);
  auto* menu = new QMenu(this);
  menu->setAttribute(Qt::WA_DeleteOnClose);
  if (row != nullptr && row->id != 0 && rows.size() == 1) add_document_actions(*menu, *row);
  if (row == nullptr) {
    add_collection_actions(*menu, index);
    add_following_action(*menu, rows);
  }
  if (!rows.empty()) add_common_actions(*menu);
  menu->popup(view_->viewport()->mapToGlobal(at));
}

void LibraryPanel::add_document_actions(QMenu& menu, const desk::DocumentRow& row) {
  const desk::DocumentId id = row.id;
  const QString title = row.title;
  const QString path = row.path;
  menu.addAction(tr("Ask about this"), this, [=, this] { emit ask_about(id, title); });
  menu.addAction(tr("Ask with the whole document"), this, [=, this] { emit ask_whole(id, title); });
  menu.addSeparator();
  menu.addAction(icon(QStringLiteral("source")), tr("Show the text"), this,
                 [=, this] { emit show_document(id); });
  menu.addAction(icon(QStringLiteral("cache")), tr("Show its cache"), this,
                 [=, this] { emit show_cache(id); });
  menu.addAction(icon(QStringLiteral("reveal")), tr("Show in folder"), this,
                 [=, this] { emit reveal(path); });
  add_problem_actions(menu, row);
  if (!row.reason.isEmpty()) {
    const QString reason = row.title + QStringLiteral(": ") + row.reason;
    menu.addAction(icon(QStringLiteral("info")), tr("Why?"), this,
                   [=, this] { emit notice(reason); });
  }
  menu.addSeparator();
}

void LibraryPanel::add_collection_actions(QMenu& menu, const QModelIndex& index) {
  if (!index.flags().testFlag(Qt::ItemIsEditable)) return;
  const QString key = index.data(LibraryModel::kCollection).toString();
  menu.addAction(icon(QStringLiteral("edit")), tr("Rename the collection"), this,
                 [this, key] { view_->edit(model_->index_of_collection(key)); });
  menu.addSeparator();
}

/// Of a collection that is the folder its documents lie in.
void LibraryPanel::add_following_action(QMenu& menu,
                                        const std::vector<const desk::DocumentRow*>& rows) {
  if (rows.empty() || !followed_folder_) return;
  const QString folder = rows.front()->path.section(QLatin1Char('/'), 0, -2);
  const bool in_one = std::all_of(rows.begin(), rows.end(), [&](const auto* row) {
    return row->path.startsWith(folder + QLatin1Char('/'));
  });
  const auto followed = followed_folder_(folder);
  if (followed) {
    menu.addAction(tr("Stop following %1").arg(without_mnemonic(one_line(*followed, 60))), this,
                   [this, folder = *followed] { emit unfollow_requested(folder); });
  } else if (in_one && !folder.isEmpty()) {
    menu.addAction(tr("Follow this folder"), this,
                   [this, folder] { emit follow_requested(folder); });
  }
  menu.addSeparator();
}

void LibraryPanel::add_common_actions(QMenu& menu) {
  auto* move = menu.addMenu(icon(QStringLiteral("folder")), tr("Move to"));
  for (const auto& name : model_->named_collections()) {
    move->addAction(without_mnemonic(one_line(name, 60)), this,
                    [this, name] { move_selected(name); });
  }
  move->addAction(icon(QStringLiteral("add")), tr("A new collection"), this,
                  &LibraryPanel::move_selected_to_new);
  move->addAction(tr("The folder they lie in"), this, [this] { move_selected({}); });
  auto* reindex = menu.addAction(icon(QStringLiteral("rebuild")), tr("Read again"), this,
                                 &LibraryPanel::reindex_selected);
  reindex->setEnabled(desk_.state() == desk::DeskState::kReady);
  add_cache_actions(menu);
  menu.addAction(icon(QStringLiteral("close")), tr("Remove from the library"), this,
                 &LibraryPanel::remove_selected);
}

void LibraryPanel::add_cache_actions(QMenu& menu) {
  std::vector<desk::DocumentId> ids;
  for (const auto* row : selected()) {
    if (row->id != 0 && row->n_chunks > 0) ids.push_back(row->id);
  }
  const bool can_compute = desk_.state() == desk::DeskState::kReady && !ids.empty();
  auto* encode =
      menu.addAction(icon(QStringLiteral("cache")), tr("Compute missing caches"), this,
                     [this, ids] { desk_.ingest().encode(desk::next_request_id(), ids); });
  auto* warm = menu.addAction(tr("Load caches into memory"), this,
                              [this, ids] { desk_.prefetch().warm(desk::next_request_id(), ids); });
  for (auto* action : {encode, warm}) action->setEnabled(can_compute);
}

void LibraryPanel::tell_warmed(qint64 n_blocks, qint64 n_missing) {
  QString words = tr("%n block(s) are in memory, as far as its budget goes.", nullptr,
                     static_cast<int>(n_blocks));
  if (n_missing > 0) {
    words +=
        QLatin1Char(' ') + tr("%n passage(s) have none yet.", nullptr, static_cast<int>(n_missing));
  }
  emit notice(words);
}

// --- collections

void LibraryPanel::move_selected(const QString& collection) {
  std::vector<desk::DocumentId> ids;
  for (const auto* row : selected()) {
    if (row->id != 0) ids.push_back(row->id);
  }
  move(ids, collection);
}

void LibraryPanel::move(const std::vector<desk::DocumentId>& documents, const QString& collection) {
  if (!documents.empty()) {
    desk_.library().move_documents(desk::next_request_id(), documents, collection);
  }
}

/// The collection appears with its name open for editing.
void LibraryPanel::move_selected_to_new() {
  const QStringList taken = model_->named_collections();
  QString name = tr("New collection");
  for (int i = 2; taken.contains(name); ++i) name = tr("New collection %1").arg(i);
  to_rename_ = name;
  move_selected(name);
}

void LibraryPanel::rename_if_new() {
  const QModelIndex made = model_->index_of_collection(to_rename_);
  if (to_rename_.isEmpty() || !made.isValid()) return;
  to_rename_.clear();
  view_->setCurrentIndex(made);
  view_->scrollTo(made);
  view_->edit(made);
}

bool LibraryPanel::eventFilter(QObject* watched, QEvent* event) {
  const bool is_override = event->type() == QEvent::ShortcutOverride;
  if (event->type() != QEvent::KeyPress && !is_override) {
    return QWidget::eventFilter(watched, event);
  }
  const auto* key = static_cast<QKeyEvent*>(event);
  const bool clears =
      watched == search_ && key->key() == Qt::Key_Escape && !search_->text().isEmpty();
  if (is_override) {
    if (clears) event->accept();  // before the window's own Esc
    return clears;
  }
  if (watched == view_) {
    if (key->matches(QKeySequence::Delete)) {
      remove_selected();
      return true;
    }
    if (key->matches(QKeySequence::Paste)) {
      emit paste_requested();
      return true;
    }
    if (key->key() == Qt::Key_Space && key->modifiers() == Qt::NoModifier) {
      const QModelIndex index = view_->currentIndex();
      const bool checked = index.data(Qt::CheckStateRole).toInt() == Qt::Checked;
      model_->setData(index, checked ? Qt::Unchecked : Qt::Checked, Qt::CheckStateRole);
      return true;
    }
  }
  if (watched == search_ && key->key() == Qt::Key_Down) {
    focus_list();
    return true;
  }
  if (clears) {
    search_->clear();
    return true;
  }
  return QWidget::eventFilter(watched, event);
}

}  // namespace kvlink::ui
