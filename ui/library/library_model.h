// SPDX-License-Identifier: Apache-2.0
// Collections and documents as a tree of two levels, fed by snapshots and batches.
#pragma once

#include <QAbstractItemModel>
#include <QHash>
#include <QSet>
#include <optional>
#include <vector>

#include "app/desk/library_messages.h"
#include "ui/library/library_intake.h"

namespace kvlink::ui {

enum class LibraryFilter : std::uint8_t { kAll, kReady, kProblems };

struct LibraryCounts {
  int n_documents = 0;
  int n_ready = 0;     ///< every passage cached
  int n_problems = 0;  ///< failed, or with pages that were set aside
  int n_in_work = 0;   ///< queued, reading, caching
};

/// Top level: collections, that is folders; below them: their documents, by name. One vector holds
/// the rows, another their order, and each collection the numbers of those that the filter lets
/// through: rows that come or go move numbers, not rows. GUI thread.
class LibraryModel : public QAbstractItemModel {
  Q_OBJECT

 public:
  enum Role : int {
    kStage = Qt::UserRole,  ///< int of desk::DocumentStage; collections have none
    kStageWords,            ///< of the chip
    kDocumentId,            ///< qint64
    kPath,
    kReason,
    kDetails,     ///< the second line
    kIsDocument,  ///< bool
    kCollection,  ///< key of a collection; documents: of theirs
  };

  /// What a drag from this list carries besides the files: the documents' numbers.
  static constexpr auto kDocumentsMime = "application/x-kvlink-documents";

  explicit LibraryModel(QObject* parent = nullptr) : QAbstractItemModel(parent) {}

  /// Longer lists are taken in, searched and filtered over several turns of the event loop; until
  /// settled() the model is as it was before.
  static constexpr std::size_t kMaxAtOnce = 10'000;

  /// settled() follows, as it does after a search and a filter.
  void apply(const desk::DocumentsChange& change);
  void set_filter(LibraryFilter filter);
  /// Documents whose title or path contains every word, in any case.
  void set_search(const QString& words);
  LibraryFilter filter() const { return filter_; }

  const LibraryCounts& counts() const { return counts_; }
  int n_shown() const { return n_shown_; }
  /// The row of a document index, null for a collection.
  const desk::DocumentRow* row_of(const QModelIndex& index) const;
  /// Invalid when it is unknown or filtered out.
  QModelIndex index_of(const QString& path) const;
  QModelIndex index_of_document(desk::DocumentId id) const;
  QModelIndex index_of_collection(const QString& key) const;
  /// How long a document is, as far as it is known: null else. Forgotten when its text changes.
  const desk::DocumentExtent* extent_of(desk::DocumentId id) const;
  void set_extents(const std::vector<desk::DocumentExtent>& extents);
  /// Documents of an index: itself, or all shown ones of a collection.
  std::vector<const desk::DocumentRow*> documents_of(const QModelIndex& index) const;
  const desk::DocumentRow* find(desk::DocumentId id) const;

  /// Checked documents that are in the library, ascending.
  std::vector<desk::DocumentId> checked() const;
  /// Of these, in the order of the list.
  std::vector<QString> checked_paths() const;
  void set_checked(const std::vector<desk::DocumentId>& ids);
  void clear_checked() { set_checked({}); }

  QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
  QModelIndex parent(const QModelIndex& child) const override;
  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  bool setData(const QModelIndex& index, const QVariant& value, int role) override;
  Qt::ItemFlags flags(const QModelIndex& index) const override;
  QMimeData* mimeData(const QModelIndexList& indexes) const override;
  QStringList mimeTypes() const override;
  /// Copies only: a file manager that was offered a move would take the user's file away.
  Qt::DropActions supportedDragActions() const override { return Qt::CopyAction; }
  Qt::DropActions supportedDropActions() const override { return Qt::CopyAction; }
  bool canDropMimeData(const QMimeData* data, Qt::DropAction action, int row, int column,
                       const QModelIndex& parent) const override;
  /// Changes nothing here: move_wanted, and the list comes anew.
  bool dropMimeData(const QMimeData* data, Qt::DropAction action, int row, int column,
                    const QModelIndex& parent) override;
  /// The documents that a drag from the list carries.
  static std::vector<desk::DocumentId> ids_of(const QMimeData& data);
  /// Keys of the collections with a name, in order.
  QStringList named_collections() const;

 signals:
  /// Everything that was asked for is in the model.
  void settled();
  void counts_changed();
  void checked_changed();
  /// Documents were dragged into a collection: a name, a folder, or "" for the folders they lie in.
  void move_wanted(const std::vector<kvlink::desk::DocumentId>& documents,
                   const QString& collection);
  void rename_wanted(const QString& before, const QString& name);

 private:
  /// Parents carry this as internal id; a document carries its collection's number plus one.
  static constexpr quintptr kCollectionId = 0;

  struct Collection {
    QString key;  ///< a name, a folder, or "" for documents that have no neighbour in theirs
    QString name;
    std::vector<int> shown;  ///< indices into rows_, in order
    int n_all = 0;
  };

  void apply_now(const desk::DocumentsChange& change);
  void next_turn();
  void take_turn();
  void finish_intake();
  void match_again();
  void match_slice();
  void replace_all(const std::vector<desk::DocumentRow>& rows);
  bool update_in_place(const std::vector<desk::DocumentRow>& rows);
  void update_row(int at, const desk::DocumentRow& row);
  void remove_paths(const std::vector<QString>& paths);
  void add_rows(const std::vector<desk::DocumentRow>& rows);
  void place_rows(std::vector<int> added);
  void erase_row(int at);
  void build_collections();
  void count();
  bool passes(const desk::DocumentRow& row) const;
  QModelIndex index_of_row(int at) const;
  QVariant document_data(const desk::DocumentRow& row, int role) const;
  QVariant collection_data(const Collection& collection, int role) const;
  Qt::CheckState check_state(const Collection& collection) const;
  void tell_checks();
  /// Of the collection that an index is or lies in; null outside.
  const Collection* collection_at(const QModelIndex& index) const;

  std::vector<desk::DocumentRow> rows_;  ///< in no order: what is known of one stays where it is
  QHash<QString, int> by_path_;
  QSet<QString> retitled_;          ///< paths of rows whose place is that of their former title
  std::vector<int> order_;          ///< indices into rows_, as desk::comes_before has them
  std::vector<int> collection_of_;  ///< of each row
  std::vector<int> place_of_;       ///< of each row in its collection's shown; -1: filtered out
  std::vector<Collection> collections_;
  std::vector<int> shown_collections_;  ///< with a row that the filter lets through
  std::vector<int> top_of_;             ///< of each collection in shown_collections_; -1
  QSet<desk::DocumentId> checked_;
  QHash<desk::DocumentId, desk::DocumentExtent> extents_;  ///< of those that were on screen
  LibraryFilter filter_ = LibraryFilter::kAll;
  QStringList words_;
  LibraryCounts counts_;
  int n_shown_ = 0;
  std::optional<LibraryIntake> intake_;         ///< a whole list that is being taken in
  std::vector<desk::DocumentsChange> waiting_;  ///< for the end of the intake
  bool is_matching_ = false;
  bool is_stale_ = false;      ///< a row came into the list of problems, or left it
  std::vector<char> matches_;  ///< of the first rows, while they are matched; else empty
};

}  // namespace kvlink::ui
