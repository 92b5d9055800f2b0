// SPDX-License-Identifier: Apache-2.0
// What one ingestion run tells the window: rows, status, rates. Internal to the desk.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "app/desk/library_worker.h"
#include "app/ingestion.h"

namespace kvlink::desk {

/// Turns the ingestion's callbacks into batches for the window. One thread: the ingesting one.
class IngestRun {
 public:
  /// Called at most ten times a second, and at the ends of phases.
  struct Listener {
    std::function<void(const std::vector<DocumentRow>&)> on_rows;
    std::function<void(const IngestStatus&)> on_status;
    std::function<void(const MeasuredRates&)> on_rates;
    std::function<void()> on_blocks;
  };

  IngestRun(app::Session& session, Listener listener)
      : session_(session), listener_(std::move(listener)) {}

  /// Suffixes (".csv") and files that are left out.
  void exclude(const std::vector<QString>& suffixes, const std::vector<QString>& paths);
  /// Leaves out what the file system says is as it was, and so tells nothing of it.
  void skip_unchanged() { skips_unchanged_ = true; }

  app::IngestEvents events();
  void progress(const app::IngestProgress& progress);
  /// Tells what is still untold.
  void flush();
  IngestStatus& status() { return status_; }

 private:
  void scanned(app::ScanResult& scan);
  bool is_left_out(const app::ScannedFile& file);
  DocumentRow row_in_work(const app::ScannedFile& file, DocumentStage stage) const;
  void file_done(const app::ScannedFile& file, retrieval::DocumentId id, const Error* problem);
  void caching_moved(DocumentId document);
  bool budget_is_used_up() const;
  void add(DocumentRow row);
  void flush_if_due();

  app::Session& session_;
  Listener listener_;
  std::set<QString> excluded_;
  std::set<std::string> excluded_paths_;
  bool skips_unchanged_ = false;
  std::vector<DocumentRow> rows_;
  std::unordered_map<std::string, DocumentRow> known_;  ///< of these files, by path
  std::map<DocumentId, DocumentRow> indexed_;           ///< those that are cached next
  DocumentId caching_ = 0;
  IngestStatus status_;
  std::chrono::steady_clock::time_point last_flush_;
};

IngestSummary summary_of(const app::IngestReport& report);

}  // namespace kvlink::desk
