// SPDX-License-Identifier: Apache-2.0
// The list of documents: snapshots, pre-scans, removal with undo, the text of a document.
#pragma once

#include <QHash>
#include <QSet>
#include <QTimer>
#include <map>

#include "app/desk/collections.h"
#include "app/desk/library_messages.h"
#include "app/desk/request_stops.h"
#include "app/desk/worker.h"

namespace kvlink::desk {

/// How fast this machine indexes and encodes, measured while it does.
struct MeasuredRates {
  double bytes_per_second = 0;   ///< indexing; 0: not measured yet
  double tokens_per_second = 0;  ///< encoding
  double tokens_per_byte = 0;    ///< of indexed files
};

class LibraryWorker : public Worker {
  Q_OBJECT

 public:
  explicit LibraryWorker(QObject* parent = nullptr);

  static constexpr int kDefaultUndoMs = 8000;
  /// How long a removal can be undone. Call before any removal.
  void set_undo_ms(int milliseconds);

  /// documents_changed with the whole list follows.
  void refresh();
  /// Looks what lies at the paths, without reading it: pre_scanned follows. Files, folders.
  void pre_scan(RequestId id, std::vector<QString> paths);
  void cancel_pre_scan(RequestId id);
  /// Text that was dropped or pasted: when every line is the path of something that exists, those
  /// paths; else the path of a note that it becomes, in the data folder. paths_found follows.
  void take_text(RequestId id, QString text);

  /// Takes documents out of the list at once: removal_offered, then removal_done after the undo
  /// time, or removal_undone. Until then nothing is erased: whatever happens to this process, the
  /// documents are in the library at the next start. Questions leave them out meanwhile.
  void remove(RequestId id, std::vector<DocumentId> documents);
  void undo_removal(RequestId id);
  /// Carries out what is waiting (the window closes).
  void commit_removals();

  /// Lists documents in another collection: a name, a folder's path, or "" for the folders they lie
  /// in. documents_moved follows, and the whole list. Kept in collections.json.
  void move_documents(RequestId id, std::vector<DocumentId> documents, QString collection);
  /// Puts them back where they were: the list follows.
  void undo_move(RequestId id);
  void rename_collection(QString before, QString name);

  /// Whether the problems of these documents are told. The list follows, or failed.
  void set_ignored(RequestId id, std::vector<DocumentId> documents, bool ignored);

  /// How many pages or lines these have: extents_known follows.
  void measure_documents(std::vector<DocumentId> documents);
  /// The document as it can be read and quoted: document_text or failed follows.
  void read_document(RequestId id, DocumentId document);
  /// The page on which the passage begins: page_drawn follows, or page_not_drawn. Stops the drawing
  /// that was asked for before.
  void draw_page(RequestId id, ChunkId passage, int pixel_width);
  /// Nobody waits for the page any more: a drawing that waits or runs ends as page_not_drawn.
  void stop_drawing();

  /// Rows of the ingestion under way: they stand above what the library says until it ends.
  void merge_progress(std::vector<DocumentRow> rows);
  /// No ingestion runs any more: the list is read anew.
  void end_progress();
  void set_rates(MeasuredRates rates);
  /// Blocks came or went: stages are counted anew, soon.
  void blocks_changed();

 signals:
  void documents_changed(const kvlink::desk::DocumentsChange& change);
  void paths_found(kvlink::desk::RequestId id, const std::vector<QString>& paths);
  void pre_scanned(const kvlink::desk::PreScan& scan);
  void removal_offered(const kvlink::desk::RemovalOffer& offer);
  void documents_moved(const kvlink::desk::MoveReport& report);
  void removal_undone(kvlink::desk::RequestId id);
  void removal_done(kvlink::desk::RequestId id, qint64 n_documents, qint64 n_blocks);
  /// Ids that are hidden because their removal waits: questions must not use them.
  void hidden_documents_changed(const std::vector<kvlink::desk::DocumentId>& hidden);
  /// Of those asked for that have text.
  void extents_known(const std::vector<kvlink::desk::DocumentExtent>& extents);
  void document_text(const kvlink::desk::DocumentText& text);
  void page_drawn(const kvlink::desk::PagePicture& picture);
  void page_not_drawn(kvlink::desk::RequestId id, const kvlink::desk::Problem& problem);
  void failed(kvlink::desk::RequestId id, const kvlink::desk::Problem& problem);

 protected:
  void session_opened() override;
  void session_closing() override;
  void interrupt() override;

 private:
  struct Removal {
    std::vector<DocumentId> documents;
    QTimer* timer = nullptr;
  };

  void tell_all();
  void recount();
  std::optional<std::vector<DocumentRow>> count_rows();
  void tell_batch();
  QTimer* timer(QTimer*& slot, int milliseconds, void (LibraryWorker::*action)());
  void offer_removal(RequestId id, std::vector<DocumentId> documents);
  void commit_removal(RequestId id);
  void erase_soon();
  void erase_in_turn();
  bool erase_next();
  bool is_hidden(DocumentId id) const;
  void tell_hidden();
  /// Sets where the row is listed.
  void place(DocumentRow& row) const { row.collection = collections_.of(row.path); }
  void load_collections();
  void keep_collections(RequestId id);
  QString collections_file();
  void scan_now(RequestId id, const std::vector<QString>& paths, std::stop_token stop);

  QTimer* refresh_timer_ = nullptr;
  QTimer* batch_timer_ = nullptr;
  QTimer* erase_timer_ = nullptr;
  int undo_ms_ = kDefaultUndoMs;
  int recount_ms_ = 1500;
  MeasuredRates rates_;
  std::map<RequestId, Removal> removals_;
  struct Erasing {
    RequestId id = 0;
    qint64 n_documents = 0;
    qint64 n_blocks = 0;
  };
  std::vector<Erasing> erasing_;  ///< removed, but not from the files yet
  Collections collections_;
  /// Path and collection before, of the moves that can be undone.
  std::map<RequestId, std::vector<std::pair<QString, QString>>> moves_;
  QHash<QString, DocumentRow> progress_;                  ///< of documents in work, by path
  std::vector<DocumentRow> batch_;                        ///< changed since the last telling
  std::vector<QString> left_;                             ///< paths that went since then
  std::shared_ptr<const std::vector<DocumentRow>> told_;  ///< the last whole list
  QSet<QString> told_since_;                              ///< paths of batches after it
  RequestStops stops_;                                    // of scans
  LatestStop drawing_;                                    // of the page that was asked for last
};

}  // namespace kvlink::desk
