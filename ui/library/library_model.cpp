// SPDX-License-Identifier: Apache-2.0
#include "ui/library/library_model.h"

#include <QTimer>
#include <algorithm>
#include <numeric>
#include <utility>

#include "app/desk/collections.h"

namespace kvlink::ui {
namespace {

using desk::DocumentRow;
using desk::DocumentStage;

QString last_part(QStringView path) {
  return path.mid(path.lastIndexOf(QLatin1Char('/')) + 1).toString();
}

}  // namespace

// --- feeding

void LibraryModel::apply(const desk::DocumentsChange& change) {
  if (intake_) {
    waiting_.push_back(change);
    return;
  }
  if (change.all && change.all->size() > kMaxAtOnce) {
    intake_.emplace(change.all);
    waiting_.push_back({.all = {}, .changed = change.changed, .removed = change.removed});
    next_turn();
    return;
  }
  apply_now(change);
  emit settled();
}

void LibraryModel::next_turn() { QTimer::singleShot(0, this, &LibraryModel::take_turn); }

void LibraryModel::take_turn() {
  if (intake_) {
    if (intake_->step()) {
      finish_intake();
    } else {
      next_turn();
    }
  } else if (is_matching_) {
    match_slice();
  }
}

void LibraryModel::finish_intake() {
  beginResetModel();
  extents_.clear();
  rows_.swap(intake_->rows);
  by_path_.swap(intake_->by_path);
  matches_.clear();
  build_collections();
  endResetModel();
  intake_.reset();
  emit checked_changed();  // checked documents may have gone
  if (is_matching_) next_turn();
  for (const auto& change : std::exchange(waiting_, {})) apply(change);
}

void LibraryModel::match_again() {
  matches_.clear();
  if (intake_) return;  // its end looks at every row
  if (rows_.size() > kMaxAtOnce) {
    if (!std::exchange(is_matching_, true)) next_turn();
    return;
  }
  is_matching_ = false;
  beginResetModel();
  build_collections();
  endResetModel();
  emit settled();
}

void LibraryModel::match_slice() {
  const std::size_t end = std::min(rows_.size(), matches_.size() + kMaxAtOnce);
  while (matches_.size() < end) matches_.push_back(passes(rows_[matches_.size()]) ? 1 : 0);
  if (matches_.size() < rows_.size()) {
    next_turn();
    return;
  }
  is_matching_ = false;
  beginResetModel();
  build_collections();
  endResetModel();
  matches_.clear();
  emit settled();
}

void LibraryModel::apply_now(const desk::DocumentsChange& change) {
  if (change.all) replace_all(*change.all);
  if (!change.removed.empty()) remove_paths(change.removed);
  if (!update_in_place(change.changed)) {
    beginResetModel();
    for (const auto& row : change.changed) {
      const auto known = by_path_.constFind(row.path);
      if (known != by_path_.cend()) {
        rows_[static_cast<std::size_t>(*known)] = row;
      } else {
        by_path_.insert(row.path, static_cast<int>(rows_.size()));
        rows_.push_back(row);
      }
    }
    rebuild();
    endResetModel();
  }
  if (std::exchange(is_stale_, false)) match_again();
  count();
}

void LibraryModel::replace_all(const std::vector<DocumentRow>& rows) {
  if (rows.size() == rows_.size() && update_in_place(rows)) return;
  beginResetModel();
  extents_.clear();
  rows_ = rows;
  rebuild();
  endResetModel();
  emit checked_changed();  // checked documents may have gone
}

/// False, and nothing changed, when a row is new or in another collection.
bool LibraryModel::update_in_place(const std::vector<DocumentRow>& rows) {
  std::vector<int> places;
  places.reserve(rows.size());
  for (const auto& row : rows) {
    const auto known = by_path_.constFind(row.path);
    if (known == by_path_.cend()) return false;
    if (rows_[static_cast<std::size_t>(*known)].collection != row.collection) return false;
    places.push_back(*known);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) update_row(places[i], rows[i]);
  return true;
}

void LibraryModel::update_row(int at, const DocumentRow& row) {
  auto& known = rows_[static_cast<std::size_t>(at)];
  if (known == row) return;
  if (known.file_bytes != row.file_bytes || known.n_tokens != row.n_tokens) extents_.remove(row.id);
  known = row;
  if (static_cast<std::size_t>(at) < matches_.size()) {
    matches_[static_cast<std::size_t>(at)] = passes(row) ? 1 : 0;
  }
  const bool is_shown = place_of_[static_cast<std::size_t>(at)] >= 0;
  // What is tried again stays where it is until that has an end.
  const bool is_in_work = row.stage == DocumentStage::kQueued ||
                          row.stage == DocumentStage::kReading ||
                          row.stage == DocumentStage::kCaching;
  if (filter_ == LibraryFilter::kProblems && !is_in_work && passes(row) != is_shown) {
    is_stale_ = true;
  }
  const QModelIndex changed = index_of_row(at);
  if (changed.isValid()) emit dataChanged(changed, changed);
}

void LibraryModel::remove_paths(const std::vector<QString>& paths) {
  const QSet<QString> gone(paths.begin(), paths.end());
  beginResetModel();
  std::erase_if(rows_, [&](const DocumentRow& row) { return gone.contains(row.path); });
  rebuild();
  endResetModel();
  emit checked_changed();
}

void LibraryModel::set_filter(LibraryFilter filter) {
  if (filter == filter_) return;
  filter_ = filter;
  match_again();
}

void LibraryModel::set_search(const QString& words) {
  const QStringList split = words.split(QLatin1Char(' '), Qt::SkipEmptyParts);
  if (split == words_) return;
  words_ = split;
  match_again();
}

bool LibraryModel::passes(const DocumentRow& row) const {
  const bool by_stage =
      filter_ == LibraryFilter::kAll ||
      (filter_ == LibraryFilter::kReady &&
       (row.stage == DocumentStage::kReady || row.stage == DocumentStage::kWarm)) ||
      (filter_ == LibraryFilter::kProblems && row.stage == DocumentStage::kFailed);
  return by_stage && std::all_of(words_.begin(), words_.end(), [&](const QString& word) {
           return row.title.contains(word, Qt::CaseInsensitive) ||
                  row.path.contains(word, Qt::CaseInsensitive);
         });
}

void LibraryModel::rebuild() {
  matches_.clear();
  sort_rows();
  index_rows();
  build_collections();
}

/// Rows that are new, or have another title, are few among many: they alone are sorted, and then
/// put where they belong.
void LibraryModel::sort_rows() {
  std::vector<DocumentRow> strays;
  std::size_t n_kept = 0;
  for (auto& row : rows_) {
    const bool fits = n_kept == 0 || !desk::comes_before(row, rows_[n_kept - 1]);
    if (!fits && n_kept > 1 && desk::comes_before(row, rows_[n_kept - 2])) {
      strays.push_back(std::move(row));
      continue;
    }
    if (!fits) strays.push_back(std::move(rows_[--n_kept]));
    if (&row != &rows_[n_kept]) rows_[n_kept] = std::move(row);
    ++n_kept;
  }
  if (strays.empty()) return;
  std::sort(strays.begin(), strays.end(), desk::comes_before);
  const auto border = rows_.begin() + static_cast<std::ptrdiff_t>(n_kept);
  std::move(strays.begin(), strays.end(), border);
  std::inplace_merge(rows_.begin(), border, rows_.end(), desk::comes_before);
}

void LibraryModel::index_rows() {
  by_path_.clear();
  by_path_.reserve(static_cast<qsizetype>(rows_.size()));
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    by_path_.insert(rows_[i].path, static_cast<int>(i));
  }
}

/// Every name the user gave is a collection, and every folder with at least two documents; the
/// other documents share one.
void LibraryModel::build_collections() {
  const std::size_t n = rows_.size();
  collections_.assign(1, {QString(), tr("Single files"), {}, 0});
  collection_of_.assign(n, 0);
  place_of_.assign(n, -1);
  for (std::size_t begin = 0; begin < n;) {
    const QString key = desk::collection_of(rows_[begin]).toString();
    std::size_t end = begin + 1;
    while (end < n && desk::collection_of(rows_[end]) == key) ++end;
    const bool is_named = desk::is_named_collection(key);
    if (is_named || end - begin >= 2) {
      std::fill(collection_of_.begin() + static_cast<std::ptrdiff_t>(begin),
                collection_of_.begin() + static_cast<std::ptrdiff_t>(end),
                static_cast<int>(collections_.size()));
      collections_.push_back({key, is_named ? key : last_part(key), {}, 0});
    }
    begin = end;
  }
  n_shown_ = 0;
  const bool matched = matches_.size() == n;
  for (std::size_t i = 0; i < n; ++i) {
    auto& collection = collections_[static_cast<std::size_t>(collection_of_[i])];
    ++collection.n_all;
    if (matched ? matches_[i] == 0 : !passes(rows_[i])) continue;
    place_of_[i] = static_cast<int>(collection.shown.size());
    collection.shown.push_back(static_cast<int>(i));
    ++n_shown_;
  }
  shown_collections_.clear();
  top_of_.assign(collections_.size(), -1);
  for (std::size_t i = 0; i < collections_.size(); ++i) {
    const std::size_t at = (i + 1) % collections_.size();  // single files come last
    if (collections_[at].shown.empty()) continue;
    top_of_[at] = static_cast<int>(shown_collections_.size());
    shown_collections_.push_back(static_cast<int>(at));
  }
}

void LibraryModel::count() {
  counts_ = {};
  counts_.n_documents = static_cast<int>(rows_.size());
  for (const auto& row : rows_) {
    switch (row.stage) {
      case DocumentStage::kReady:
      case DocumentStage::kWarm:
        ++counts_.n_ready;
        break;
      case DocumentStage::kFailed:
        ++counts_.n_problems;
        break;
      case DocumentStage::kQueued:
      case DocumentStage::kReading:
      case DocumentStage::kEmbedding:
      case DocumentStage::kCaching:
        ++counts_.n_in_work;
        break;
      case DocumentStage::kSearchable:
      case DocumentStage::kStale:
      case DocumentStage::kIgnored:
        break;
    }
  }
  emit counts_changed();
}

// --- looking up

const DocumentRow* LibraryModel::row_of(const QModelIndex& index) const {
  if (!index.isValid() || index.internalId() == kCollectionId) return nullptr;
  const auto& shown = collections_[index.internalId() - 1].shown;
  return &rows_[static_cast<std::size_t>(shown[static_cast<std::size_t>(index.row())])];
}

QModelIndex LibraryModel::index_of_row(int at) const {
  const int place = place_of_[static_cast<std::size_t>(at)];
  if (place < 0) return {};
  const auto collection = static_cast<quintptr>(collection_of_[static_cast<std::size_t>(at)]);
  return createIndex(place, 0, collection + 1);
}

QModelIndex LibraryModel::index_of(const QString& path) const {
  const auto known = by_path_.constFind(path);
  return known == by_path_.cend() ? QModelIndex() : index_of_row(*known);
}

const DocumentRow* LibraryModel::find(desk::DocumentId id) const {
  const auto found = std::find_if(rows_.begin(), rows_.end(),
                                  [&](const DocumentRow& row) { return row.id == id; });
  return found == rows_.end() ? nullptr : &*found;
}

QModelIndex LibraryModel::index_of_document(desk::DocumentId id) const {
  const auto* row = find(id);
  return row == nullptr ? QModelIndex() : index_of_row(static_cast<int>(row - rows_.data()));
}

QModelIndex LibraryModel::index_of_collection(const QString& key) const {
  for (int top = 0; top < rowCount(); ++top) {
    if (collections_[static_cast<std::size_t>(shown_collections_[static_cast<std::size_t>(top)])]
            .key == key) {
      return index(top, 0);
    }
  }
  return {};
}

std::vector<const DocumentRow*> LibraryModel::documents_of(const QModelIndex& index) const {
  if (const auto* row = row_of(index)) return {row};
  std::vector<const DocumentRow*> rows;
  if (!index.isValid()) return rows;
  const int at = shown_collections_[static_cast<std::size_t>(index.row())];
  for (const int i : collections_[static_cast<std::size_t>(at)].shown) {
    rows.push_back(&rows_[static_cast<std::size_t>(i)]);
  }
  return rows;
}

QStringList LibraryModel::named_collections() const {
  QStringList names;
  for (const auto& collection : collections_) {
    if (desk::is_named_collection(collection.key)) names += collection.key;
  }
  return names;
}

// --- scope

std::vector<desk::DocumentId> LibraryModel::checked() const {
  std::vector<desk::DocumentId> ids;
  if (checked_.isEmpty()) return ids;
  for (const auto& row : rows_) {
    if (checked_.contains(row.id)) ids.push_back(row.id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<QString> LibraryModel::checked_paths() const {
  std::vector<QString> paths;
  if (checked_.isEmpty()) return paths;
  for (const auto& row : rows_) {
    if (checked_.contains(row.id)) paths.push_back(row.path);
  }
  return paths;
}

void LibraryModel::set_checked(const std::vector<desk::DocumentId>& ids) {
  checked_ = QSet<desk::DocumentId>(ids.begin(), ids.end());
  tell_checks();
}

void LibraryModel::tell_checks() {
  const QVector<int> roles = {Qt::CheckStateRole};
  for (std::size_t top = 0; top < shown_collections_.size(); ++top) {
    const QModelIndex collection = index(static_cast<int>(top), 0);
    const int last = rowCount(collection) - 1;
    emit dataChanged(collection, collection, roles);
    if (last >= 0) emit dataChanged(index(0, 0, collection), index(last, 0, collection), roles);
  }
  emit checked_changed();
}

Qt::CheckState LibraryModel::check_state(const Collection& collection) const {
  if (checked_.isEmpty()) return Qt::Unchecked;
  const auto n = std::count_if(collection.shown.begin(), collection.shown.end(), [&](int at) {
    return checked_.contains(rows_[static_cast<std::size_t>(at)].id);
  });
  if (n == 0) return Qt::Unchecked;
  return n == static_cast<std::ptrdiff_t>(collection.shown.size()) ? Qt::Checked
                                                                   : Qt::PartiallyChecked;
}

// --- the model

QModelIndex LibraryModel::index(int row, int column, const QModelIndex& parent) const {
  if (!hasIndex(row, column, parent)) return {};
  if (!parent.isValid()) return createIndex(row, column, kCollectionId);
  const int collection = shown_collections_[static_cast<std::size_t>(parent.row())];
  return createIndex(row, column, static_cast<quintptr>(collection) + 1);
}

QModelIndex LibraryModel::parent(const QModelIndex& child) const {
  if (!child.isValid() || child.internalId() == kCollectionId) return {};
  return createIndex(top_of_[child.internalId() - 1], 0, kCollectionId);
}

int LibraryModel::rowCount(const QModelIndex& parent) const {
  if (!parent.isValid()) return static_cast<int>(shown_collections_.size());
  if (parent.internalId() != kCollectionId || parent.column() != 0) return 0;
  const int at = shown_collections_[static_cast<std::size_t>(parent.row())];
  return static_cast<int>(collections_[static_cast<std::size_t>(at)].shown.size());
}

int LibraryModel::columnCount(const QModelIndex&) const { return 1; }

}  // namespace kvlink::ui
