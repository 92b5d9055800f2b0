// SPDX-License-Identifier: Apache-2.0
// Moving documents between collections. Nothing in the library or on the disk is moved but a name.
#include <QFile>
#include <QSaveFile>
#include <algorithm>
#include <utility>

#include "app/desk/library_worker.h"

namespace kvlink::desk {
namespace {

constexpr qint64 kMaxFileBytes = qint64{256} << 20;
constexpr std::size_t kMaxUndoable = 32;

}  // namespace

QString LibraryWorker::collections_file() {
  return text_of((session().paths().data / "collections.json").string());
}

void LibraryWorker::load_collections() {
  collections_ = {};
  moves_.clear();
  QFile file(collections_file());
  if (file.size() > kMaxFileBytes || !file.open(QIODevice::ReadOnly)) return;
  collections_ = Collections::from_json(file.readAll());
}

void LibraryWorker::keep_collections(RequestId id) {
  QSaveFile file(collections_file());
  const QByteArray json = collections_.to_json();
  const bool kept = file.open(QIODevice::WriteOnly) &&
                    file.setPermissions(QFile::ReadOwner | QFile::WriteOwner) &&
                    file.write(json) == json.size() && file.commit();
  if (!kept) {
    emit failed(id, {ErrorCode::kIo, tr("The collections could not be kept in %1: %2.")
                                         .arg(file.fileName(), file.errorString())});
  }
}

void LibraryWorker::move_documents(RequestId id, std::vector<DocumentId> documents,
                                   QString collection) {
  post([this, id, documents = std::move(documents), collection = std::move(collection)]() mutable {
    if (const auto problem = why_not(false)) {
      emit failed(id, *problem);
      return;
    }
    const auto known = session().library().documents();
    if (!known) {
      emit failed(id, problem_of(known.error()));
      return;
    }
    if (is_named_collection(collection)) collection = collection_name(collection);
    std::sort(documents.begin(), documents.end());
    MoveReport report{.id = id, .collection = collection};
    auto& before = moves_[id];
    for (const auto& document : *known) {
      if (!std::binary_search(documents.begin(), documents.end(), document.id)) continue;
      const QString path = text_of(document.path);
      if (collections_.of(path) == collection) continue;
      before.emplace_back(path, collections_.of(path));
      collections_.move(path, collection);
      if (++report.n_documents == 1) report.first_title = text_of(document.title);
    }
    while (moves_.size() > kMaxUndoable) moves_.erase(moves_.begin());
    if (report.n_documents == 0) return;
    keep_collections(id);
    tell_all();
    emit documents_moved(report);
  });
}

void LibraryWorker::undo_move(RequestId id) {
  post([this, id] {
    const auto found = moves_.find(id);
    if (found == moves_.end() || !has_session()) return;
    for (const auto& [path, key] : found->second) collections_.move(path, key);
    moves_.erase(found);
    keep_collections(id);
    tell_all();
  });
}

void LibraryWorker::rename_collection(QString before, QString name) {
  post([this, before = std::move(before), name = collection_name(name)] {
    if (!has_session() || name.isEmpty() || name == before) return;
    collections_.rename(before, name);
    keep_collections(0);
    tell_all();
  });
}

// --- problems

void LibraryWorker::set_ignored(RequestId id, std::vector<DocumentId> documents, bool ignored) {
  post([this, id, documents = std::move(documents), ignored] {
    if (const auto problem = why_not(false)) {
      emit failed(id, *problem);
      return;
    }
    const auto marked = session().library().set_ignored(documents, ignored);
    if (!marked) {
      emit failed(id, problem_of(marked.error()));
      return;
    }
    recount();
  });
}

}  // namespace kvlink::desk
