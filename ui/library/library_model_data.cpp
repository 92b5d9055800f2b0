// SPDX-License-Identifier: Apache-2.0
// What the tree of documents shows, and what can be dragged in it.
#include <QLocale>
#include <QMimeData>
#include <QUrl>
#include <algorithm>

#include "app/desk/collections.h"
#include "ui/ask/visible_text.h"
#include "ui/library/document_words.h"
#include "ui/library/library_model.h"

namespace kvlink::ui {
namespace {

using desk::DocumentRow;

constexpr qsizetype kMaxName = 200;

QString file_name(QStringView path) {
  return path.mid(path.lastIndexOf(QLatin1Char('/')) + 1).toString();
}

}  // namespace

QVariant LibraryModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  if (const auto* row = row_of(index)) return document_data(*row, role);
  const int at = shown_collections_[static_cast<std::size_t>(index.row())];
  return collection_data(collections_[static_cast<std::size_t>(at)], role);
}

QVariant LibraryModel::document_data(const DocumentRow& row, int role) const {
  switch (role) {
    case Qt::DisplayRole:
      return one_line(row.title.isEmpty() ? file_name(row.path) : row.title, kMaxName);
    case Qt::ToolTipRole:
      return tooltip_of(row);
    case Qt::CheckStateRole:
      return checked_.contains(row.id) ? Qt::Checked : Qt::Unchecked;
    case Qt::AccessibleTextRole:
      return QStringLiteral("%1, %2, %3")
          .arg(one_line(row.title, kMaxName), stage_words(row), details_of(row, extent_of(row.id)));
    case kStageWords:
      return stage_words(row);
    case kStage:
      return static_cast<int>(row.stage);
    case kDocumentId:
      return qint64(row.id);
    case kPath:
      return row.path;
    case kReason:
      return row.reason;
    case kDetails:
      return details_of(row, extent_of(row.id));
    case kIsDocument:
      return true;
    case kCollection:
      return desk::collection_of(row).toString();
    default:
      return {};
  }
}

QVariant LibraryModel::collection_data(const Collection& collection, int role) const {
  switch (role) {
    case Qt::DisplayRole:
      return one_line(collection.name, kMaxName);
    case Qt::EditRole:
      return collection.name;
    case Qt::ToolTipRole:
      return plain_tooltip(collection.key);
    case kPath:
    case kCollection:
      return collection.key;
    case Qt::CheckStateRole:
      return check_state(collection);
    case Qt::AccessibleTextRole:
      return tr("Collection %1, %n document(s)", nullptr, static_cast<int>(collection.shown.size()))
          .arg(collection.name);
    case kDetails:
      return QLocale().toString(static_cast<qlonglong>(collection.shown.size()));
    case kIsDocument:
      return false;
    default:
      return {};
  }
}

const desk::DocumentExtent* LibraryModel::extent_of(desk::DocumentId id) const {
  const auto known = extents_.constFind(id);
  return known == extents_.cend() ? nullptr : &*known;
}

void LibraryModel::set_extents(const std::vector<desk::DocumentExtent>& extents) {
  QSet<desk::DocumentId> changed;
  for (const auto& extent : extents) {
    auto& known = extents_[extent.document];
    if (known == extent) continue;
    known = extent;
    changed.insert(extent.document);
  }
  if (changed.isEmpty()) return;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (!changed.contains(rows_[i].id)) continue;
    const QModelIndex row = index_of_row(static_cast<int>(i));
    if (row.isValid()) emit dataChanged(row, row, {kDetails});
  }
}

bool LibraryModel::setData(const QModelIndex& index, const QVariant& value, int role) {
  if (!index.isValid()) return false;
  if (role == Qt::EditRole) {
    const auto* collection = collection_at(index);
    const QString name = desk::collection_name(value.toString());
    if (name.isEmpty() || name == collection->key) return false;
    emit rename_wanted(collection->key, name);
    return true;
  }
  if (role != Qt::CheckStateRole) return false;
  const bool check = value.toInt() == Qt::Checked;
  for (const auto* row : documents_of(index)) {
    if (row->id == 0) continue;
    if (check) {
      checked_.insert(row->id);
    } else {
      checked_.remove(row->id);
    }
  }
  tell_checks();
  return true;
}

const LibraryModel::Collection* LibraryModel::collection_at(const QModelIndex& index) const {
  if (!index.isValid()) return nullptr;
  const bool is_collection = index.internalId() == kCollectionId;
  const auto at =
      is_collection
          ? static_cast<std::size_t>(shown_collections_[static_cast<std::size_t>(index.row())])
          : index.internalId() - 1;
  return &collections_[at];
}

Qt::ItemFlags LibraryModel::flags(const QModelIndex& index) const {
  if (!index.isValid()) return Qt::NoItemFlags;
  auto flags =
      Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable | Qt::ItemIsDropEnabled;
  if (row_of(index) != nullptr) return flags | Qt::ItemIsDragEnabled | Qt::ItemNeverHasChildren;
  if (desk::is_named_collection(collection_at(index)->key)) flags |= Qt::ItemIsEditable;
  return flags;
}

// --- dragging

QStringList LibraryModel::mimeTypes() const {
  return {QLatin1String(kDocumentsMime), QStringLiteral("text/uri-list")};
}

QMimeData* LibraryModel::mimeData(const QModelIndexList& indexes) const {
  QList<QUrl> urls;
  QByteArray ids;
  for (const auto& index : indexes) {
    const auto* row = row_of(index);
    if (row == nullptr) continue;
    urls.append(QUrl::fromLocalFile(row->path));
    if (row->id != 0) ids += QByteArray::number(qint64(row->id)) + ' ';
  }
  auto* data = new QMimeData;
  data->setUrls(urls);
  data->setData(QLatin1String(kDocumentsMime), ids);
  return data;
}

std::vector<desk::DocumentId> LibraryModel::ids_of(const QMimeData& data) {
  std::vector<desk::DocumentId> ids;
  for (const auto& word : data.data(QLatin1String(kDocumentsMime)).split(' ')) {
    if (const auto id = word.toLongLong(); id > 0) ids.push_back(id);
  }
  return ids;
}

bool LibraryModel::canDropMimeData(const QMimeData* data, Qt::DropAction, int, int,
                                   const QModelIndex& parent) const {
  return parent.isValid() && data->hasFormat(QLatin1String(kDocumentsMime));
}

bool LibraryModel::dropMimeData(const QMimeData* data, Qt::DropAction action, int row, int column,
                                const QModelIndex& parent) {
  if (!canDropMimeData(data, action, row, column, parent)) return false;
  const auto ids = ids_of(*data);
  if (!ids.empty()) emit move_wanted(ids, collection_at(parent)->key);
  return !ids.empty();
}

}  // namespace kvlink::ui
