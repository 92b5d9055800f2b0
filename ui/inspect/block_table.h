// SPDX-License-Identifier: Apache-2.0
// Every block of the store as a table; stays quick with hundreds of thousands of rows.
#pragma once

#include <QAbstractTableModel>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

#include "app/desk/cache_messages.h"
#include "ui/inspect/last_answer.h"

namespace kvlink::ui {

/// Which rows are shown.
struct BlockQuery {
  bool stale_only = false;
  desk::DocumentId document = 0;  ///< 0: of all documents
  QString words;  ///< in a document's path or title, or the beginning of a block's number
  bool operator==(const BlockQuery&) const = default;
};

/// Rows are indices into a shared snapshot; filtering and sorting make a new list of indices and
/// copy nothing else. GUI thread.
class BlockTable : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column {
    kDocument,
    kPassage,
    kTokens,
    kBytes,
    kBytesPerToken,
    kType,
    kTier,
    kLastAnswer,
    kHits,
    kLoad,
    kEncode,
    kIntegrity,
    kCreated,
    kLastUse,
    kRecipe,
    kFingerprint,
    kColumnCount
  };
  using Snapshot = std::shared_ptr<const desk::CacheSnapshot>;

  explicit BlockTable(QObject* parent = nullptr);

  /// Rows that are the same blocks in the same order keep the selection.
  void set_snapshot(Snapshot snapshot);
  void set_query(const BlockQuery& query);
  const BlockQuery& query() const { return query_; }
  /// Borrowed; call answer_changed() when it has changed.
  void set_last_answer(const LastAnswer* answer) { answer_ = answer; }
  void answer_changed();
  /// Blocks that were just read and checked.
  void mark_verified(const std::vector<Digest>& ids);

  const Snapshot& snapshot() const { return snapshot_; }
  const desk::BlockItem& item(int row) const;
  /// Row of a block; -1 when it is not shown.
  int row_of(const Digest& id) const;
  /// First row of a document; -1.
  int row_of_document(desk::DocumentId document) const;
  /// Null for blocks whose text no document has.
  const desk::CachedDocument* document(desk::DocumentId id) const;
  QString document_name(desk::DocumentId id) const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
  void sort(int column, Qt::SortOrder order) override;

 private:
  using Rows = std::vector<std::uint32_t>;
  Rows matching_rows() const;
  void sort_rows(Rows& rows) const;
  std::vector<std::int64_t> sort_keys() const;
  void replace_rows(Rows rows);
  QVariant value(const desk::BlockItem& item, int column) const;
  QString text(const desk::BlockItem& item, int column) const;
  QString integrity(const desk::BlockItem& item) const;
  QVariant color(const desk::BlockItem& item, int column) const;

  Snapshot snapshot_;
  BlockQuery query_;
  Rows rows_;
  int sort_column_ = kDocument;
  Qt::SortOrder sort_order_ = Qt::AscendingOrder;
  const LastAnswer* answer_ = nullptr;
  std::unordered_set<Digest, DigestHash> verified_;
};

/// "a1b2c3d4": the beginning of a digest.
QString short_hex(const Digest& digest);

}  // namespace kvlink::ui
