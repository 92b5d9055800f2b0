// SPDX-License-Identifier: Apache-2.0
#include "ui/library/library_model.h"

#include <QTimer>
#include <algorithm>
#include <functional>
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

/// Failed, or searchable without some of its pages, which were set aside.
bool has_problem(const DocumentRow& row) {
  switch (row.stage) {
    case DocumentStage::kFailed:
      return true;
    case DocumentStage::kSearchable:
    case DocumentStage::kReady:
    case DocumentStage::kWarm:
    case DocumentStage::kStale:
      return row.remedy == app::Remedy::kRetry;
    default:
      return false;
  }
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
  retitled_.clear();
  rows_.swap(intake_->rows);
  by_path_.swap(intake_->by_path);
  order_.resize(rows_.size());
  std::iota(order_.begin(), order_.end(), 0);
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
    add_rows(change.changed);
    build_collections();
    endResetModel();
  }
  if (std::exchange(is_stale_, false)) match_again();
  count();
}

void LibraryModel::replace_all(const std::vector<DocumentRow>& rows) {
  if (rows.size() == rows_.size() && update_in_place(rows)) return;
  beginResetModel();
  extents_.clear();
  rows_.clear();
  by_path_.clear();
  order_.clear();
  matches_.clear();
  add_rows(rows);
  build_collections();
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
  if (known.title != row.title) retitled_.insert(row.path);
  known = row;
  if (static_cast<std::size_t>(at) < matches_.size()) {
    matches_[static_cast<std::size_t>(at)] = passes(row) ? 1 : 0;
  }
  const bool is_shown = place_of_[static_cast<std::size_t>(at)] >= 0;
  // What is tried again stays where it is until that has an end.
  const bool is_in_work =
      row.stage == DocumentStage::kQueued || row.stage == DocumentStage::kReading ||
      row.stage == DocumentStage::kEmbedding || row.stage == DocumentStage::kCaching;
  if (filter_ != LibraryFilter::kAll && !is_in_work && passes(row) != is_shown) {
    is_stale_ = true;
  }
  const QModelIndex changed = index_of_row(at);
  if (changed.isValid()) emit dataChanged(changed, changed);
}

/// Rows that are new, or in another collection; others as in update_in_place.
void LibraryModel::add_rows(const std::vector<DocumentRow>& rows) {
  std::vector<int> added;
  for (const auto& path : std::exchange(retitled_, {})) {
    const auto known = by_path_.constFind(path);
    if (known != by_path_.cend()) added.push_back(*known);
  }
  for (const auto& row : rows) {
    const auto known = by_path_.constFind(row.path);
    if (known != by_path_.cend()) {
      rows_[static_cast<std::size_t>(*known)] = row;
      added.push_back(*known);
      continue;
    }
    added.push_back(static_cast<int>(rows_.size()));
    by_path_.insert(row.path, added.back());
    rows_.push_back(row);
  }
  matches_.clear();
  place_rows(std::move(added));
}

/// They alone are sorted, and then put where they belong: strings are compared as often as there
/// are new rows, and not as often as there are rows.
void LibraryModel::place_rows(std::vector<int> added) {
  const auto before = [this](int a, int b) {
    return desk::comes_before(rows_[static_cast<std::size_t>(a)],
                              rows_[static_cast<std::size_t>(b)]);
  };
  std::vector<char> is_added(rows_.size(), 0);
  for (const int at : added) is_added[static_cast<std::size_t>(at)] = 1;
  std::erase_if(order_, [&](int at) { return is_added[static_cast<std::size_t>(at)] != 0; });
  added.clear();
  for (std::size_t at = 0; at < rows_.size(); ++at) {
    if (is_added[at] != 0) added.push_back(static_cast<int>(at));
  }
  std::stable_sort(added.begin(), added.end(), before);
  std::vector<int> merged;
  merged.reserve(rows_.size());
  auto rest = order_.cbegin();
  for (const int at : added) {
    const auto place = std::upper_bound(rest, order_.cend(), at, before);
    merged.insert(merged.end(), rest, place);
    merged.push_back(at);
    rest = place;
  }
  merged.insert(merged.end(), rest, order_.cend());
  order_ = std::move(merged);
}

/// The last row takes its place in the store; the order is the caller's to mend.
void LibraryModel::erase_row(int at) {
  const auto place = static_cast<std::size_t>(at);
  by_path_.remove(rows_[place].path);
  if (place + 1 < rows_.size()) {
    rows_[place] = std::move(rows_.back());
    by_path_[rows_[place].path] = at;
  }
  rows_.pop_back();
}

void LibraryModel::remove_paths(const std::vector<QString>& paths) {
  std::vector<int> gone;
  for (const auto& path : paths) {
    const auto known = by_path_.constFind(path);
    if (known != by_path_.cend()) gone.push_back(*known);
  }
  // From the back: whatever takes the place of one that goes stays itself.
  std::sort(gone.begin(), gone.end(), std::greater<>());
  gone.erase(std::unique(gone.begin(), gone.end()), gone.end());
  if (gone.empty()) return;
  beginResetModel();
  std::vector<int> now(rows_.size());  // where the row that was at i is; -1: gone
  std::iota(now.begin(), now.end(), 0);
  std::vector<int> was = now;
  for (const int at : gone) {
    const auto last = rows_.size() - 1;
    now[static_cast<std::size_t>(was[last])] = at;
    now[static_cast<std::size_t>(at)] = -1;
    was[static_cast<std::size_t>(at)] = was[last];
    erase_row(at);
  }
  std::erase_if(order_, [&](int at) { return now[static_cast<std::size_t>(at)] < 0; });
  for (int& at : order_) at = now[static_cast<std::size_t>(at)];
  matches_.clear();
  build_collections();
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
  const bool by_stage = filter_ == LibraryFilter::kAll ||
                        (filter_ == LibraryFilter::kReady && (row.stage == DocumentStage::kReady ||
                                                              row.stage == DocumentStage::kWarm)) ||
                        (filter_ == LibraryFilter::kProblems && has_problem(row));
  return by_stage && std::all_of(words_.begin(), words_.end(), [&](const QString& word) {
           return row.title.contains(word, Qt::CaseInsensitive) ||
                  row.path.contains(word, Qt::CaseInsensitive);
         });
}

/// Every name the user gave is a collection, and every folder with at least two documents; the
/// other documents share one.
void LibraryModel::build_collections() {
  const std::size_t n = rows_.size();
  collections_.assign(1, {QString(), tr("Single files"), {}, 0});
  collection_of_.assign(n, 0);
  place_of_.assign(n, -1);
  const auto key_at = [&](std::size_t place) {
    return desk::collection_of(rows_[static_cast<std::size_t>(order_[place])]);
  };
  for (std::size_t begin = 0; begin < n;) {
    const QString key = key_at(begin).toString();
    std::size_t end = begin + 1;
    while (end < n && key_at(end) == key) ++end;
    const bool is_named = desk::is_named_collection(key);
    if (is_named || end - begin >= 2) {
      for (std::size_t place = begin; place < end; ++place) {
        collection_of_[static_cast<std::size_t>(order_[place])] =
            static_cast<int>(collections_.size());
      }
      collections_.push_back({key, is_named ? key : last_part(key), {}, 0});
    }
    begin = end;
  }
  n_shown_ = 0;
  const bool matched = matches_.size() == n;
  for (const int at : order_) {
    const auto i = static_cast<std::size_t>(at);
    auto& collection = collections_[static_cast<std::size_t>(collection_of_[i])];
    ++collection.n_all;
    if (matched ? matches_[i] == 0 : !passes(rows_[i])) continue;
    place_of_[i] = static_cast<int>(collection.shown.size());
    collection.shown.push_back(at);
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
    counts_.n_problems += has_problem(row);
    switch (row.stage) {
      case DocumentStage::kReady:
      case DocumentStage::kWarm:
        ++counts_.n_ready;
        break;
      case DocumentStage::kQueued:
      case DocumentStage::kReading:
      case DocumentStage::kEmbedding:
      case DocumentStage::kCaching:
        ++counts_.n_in_work;
        break;
      case DocumentStage::kSearchable:
      case DocumentStage::kStale:
      case DocumentStage::kFailed:
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
  for (const int at : order_) {
    const auto& row = rows_[static_cast<std::size_t>(at)];
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
