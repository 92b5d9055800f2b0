// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/block_table.h"

#include <QApplication>
#include <QDateTime>
#include <QFutureWatcher>
#include <QPromise>
#include <QStringList>
#include <QThreadPool>
#include <algorithm>
#include <utility>

#include "ui/inspect/quantities.h"
#include "ui/inspect/timing_tables.h"
#include "ui/theme/colors.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

constexpr std::size_t kHexDigits = 8;

bool is_numeric(int column) {
  switch (column) {
    case BlockTable::kPassage:
    case BlockTable::kTokens:
    case BlockTable::kBytes:
    case BlockTable::kBytesPerToken:
    case BlockTable::kHits:
    case BlockTable::kLoad:
    case BlockTable::kEncode:
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
    : QAbstractTableModel(parent),
      snapshot_(std::make_shared<const desk::CacheSnapshot>()),
      wanted_(snapshot_) {}

// --- which rows

void BlockTable::set_snapshot(Snapshot snapshot) {
  wanted_ = std::move(snapshot);
  request_rows();
}

void BlockTable::set_query(const BlockQuery& query) {
  if (query == query_) return;
  query_ = query;
  request_rows();
}

void BlockTable::sort(int column, Qt::SortOrder order) {
  if (column < 0 || column >= kColumnCount) return;
  sort_column_ = column;
  sort_order_ = order;
  request_rows();
}

void BlockTable::request_rows() {
  BlockOrder order{.snapshot = wanted_,
                   .query = query_,
                   .column = sort_column_,
                   .direction = sort_order_,
                   .answer = {},
                   .verified = {}};
  if (sort_column_ == kLastAnswer && answer_ != nullptr) order.answer = *answer_;
  if (sort_column_ == kIntegrity) order.verified = verified_;
  const auto request = ++request_;
  if (wanted_->blocks.size() <= kMaxAtOnce) {
    is_arranging_ = false;
    take(wanted_, arrange(order));
    return;
  }
  is_arranging_ = true;
  auto promise = std::make_shared<QPromise<BlockRows>>();
  auto* watcher = new QFutureWatcher<BlockRows>(this);
  connect(watcher, &QFutureWatcher<BlockRows>::finished, this,
          [this, watcher, request, snapshot = wanted_] {
            watcher->deleteLater();
            if (request != request_) return;
            is_arranging_ = false;
            take(snapshot, watcher->result());
          });
  watcher->setFuture(promise->future());
  QThreadPool::globalInstance()->start([promise, order = std::move(order)] {
    promise->start();
    promise->addResult(arrange(order));
    promise->finish();
  });
}

void BlockTable::take(Snapshot snapshot, BlockRows rows) {
  const bool as_many = rows.size() == rows_.size();
  const bool same =
      as_many && std::equal(rows.begin(), rows.end(), rows_.begin(), [&](auto now, auto then) {
        return snapshot->blocks[now].row.id == snapshot_->blocks[then].row.id;
      });
  if (same) {
    snapshot_ = std::move(snapshot);
    rows_ = std::move(rows);
    if (rowCount() > 0) emit dataChanged(index(0, 0), index(rowCount() - 1, kColumnCount - 1));
  } else if (as_many && snapshot == snapshot_ && query_ == shown_query_) {
    reorder(std::move(rows));
  } else {
    beginResetModel();  // whoever listens still sees the rows as they were
    snapshot_ = std::move(snapshot);
    rows_ = std::move(rows);
    endResetModel();
  }
  shown_query_ = query_;
  emit arranged();
}

/// The same rows in another order: what is selected stays so.
void BlockTable::reorder(BlockRows rows) {
  emit layoutAboutToBeChanged({}, VerticalSortHint);
  const auto persistent = persistentIndexList();
  std::vector<std::uint32_t> blocks;
  for (const auto& index : persistent)
    blocks.push_back(rows_[static_cast<std::size_t>(index.row())]);
  rows_ = std::move(rows);
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
      return QVariant(qint64{row.used_unix});
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
      if (item.on_gpu) return tr("GPU");
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
      if (row.used_unix <= 0) return tr("not known");
      return ago_text(row.used_unix, QDateTime::currentSecsSinceEpoch());
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
  if (column == kTier && item.on_gpu) return colors.gpu;
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
      if (column == kLastUse && block.row.used_unix <= 0) {
        return tr("Not used since times of use are recorded.");
      }
      if (column == kLastUse) return full_moment_text(block.row.used_unix);
      if (column == kCreated) return full_moment_text(block.row.created_unix);
      return text(block, column).toHtmlEscaped();
    }
    default:
      return {};
  }
}

QVariant BlockTable::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= kColumnCount) return {};
  if (role == Qt::ToolTipRole && section == kLastUse) {
    return tr(
        "When a question read the block last, or it was written. Sorted by the order of uses, "
        "which a wrong clock does not change.");
  }
  if (role != Qt::DisplayRole) return {};
  const QStringList names = {tr("Document"),  tr("Passage"),  tr("Tokens"), tr("Size"),
                             tr("Per token"), tr("Type"),     tr("Tier"),   tr("Last answer"),
                             tr("Hits"),      tr("Load"),     tr("Encode"), tr("Integrity"),
                             tr("Created"),   tr("Last use"), tr("Recipe"), tr("Model")};
  return names.value(section);
}

}  // namespace kvlink::ui
