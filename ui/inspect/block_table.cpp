// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/block_table.h"

#include <QApplication>
#include <QFont>
#include <QStringList>
#include <algorithm>
#include <bit>
#include <numeric>
#include <unordered_map>

#include "ui/inspect/quantities.h"
#include "ui/inspect/timing_tables.h"
#include "ui/theme/colors.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

constexpr std::size_t kHexDigits = 8;

/// Order of doubles that are not negative, as integers.
std::int64_t key_of(double value) { return std::bit_cast<std::int64_t>(std::max(0.0, value)); }

/// Order of the first bytes of a digest.
std::int64_t key_of(const Digest& digest) {
  std::int64_t key = 0;
  for (std::size_t i = 0; i < 7; ++i) key = key << 8 | digest.bytes[i];
  return key;
}

bool is_numeric(int column) {
  switch (column) {
    case BlockTable::kPassage:
    case BlockTable::kTokens:
    case BlockTable::kBytes:
    case BlockTable::kBytesPerToken:
    case BlockTable::kHits:
    case BlockTable::kLoad:
    case BlockTable::kEncode:
    case BlockTable::kLastUse:
      return true;
    default:
      return false;
  }
}

}  // namespace

QString short_hex(const Digest& digest) {
  return QString::fromStdString(digest.hex().substr(0, kHexDigits));
}

BlockTable::BlockTable(QObject* parent)
    : QAbstractTableModel(parent), snapshot_(std::make_shared<const desk::CacheSnapshot>()) {}

// --- which rows

void BlockTable::set_snapshot(Snapshot snapshot) {
  const auto before = snapshot_;
  snapshot_ = std::move(snapshot);
  auto rows = matching_rows();
  sort_rows(rows);
  const bool same = rows.size() == rows_.size() &&
                    std::equal(rows.begin(), rows.end(), rows_.begin(), [&](auto now, auto then) {
                      return snapshot_->blocks[now].row.id == before->blocks[then].row.id;
                    });
  if (!same) {
    replace_rows(std::move(rows));
    return;
  }
  rows_ = std::move(rows);
  if (rowCount() > 0) emit dataChanged(index(0, 0), index(rowCount() - 1, kColumnCount - 1));
}

void BlockTable::set_query(const BlockQuery& query) {
  if (query == query_) return;
  query_ = query;
  auto rows = matching_rows();
  sort_rows(rows);
  replace_rows(std::move(rows));
}

BlockTable::Rows BlockTable::matching_rows() const {
  std::unordered_set<desk::DocumentId> named;
  const auto words = query_.words.trimmed();
  if (!words.isEmpty()) {
    for (const auto& document : snapshot_->documents) {
      if (document.path.contains(words, Qt::CaseInsensitive) ||
          document.title.contains(words, Qt::CaseInsensitive)) {
        named.insert(document.id);
      }
    }
  }
  const auto prefix = words.toLower().toStdString();
  const auto matches = [&](const desk::BlockItem& block) {
    if (query_.stale_only && !block.stale) return false;
    if (query_.document != 0 && block.document != query_.document) return false;
    return words.isEmpty() || named.contains(block.document) ||
           (prefix.size() >= 4 && block.row.id.hex().starts_with(prefix));
  };
  Rows rows;
  for (std::uint32_t i = 0; i < snapshot_->blocks.size(); ++i) {
    if (matches(snapshot_->blocks[i])) rows.push_back(i);
  }
  return rows;
}

std::vector<std::int64_t> BlockTable::sort_keys() const {
  std::unordered_map<desk::DocumentId, std::int64_t> ranks;
  if (sort_column_ == kDocument) {
    std::vector<std::size_t> order(snapshot_->documents.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](auto a, auto b) {
      return snapshot_->documents[a].title.compare(snapshot_->documents[b].title,
                                                   Qt::CaseInsensitive) < 0;
    });
    for (std::size_t i = 0; i < order.size(); ++i) {
      ranks[snapshot_->documents[order[i]].id] = static_cast<std::int64_t>(i) + 1;
    }
  }
  std::vector<std::int64_t> keys;
  keys.reserve(snapshot_->blocks.size());
  for (const auto& block : snapshot_->blocks) {
    const auto& row = block.row;
    std::int64_t key = 0;
    switch (sort_column_) {
      case kDocument: {
        const auto found = ranks.find(block.document);
        key = found == ranks.end() ? 0 : found->second;
        break;
      }
      case kBytesPerToken:
        key = row.n_tokens > 0 ? row.file_bytes / row.n_tokens : 0;
        break;
      case kType:
        key = static_cast<std::int64_t>(row.dtype);
        break;
      case kTier:
        key = row.in_memory ? 1 : 0;
        break;
      case kLastAnswer:
        key = answer_ == nullptr ? 0 : static_cast<std::int64_t>(answer_->of(row.content).use);
        break;
      case kLoad:
        key = key_of(row.load_ms);
        break;
      case kEncode:
        key = key_of(row.encode_ms);
        break;
      case kIntegrity:
        key = row.damage.empty() ? (row.load_ms > 0 || verified_.contains(row.id) ? 2 : 1) : 0;
        break;
      case kRecipe:
        key = key_of(row.recipe);
        break;
      case kFingerprint:
        key = key_of(row.model);
        break;
      default:
        key = value(block, sort_column_).toLongLong();
        break;
    }
    keys.push_back(key);
  }
  return keys;
}

void BlockTable::sort_rows(Rows& rows) const {
  const auto keys = sort_keys();
  // Equal keys keep the order of the snapshot: by document and place.
  if (sort_order_ == Qt::AscendingOrder) {
    std::stable_sort(rows.begin(), rows.end(), [&](auto a, auto b) { return keys[a] < keys[b]; });
  } else {
    std::stable_sort(rows.begin(), rows.end(), [&](auto a, auto b) { return keys[a] > keys[b]; });
  }
}

void BlockTable::replace_rows(Rows rows) {
  beginResetModel();
  rows_ = std::move(rows);
  endResetModel();
}

void BlockTable::sort(int column, Qt::SortOrder order) {
  if (column < 0 || column >= kColumnCount) return;
  emit layoutAboutToBeChanged({}, VerticalSortHint);
  const auto persistent = persistentIndexList();
  std::vector<std::uint32_t> blocks;
  for (const auto& index : persistent)
    blocks.push_back(rows_[static_cast<std::size_t>(index.row())]);
  sort_column_ = column;
  sort_order_ = order;
  sort_rows(rows_);
  if (!persistent.isEmpty()) {
    std::vector<int> places(snapshot_->blocks.size(), -1);
    for (std::size_t i = 0; i < rows_.size(); ++i) places[rows_[i]] = static_cast<int>(i);
    QModelIndexList moved;
    for (qsizetype i = 0; i < persistent.size(); ++i) {
      moved << index(places[blocks[static_cast<std::size_t>(i)]], persistent[i].column());
    }
    changePersistentIndexList(persistent, moved);
  }
  emit layoutChanged({}, VerticalSortHint);
}

void BlockTable::answer_changed() {
  if (rowCount() == 0) return;
  emit dataChanged(index(0, kLastAnswer), index(rowCount() - 1, kLastAnswer));
}

void BlockTable::mark_verified(const std::vector<Digest>& ids) {
  verified_.insert(ids.begin(), ids.end());
  if (rowCount() > 0) emit dataChanged(index(0, kIntegrity), index(rowCount() - 1, kIntegrity));
}

// --- what is in them

const desk::BlockItem& BlockTable::item(int row) const {
  return snapshot_->blocks[rows_.at(static_cast<std::size_t>(row))];
}

int BlockTable::row_of(const Digest& id) const {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (snapshot_->blocks[rows_[i]].row.id == id) return static_cast<int>(i);
  }
  return -1;
}

int BlockTable::row_of_document(desk::DocumentId document) const {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (snapshot_->blocks[rows_[i]].document == document) return static_cast<int>(i);
  }
  return -1;
}

const desk::CachedDocument* BlockTable::document(desk::DocumentId id) const {
  const auto& documents = snapshot_->documents;
  const auto found =
      std::lower_bound(documents.begin(), documents.end(), id,
                       [](const auto& document, auto wanted) { return document.id < wanted; });
  return found != documents.end() && found->id == id ? &*found : nullptr;
}

QString BlockTable::document_name(desk::DocumentId id) const {
  const auto* found = document(id);
  if (found == nullptr) return tr("(no document)");
  return found->title.isEmpty() ? found->path : found->title;
}

int BlockTable::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}

int BlockTable::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : kColumnCount;
}

QString BlockTable::integrity(const desk::BlockItem& item) const {
  if (!item.row.damage.empty()) return desk::text_of(item.row.damage);
  return item.row.load_ms > 0 || verified_.contains(item.row.id) ? tr("verified")
                                                                 : tr("not read yet");
}

QVariant BlockTable::value(const desk::BlockItem& item, int column) const {
  const auto& row = item.row;
  switch (column) {
    case kPassage:
      return QVariant(qint64{item.ordinal + 1});
    case kTokens:
      return QVariant(qint64{row.n_tokens});
    case kBytes:
      return QVariant(qint64{row.file_bytes});
    case kBytesPerToken:
      return QVariant(qint64{row.n_tokens > 0 ? row.file_bytes / row.n_tokens : 0});
    case kHits:
      return QVariant(qint64{row.n_hits});
    case kLoad:
      return row.load_ms;
    case kEncode:
      return row.encode_ms;
    case kCreated:
      return QVariant(qint64{row.created_unix});
    case kLastUse:
      return QVariant(qint64{row.last_use});
    default:
      return text(item, column);
  }
}

QString BlockTable::text(const desk::BlockItem& item, int column) const {
  const auto& row = item.row;
  switch (column) {
    case kDocument:
      return document_name(item.document);
    case kPassage:
      return item.document == 0 ? QString() : count_text(item.ordinal + 1);
    case kTokens:
      return count_text(row.n_tokens);
    case kBytes:
      return bytes_text(row.file_bytes);
    case kBytesPerToken:
      return row.n_tokens > 0 ? bytes_text(row.file_bytes / row.n_tokens) : QString();
    case kType:
      return QString::fromLatin1(dtype_name(row.dtype));
    case kTier:
      return row.in_memory ? tr("memory") : tr("disk");
    case kLastAnswer:
      return answer_ == nullptr ? QString() : use_text(answer_->of(row.content).use);
    case kHits:
      return count_text(row.n_hits);
    case kLoad:
      return row.load_ms > 0 ? duration_text(row.load_ms) : QString();
    case kEncode:
      return row.encode_ms > 0 ? duration_text(row.encode_ms) : QString();
    case kIntegrity:
      return integrity(item);
    case kCreated:
      return moment_text(row.created_unix);
    case kLastUse:
      return row.last_use > 0 ? count_text(row.last_use) : QString();
    case kRecipe:
      return short_hex(row.recipe) + (item.stale ? tr(" (stale)") : QString());
    case kFingerprint:
      return short_hex(row.model);
    default:
      return {};
  }
}

QVariant BlockTable::color(const desk::BlockItem& item, int column) const {
  const auto& colors = colors_of(QApplication::palette());
  if (column == kIntegrity && !item.row.damage.empty()) return colors.bad;
  if (column == kTier) return item.row.in_memory ? colors.memory : colors.disk;
  if (column == kLastAnswer && answer_ != nullptr) {
    switch (answer_->of(item.row.content).use) {
      case BlockUse::kMissed:
        return colors.missed;
      case BlockUse::kRecomputed:
        return colors.recomputed;
      default:
        return colors.used;
    }
  }
  return item.stale ? QVariant(colors.stale) : QVariant();
}

QVariant BlockTable::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const auto& block = item(index.row());
  const int column = index.column();
  switch (role) {
    case Qt::DisplayRole:
      return text(block, column);
    case kValueRole:
      return value(block, column);
    case Qt::TextAlignmentRole:
      return static_cast<int>(Qt::AlignVCenter |
                              (is_numeric(column) ? Qt::AlignRight : Qt::AlignLeft));
    case Qt::ForegroundRole:
      return color(block, column);
    case Qt::DecorationRole:
      if (column == kDocument && block.row.pinned) return icon(QStringLiteral("pin"));
      return {};
    case Qt::ToolTipRole: {
      if (column == kLastAnswer && answer_ != nullptr) {
        return answer_->of(block.row.content).reason.toHtmlEscaped();
      }
      if (column == kDocument) {
        const auto* found = document(block.document);
        return found == nullptr ? tr("No document has this text now.")
                                : found->path.toHtmlEscaped();
      }
      return text(block, column).toHtmlEscaped();
    }
    default:
      return {};
  }
}

QVariant BlockTable::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= kColumnCount) return {};
  if (role == Qt::ToolTipRole && section == kLastUse) {
    return tr("Blocks are numbered as they are used: the largest number was used last.");
  }
  if (role != Qt::DisplayRole) return {};
  const QStringList names = {tr("Document"),  tr("Passage"),  tr("Tokens"), tr("Size"),
                             tr("Per token"), tr("Type"),     tr("Tier"),   tr("Last answer"),
                             tr("Hits"),      tr("Load"),     tr("Encode"), tr("Integrity"),
                             tr("Created"),   tr("Last use"), tr("Recipe"), tr("Model")};
  return names.value(section);
}

}  // namespace kvlink::ui
