// SPDX-License-Identifier: Apache-2.0
// Every block of the store as a table; stays quick with hundreds of thousands of rows.
#pragma once

#include <QAbstractTableModel>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

#include "app/desk/cache_messages.h"
#include "ui/inspect/block_order.h"
#include "ui/inspect/last_answer.h"

namespace kvlink::ui {

/// Rows are indices into a shared snapshot; filtering and sorting make a new list of indices and
/// copy nothing else. Many rows are arranged beside the GUI thread: until they are, the table shows
/// what it showed before. GUI thread.
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

  /// More blocks than this are arranged beside the GUI thread.
  static constexpr std::size_t kMaxAtOnce = 20'000;

  /// Rows that are the same blocks in the same order keep the selection. arranged() follows, as it
  /// does after another query or order.
  void set_snapshot(Snapshot snapshot);
  void set_query(const BlockQuery& query);
  const BlockQuery& query() const { return query_; }
  /// Whether arranged() is still to come.
  bool is_arranging() const { return is_arranging_; }
  /// Borrowed; call answer_changed() when it has changed.
  void set_last_answer(const LastAnswer* answer) { answer_ = answer; }
  void answer_changed();
  /// Blocks that were just read and checked.
  void mark_verified(const std::vector<Digest>& ids);

  /// Of the rows that are shown.
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

 signals:
  /// The rows are those that were asked for last.
  void arranged();

 private:
  void request_rows();
  void take(Snapshot snapshot, BlockRows rows);
  void reorder(BlockRows rows);
  QVariant value(const desk::BlockItem& item, int column) const;
  QString text(const desk::BlockItem& item, int column) const;
  QString integrity(const desk::BlockItem& item) const;
  QVariant color(const desk::BlockItem& item, int column) const;

  Snapshot snapshot_;
  Snapshot wanted_;  ///< not shown before its rows are arranged
  BlockQuery query_;
  BlockQuery shown_query_;  ///< of rows_
  BlockRows rows_;
  int sort_column_ = kDocument;
  Qt::SortOrder sort_order_ = Qt::AscendingOrder;
  const LastAnswer* answer_ = nullptr;
  std::unordered_set<Digest, DigestHash> verified_;
  std::uint64_t request_ = 0;
  bool is_arranging_ = false;
};

/// "a1b2c3d4": the beginning of a digest.
QString short_hex(const Digest& digest);

}  // namespace kvlink::ui
