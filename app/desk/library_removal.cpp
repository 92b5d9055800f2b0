// SPDX-License-Identifier: Apache-2.0
// Taking documents out: at once for the user, later for the files, and back within the undo time.
#include <algorithm>
#include <set>
#include <utility>

#include "app/desk/library_worker.h"
#include "app/reconcile.h"

namespace kvlink::desk {
namespace {

constexpr int kEraseMs = 5;  // between two steps: commits have their turn

}  // namespace

void LibraryWorker::remove(RequestId id, std::vector<DocumentId> documents) {
  post([this, id, documents = std::move(documents)]() mutable {
    if (const auto problem = why_not(false)) {
      emit failed(id, *problem);
      return;
    }
    const auto told = returning([&] { offer_removal(id, std::move(documents)); });
    if (!told) emit failed(id, problem_of(told.error()));
  });
}

void LibraryWorker::offer_removal(RequestId id, std::vector<DocumentId> documents) {
  std::sort(documents.begin(), documents.end());
  RemovalOffer offer{.id = id, .undo_ms = undo_ms_};
  std::vector<DocumentId> found;
  for (const auto& document : value_or_throw(session().library().documents())) {
    if (!std::binary_search(documents.begin(), documents.end(), document.id)) continue;
    if (is_hidden(document.id)) continue;
    found.push_back(document.id);
    left_.push_back(text_of(document.path));
    if (found.size() == 1) offer.first_title = text_of(document.title);
  }
  if (found.empty()) return;
  offer.n_documents = static_cast<std::int64_t>(found.size());
  Removal& removal = removals_[id];
  removal.documents = std::move(found);
  removal.timer = new QTimer(this);
  removal.timer->setSingleShot(true);
  connect(removal.timer, &QTimer::timeout, this, [this, id] { commit_removal(id); });
  removal.timer->start(undo_ms_);
  tell_batch();
  tell_hidden();
  emit removal_offered(offer);
}

void LibraryWorker::undo_removal(RequestId id) {
  post([this, id] {
    const auto found = removals_.find(id);
    if (found == removals_.end()) return;
    delete found->second.timer;
    removals_.erase(found);
    tell_hidden();
    tell_all();
    emit removal_undone(id);
  });
}

void LibraryWorker::commit_removals() {
  post([this] {
    while (!removals_.empty()) commit_removal(removals_.begin()->first);
  });
}

void LibraryWorker::commit_removal(RequestId id) {
  const auto found = removals_.find(id);
  if (found == removals_.end()) return;
  std::vector<DocumentId> documents = std::move(found->second.documents);
  found->second.timer->deleteLater();
  removals_.erase(found);
  auto removed = session().library().remove(documents);
  if (!removed && removed.error().code == ErrorCode::kNotFound) {
    // A watched folder may have taken some of them out meanwhile.
    std::set<DocumentId> there;
    if (const auto all = session().library().documents()) {
      for (const auto& document : *all) there.insert(document.id);
    }
    std::erase_if(documents, [&](DocumentId document) { return !there.contains(document); });
    removed = session().library().remove(documents);
  }
  tell_hidden();
  if (!removed) {
    emit failed(id, problem_of(removed.error()));
    emit removal_done(id, 0, 0);
    tell_all();
    return;
  }
  erasing_.push_back({id, static_cast<qint64>(documents.size()), 0});
  erase_soon();
}

void LibraryWorker::erase_soon() { timer(erase_timer_, kEraseMs, &LibraryWorker::erase_in_turn); }

/// Between two steps whatever else was asked for has its turn.
void LibraryWorker::erase_in_turn() {
  if (has_session() && erase_next()) erase_soon();
}

/// Whether there is more to erase.
bool LibraryWorker::erase_next() {
  const auto step = app::erase_some_removed(session().library(), session().store());
  if (step && !erasing_.empty()) erasing_.back().n_blocks += step->n_blocks;
  if (step && !step->done) return true;
  for (const auto& removal : std::exchange(erasing_, {})) {
    if (!step) emit failed(removal.id, problem_of(step.error()));
    emit removal_done(removal.id, removal.n_documents, removal.n_blocks);
  }
  return false;
}

bool LibraryWorker::is_hidden(DocumentId id) const {
  return std::any_of(removals_.begin(), removals_.end(), [&](const auto& removal) {
    const auto& ids = removal.second.documents;
    return std::binary_search(ids.begin(), ids.end(), id);
  });
}

void LibraryWorker::tell_hidden() {
  std::vector<DocumentId> hidden;
  for (const auto& [id, removal] : removals_) {
    hidden.insert(hidden.end(), removal.documents.begin(), removal.documents.end());
  }
  emit hidden_documents_changed(hidden);
}

}  // namespace kvlink::desk
