// SPDX-License-Identifier: Apache-2.0
// Files become searchable, then cached: incremental, resumable, one commit per document.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "app/block_encoder.h"
#include "app/document_indexer.h"
#include "app/file_scan.h"
#include "app/file_text.h"
#include "app/ingest_progress.h"
#include "app/session.h"

namespace kvlink::app {

struct IngestReport {
  std::int64_t n_added = 0;
  std::int64_t n_updated = 0;
  std::int64_t n_unchanged = 0;
  std::int64_t n_ignored = 0;   ///< have a problem that the user wants to hear no more of
  std::int64_t n_opened = 0;    ///< files that were read, if only for their hash
  std::int64_t n_bytes = 0;     ///< of them
  std::int64_t n_parsed = 0;    ///< parse jobs: runs of kvlink-extract
  std::int64_t n_embedded = 0;  ///< passages that needed a vector
  double index_seconds = 0;
  double embed_seconds = 0;              ///< of these
  double wait_seconds = 0;               ///< of these: the next file's text was not there yet
  std::vector<FileProblem> problems;     ///< files that did not become searchable, and why
  std::vector<std::string> unsupported;  ///< paths whose suffix is not read
  std::vector<std::string> notices;      ///< what was repaired or left out
  EncodeReport caching;
  bool cancelled = false;
  bool cut_short = false;  ///< files were not looked at: cancelled, or the disk is full

  bool all_searchable() const { return !cancelled && problems.empty() && unsupported.empty(); }
};

/// What happens to single files; each may be empty. Called on the ingesting thread, which waits
/// meanwhile: that is how a window pauses it.
struct IngestEvents {
  std::function<void(ScanResult&)> on_scanned;  ///< before any file is read; may leave files out
  std::function<void(const ScannedFile&)> on_file;  ///< it is its turn
  /// Its text is there, and other than before: it is cut and embedded now.
  std::function<void(const ScannedFile&)> on_text;
  /// It was committed, or not: `problem` is null when it was.
  std::function<void(const ScannedFile&, retrieval::DocumentId, const Error* problem)> on_indexed;
};

/// Runs on the calling thread; questions asked meanwhile on other threads come first. Needs
/// Parts::kAnswer.
class Ingestion {
 public:
  Ingestion(Session& session, IngestCallback on_progress)
      : session_(session), meter_(std::move(on_progress)) {}

  void set_events(IngestEvents events) { events_ = std::move(events); }
  /// What the next runs leave out of folders.
  void set_scan(ScanOptions scan) { scan_ = std::move(scan); }
  /// Tried on every encrypted document of the next runs.
  void set_password(std::string password) { password_ = std::move(password); }

  /// kNo: searchable is enough; blocks come with a later run.
  enum class Caching : std::uint8_t { kYes, kNo };
  using Rereading = DocumentIndexer::Rereading;

  /// Indexes files and folders, then encodes what has no block; then it reads what is in pictures,
  /// where that can be done, and encodes that. A problem with one file never stops the others. A
  /// stop keeps every document committed so far. Error: the library is unusable.
  Result<IngestReport> add(std::span<const std::filesystem::path> paths, Caching caching,
                           std::stop_token stop, Rereading rereading = Rereading::kChanged);

  /// Encodes what has no block, of the documents named.
  Result<EncodeReport> cache_documents(std::span<const retrieval::DocumentId> documents,
                                       std::stop_token stop);

 private:
  using Documents = std::vector<retrieval::DocumentId>;
  using Outcome = Result<DocumentIndexer::Indexed>;
  /// A file whose pictures are read after everything else, because that takes so long.
  struct Pictured {
    ScannedFile file;
    FileText text;  ///< as it was first read, but for the document
    Outcome first;  ///< of what is not in pictures: it stands when they are not read after all
  };

  Documents index_files(const std::vector<ScannedFile>& files, FileTextReader& reader,
                        std::vector<Pictured>& pictured, IngestReport& report,
                        std::stop_token stop);
  Documents recognise_files(std::vector<Pictured>& pictured, FileTextReader& reader,
                            IngestReport& report, std::stop_token stop);
  /// Whether there is room for more; notes a problem when not.
  bool has_room(const ScannedFile& file, std::size_t n_more, IngestReport& report) const;
  void begin_file(const ScannedFile& file);
  void tell_text(const ScannedFile& file, const Result<FileText>& text);
  /// Adds its id when it is searchable.
  void tell_end(const ScannedFile& file, const Outcome& indexed, Documents& documents);
  void end_file(const ScannedFile& file, const Result<FileText>& text, const Outcome& indexed,
                IngestReport& report);
  FileTextReader::Options reader_options(Rereading rereading);
  EncodeReport encode(std::span<const retrieval::DocumentId> documents, std::stop_token stop);

  Session& session_;
  IngestEvents events_;
  std::string password_;
  ScanOptions scan_;
  IngestMeter meter_;
};

}  // namespace kvlink::app
