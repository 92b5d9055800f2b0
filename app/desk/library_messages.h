// SPDX-License-Identifier: Apache-2.0
// Documents, pre-scans and ingestion as the window sees them. Plain values.
#pragma once

#include <QByteArray>
#include <QList>
#include <QRectF>
#include <QString>
#include <memory>
#include <optional>
#include <vector>

#include "app/desk/messages.h"
#include "app/problem_remedy.h"

namespace kvlink::desk {

/// One chip in the library. In the order a document goes through them; the last three are
/// exceptions.
enum class DocumentStage : std::uint8_t {
  kQueued,      ///< waits for its turn; its file was not opened yet
  kReading,     ///< its text is being read
  kEmbedding,   ///< its passages are cut and embedded
  kSearchable,  ///< found by questions; some passages have no block yet
  kCaching,     ///< the language model reads its passages
  kReady,       ///< every passage has a block
  kWarm,        ///< and every block is in memory
  kStale,       ///< its blocks were made by another model or behind another prompt
  kFailed,      ///< see reason
  kIgnored,     ///< failed, and the user wants to hear no more of it
};

struct DocumentRow {
  DocumentId id = 0;  ///< 0 while it is queued for the first time
  QString path;       ///< absolute; the key of a row
  QString title;
  QString media_type;
  QString collection;  ///< it was moved to, see Collections; "": the folder it lies in
  std::int64_t file_bytes = 0;
  std::int64_t n_chunks = 0;
  std::int64_t n_cached = 0;  ///< passages with a block of the model in use
  std::int64_t n_tokens = 0;
  std::int64_t added_unix = 0;
  DocumentStage stage = DocumentStage::kQueued;
  QString reason;  ///< why it failed, or what was repaired; may be empty
  app::Remedy remedy = app::Remedy::kNone;

  bool operator==(const DocumentRow&) const = default;
};

/// How long a document is, in what its readers count.
struct DocumentExtent {
  DocumentId document = 0;
  retrieval::PlaceKind unit = retrieval::PlaceKind::kLine;
  std::int64_t n = 0;

  bool operator==(const DocumentExtent&) const = default;
};

/// The key of the collection a document is listed in: the one it was moved to, else its folder.
/// A view into the row.
QStringView collection_of(const DocumentRow& row);
/// The order in which documents are listed: collections with names, then folders; by title in each.
bool comes_before(const DocumentRow& a, const DocumentRow& b);

/// A batch, at most ten a second. `all`: the whole library, which replaces everything known,
/// in the order of comes_before.
struct DocumentsChange {
  std::shared_ptr<const std::vector<DocumentRow>> all;
  std::vector<DocumentRow> changed;  ///< new or other than before, by path
  std::vector<QString> removed;      ///< paths
};

/// Documents of one file type in a pre-scan.
struct TypeCount {
  QString suffix;  ///< ".md", lower case; "" for files without one
  std::int64_t n_files = 0;
  std::int64_t n_bytes = 0;
  bool supported = false;
};

/// What adding the paths would mean. Estimates come from rates measured on this machine; before
/// the first document they are defaults, and `measured` is false.
struct PreScan {
  RequestId id = 0;
  std::vector<QString> paths;    ///< what was asked for
  std::vector<QString> folders;  ///< of these the folders, by their real names
  std::vector<TypeCount> types;  ///< supported ones first, most files first
  std::int64_t n_files = 0;      ///< supported
  std::int64_t n_bytes = 0;
  std::int64_t n_unsupported = 0;
  std::int64_t n_hidden = 0;
  std::int64_t n_links = 0;  ///< to folders; not followed
  std::vector<Problem> problems;
  double index_seconds = 0;  ///< until everything is searchable
  double cache_seconds = 0;  ///< and then until everything is cached
  std::int64_t kv_bytes = 0;
  std::int64_t kv_bytes_free = 0;  ///< left of the disk budget
  bool measured = false;
};

/// What to add.
struct AddRequest {
  std::vector<QString> paths = {};
  std::vector<QString> excluded_suffixes = {};  ///< ".csv"
  bool caching = true;                          ///< false: searchable is enough
  bool read_again = false;                      ///< also files that did not change
  QString password = {};                        ///< of those that are encrypted; kept nowhere
  std::vector<QString> follow = {};             ///< folders to be followed from now on
  bool followed = false;  ///< the paths were found in followed folders, not named
  std::vector<QString> excluded_paths = {};  ///< files the user took out of the library
  /// Documents below these folders whose files are gone go when the run has ended, or are marked
  /// offline with their drive.
  std::vector<QString> gone_below = {};
  std::vector<QString> gone = {};  ///< what the system said was deleted there
};

enum class IngestState : std::uint8_t { kIdle, kScanning, kIndexing, kCaching };

/// At most ten a second.
struct IngestStatus {
  IngestState state = IngestState::kIdle;
  bool paused = false;
  std::int64_t n_files = 0;
  std::int64_t n_files_done = 0;
  std::int64_t n_bytes = 0;
  std::int64_t n_bytes_done = 0;
  std::int64_t n_tokens = 0;
  std::int64_t n_tokens_done = 0;
  double bytes_per_second = 0;   ///< while indexing
  double tokens_per_second = 0;  ///< while caching
  std::optional<double> seconds_left;
  QString current;  ///< path of the file in work
};

/// The end of one run.
struct IngestSummary {
  std::int64_t n_added = 0;
  std::int64_t n_updated = 0;
  std::int64_t n_unchanged = 0;
  std::int64_t n_failed = 0;
  std::int64_t n_unsupported = 0;
  std::int64_t n_blocks_made = 0;
  double seconds = 0;
  bool cancelled = false;
  bool followed = false;         ///< nobody asked for this run: a followed folder changed
  std::vector<QString> notices;  ///< sentences for the user: budget, repairs, what was left out
  std::vector<QString> problems;
};

/// Documents that left the list and can come back until the undo time is over.
struct RemovalOffer {
  RequestId id = 0;
  std::int64_t n_documents = 0;
  QString first_title = {};
  int undo_ms = 0;
};

/// Documents that changed their collection, and can be moved back.
struct MoveReport {
  RequestId id = 0;
  std::int64_t n_documents = 0;
  QString first_title = {};
  QString collection = {};  ///< the key; "": each to its folder
};

/// A document for reading: its text, and where its passages lie in it.
struct DocumentText {
  RequestId id = 0;
  DocumentId document = 0;
  QString path;
  QString title;
  QString media_type;
  QString text;
  struct Passage {
    ChunkId chunk = 0;
    QString heading;
    qsizetype begin = 0;  ///< in `text`, UTF-16 units
    qsizetype end = 0;
    std::int64_t line_begin = 0;  ///< 1-based
    std::int64_t line_end = 0;
    bool has_page = false;  ///< that LibraryWorker::draw_page can draw
  };
  std::vector<Passage> passages;  ///< in reading order
  QString notice;                 ///< "" or why this is not the file as it is on disk now
};

/// A page with the place of a passage on it.
struct PagePicture {
  RequestId id = 0;
  ChunkId chunk = 0;
  int page = 0;  ///< from 1
  int width = 0, height = 0;
  QByteArray pixels;      ///< [height, width, 4]: blue, green, red, 255
  QList<QRectF> passage;  ///< in shares of width and height; empty where it was not found
};

/// Whether files of this name are read, by the suffix alone: nothing is looked at.
bool is_supported_name(const QString& path);

}  // namespace kvlink::desk
