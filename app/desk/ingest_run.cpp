// SPDX-License-Identifier: Apache-2.0
#include "app/desk/ingest_run.h"

#include <algorithm>
#include <utility>

#include "app/desk/document_stages.h"
#include "app/desk/pre_scan.h"
#include "app/file_text.h"

namespace kvlink::desk {
namespace {

constexpr auto kFlushInterval = std::chrono::milliseconds(100);

DocumentRow queued_row(const app::ScannedFile& file, DocumentStage stage) {
  DocumentRow row;
  row.path = text_of(file.path.string());
  row.title = text_of(file.path.stem().string());
  row.file_bytes = file.bytes;
  row.stage = stage;
  return row;
}

IngestState state_of(app::IngestPhase phase) {
  switch (phase) {
    case app::IngestPhase::kScanning:
      return IngestState::kScanning;
    case app::IngestPhase::kIndexing:
      return IngestState::kIndexing;
    case app::IngestPhase::kCaching:
      return IngestState::kCaching;
  }
  return IngestState::kIdle;
}

}  // namespace

void IngestRun::exclude(const std::vector<QString>& suffixes, const std::vector<QString>& paths) {
  for (const auto& suffix : suffixes) excluded_.insert(suffix.toLower());
  for (const auto& path : paths) excluded_paths_.insert(utf8_of(path));
}

app::IngestEvents IngestRun::events() {
  app::IngestEvents events;
  events.on_scanned = [this](app::ScanResult& scan) { scanned(scan); };
  events.on_file = [this](const app::ScannedFile& file) {
    add(row_in_work(file, DocumentStage::kReading));
  };
  events.on_text = [this](const app::ScannedFile& file) {
    add(row_in_work(file, DocumentStage::kEmbedding));
  };
  events.on_indexed = [this](const app::ScannedFile& file, retrieval::DocumentId id,
                             const Error* problem) { file_done(file, id, problem); };
  return events;
}

bool IngestRun::is_left_out(const app::ScannedFile& file) {
  const std::string path = file.path.string();
  if (excluded_.contains(suffix_of(path)) || excluded_paths_.contains(path)) return true;
  const auto known = session_.library().find_path(path);
  if (!known || !*known) return false;
  if (skips_unchanged_ && app::is_as_it_was(file.path, **known)) return true;
  known_[path] = row_of(**known);
  return false;
}

void IngestRun::scanned(app::ScanResult& scan) {
  std::erase_if(scan.files, [&](const auto& file) { return is_left_out(file); });
  std::erase_if(scan.unsupported,
                [&](const std::string& path) { return excluded_.contains(suffix_of(path)); });
  for (const auto& file : scan.files) add(row_in_work(file, DocumentStage::kQueued));
  flush();
}

/// A document that is read again stays the one it is: questions may be restricted to it.
DocumentRow IngestRun::row_in_work(const app::ScannedFile& file, DocumentStage stage) const {
  const auto known = known_.find(file.path.string());
  if (known == known_.end()) return queued_row(file, stage);
  DocumentRow row = known->second;
  row.stage = stage;
  return row;
}

void IngestRun::file_done(const app::ScannedFile& file, retrieval::DocumentId id,
                          const Error* problem) {
  const auto known = session_.library().find_path(file.path.string());
  DocumentRow row;
  if (known && *known) {
    row = known_[file.path.string()] = row_of(**known);
    if (id != 0) indexed_[id] = row;
  } else {
    row = queued_row(file, DocumentStage::kFailed);
    row.reason = problem != nullptr ? text_of(problem->message) : QString();
  }
  if (problem != nullptr && problem->code == ErrorCode::kCancelled) return;
  add(std::move(row));
}

void IngestRun::progress(const app::IngestProgress& progress) {
  status_.state = state_of(progress.phase);
  status_.n_files = progress.n_files;
  status_.n_files_done = progress.n_files_done;
  status_.n_bytes = progress.n_bytes;
  status_.n_bytes_done = progress.n_bytes_done;
  status_.n_tokens = progress.n_tokens;
  status_.n_tokens_done = progress.n_tokens_done;
  status_.bytes_per_second = progress.bytes_per_second;
  status_.tokens_per_second = progress.tokens_per_second;
  status_.seconds_left = progress.seconds_left;
  status_.current = text_of(progress.current);
  if (progress.phase == app::IngestPhase::kCaching) caching_moved(progress.document);
  listener_.on_status(status_);
  listener_.on_rates({.bytes_per_second = progress.bytes_per_second,
                      .tokens_per_second = progress.tokens_per_second});
  flush();
}

/// Near its end the budget may leave a document without some blocks; the list says so when the run
/// ends and blocks are counted.
bool IngestRun::budget_is_used_up() const {
  const auto budget = session_.store().options().disk_budget_bytes;
  const auto used = session_.store().totals().disk_bytes + session_.writer().queued_bytes();
  return used > budget - budget / 100;
}

void IngestRun::caching_moved(DocumentId document) {
  if (document == 0 || document == caching_) return;
  const auto before = indexed_.find(caching_);
  if (before != indexed_.end()) {
    DocumentRow row = before->second;
    row.stage = budget_is_used_up() ? DocumentStage::kSearchable : DocumentStage::kReady;
    if (row.stage == DocumentStage::kReady) row.n_cached = row.n_chunks;
    add(std::move(row));
    listener_.on_blocks();
  }
  const auto now = indexed_.find(document);
  if (now != indexed_.end()) {
    DocumentRow row = now->second;
    row.stage = DocumentStage::kCaching;
    add(std::move(row));
  }
  caching_ = document;
}

void IngestRun::add(DocumentRow row) {
  rows_.push_back(std::move(row));
  flush_if_due();
}

void IngestRun::flush_if_due() {
  if (std::chrono::steady_clock::now() - last_flush_ >= kFlushInterval) flush();
}

void IngestRun::flush() {
  last_flush_ = std::chrono::steady_clock::now();
  if (rows_.empty()) return;
  listener_.on_rows(rows_);
  rows_.clear();
}

IngestSummary summary_of(const app::IngestReport& report) {
  IngestSummary summary;
  summary.n_added = report.n_added;
  summary.n_updated = report.n_updated;
  summary.n_unchanged = report.n_unchanged;
  summary.n_failed = static_cast<std::int64_t>(report.problems.size());
  summary.n_unsupported = static_cast<std::int64_t>(report.unsupported.size());
  summary.n_blocks_made = report.caching.n_encoded;
  summary.seconds = report.index_seconds + report.caching.seconds;
  summary.cancelled = report.cancelled;
  for (const auto& notice : report.notices) summary.notices.push_back(text_of(notice));
  if (!report.caching.stopped_because.empty()) {
    summary.notices.push_back(text_of(report.caching.stopped_because));
  }
  for (const auto& problem : report.problems) {
    summary.problems.push_back(text_of(problem.path + ": " + problem.reason));
  }
  return summary;
}

}  // namespace kvlink::desk
