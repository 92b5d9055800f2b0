// SPDX-License-Identifier: Apache-2.0
#include "app/desk/library_worker.h"

#include <QElapsedTimer>
#include <algorithm>

#include "app/desk/document_page.h"
#include "app/desk/document_reader.h"
#include "app/desk/document_stages.h"
#include "app/desk/dropped_text.h"
#include "app/desk/pre_scan.h"
#include "kernels/base/kv_block.h"
#include "retrieval/text_blocks.h"

namespace kvlink::desk {
namespace {

constexpr int kBatchMs = 100;
/// Counting every document's blocks reads both catalogues: at most a tenth of the time.
constexpr int kMinRecountMs = 1500;
constexpr int kRecountShare = 10;

bool is_in_work(DocumentStage stage) {
  return stage == DocumentStage::kQueued || stage == DocumentStage::kReading ||
         stage == DocumentStage::kEmbedding || stage == DocumentStage::kCaching;
}

std::int64_t kv_bytes_per_token(app::Session& session) {
  const auto& config = session.engine().model().config;
  const KvLayout layout{config.n_layers, config.n_kv_heads, config.head_dim,
                        session.settings().block_dtype};
  constexpr std::int64_t kTokens = 1000;  // planes are padded: take the mean of many tokens
  return KvBlock::total_bytes(layout, kTokens) / kTokens;
}

}  // namespace

LibraryWorker::LibraryWorker(QObject* parent) : Worker(parent) {}

void LibraryWorker::set_undo_ms(int milliseconds) { undo_ms_ = milliseconds; }

QTimer* LibraryWorker::timer(QTimer*& slot, int milliseconds, void (LibraryWorker::*action)()) {
  if (slot == nullptr) {
    slot = new QTimer(this);
    slot->setSingleShot(true);
    connect(slot, &QTimer::timeout, this, action);
  }
  if (!slot->isActive()) slot->start(milliseconds);
  return slot;
}

void LibraryWorker::session_opened() {
  load_collections();
  tell_all();
  erase_soon();  // what a program that was killed had not erased yet
}

void LibraryWorker::session_closing() {
  while (!removals_.empty()) commit_removal(removals_.begin()->first);
  while (erase_next()) {
  }
  progress_.clear();
}

void LibraryWorker::interrupt() {
  stops_.stop_all();
  drawing_.stop();
}

void LibraryWorker::refresh() {
  post([this] { tell_all(); });
}

/// The library's rows, those in work as the ingestion says, without those that wait for removal.
std::optional<std::vector<DocumentRow>> LibraryWorker::count_rows() {
  if (!has_session()) return std::nullopt;
  QElapsedTimer took;
  took.start();
  auto rows = returning([&] { return all_rows(session()); });
  recount_ms_ = std::max(kMinRecountMs, kRecountShare * static_cast<int>(took.elapsed()));
  if (!rows) {
    emit failed(0, problem_of(rows.error()));
    return std::nullopt;
  }
  std::erase_if(*rows, [&](const DocumentRow& row) { return is_hidden(row.id); });
  auto waiting = progress_;
  std::int64_t n_tokens = 0;
  std::int64_t n_bytes = 0;
  for (auto& row : *rows) {
    place(row);
    n_tokens += row.n_tokens;
    n_bytes += row.n_tokens > 0 ? row.file_bytes : 0;
    const auto in_work = waiting.find(row.path);
    if (in_work == waiting.end()) continue;
    row.stage = in_work->stage;
    waiting.erase(in_work);
  }
  for (const auto& row : waiting) rows->push_back(row);
  std::sort(rows->begin(), rows->end(), comes_before);
  if (n_bytes > 0) {
    rates_.tokens_per_byte = static_cast<double>(n_tokens) / static_cast<double>(n_bytes);
  }
  return std::move(*rows);
}

void LibraryWorker::tell_all() {
  auto rows = count_rows();
  if (!rows) return;
  batch_.clear();
  left_.clear();
  told_since_.clear();
  told_ = std::make_shared<const std::vector<DocumentRow>>(std::move(*rows));
  DocumentsChange change;
  change.all = told_;
  emit documents_changed(change);
}

/// As tell_all, but where the same documents are there only those that differ are told: the window
/// compares nothing.
void LibraryWorker::recount() {
  auto rows = count_rows();
  if (!rows) return;
  const bool same_documents =
      told_ && told_->size() == rows->size() &&
      std::equal(rows->begin(), rows->end(), told_->begin(),
                 [](const DocumentRow& a, const DocumentRow& b) { return a.path == b.path; });
  if (!same_documents) {
    tell_all();
    return;
  }
  DocumentsChange change;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const DocumentRow& row = (*rows)[i];
    if (row != (*told_)[i] || told_since_.contains(row.path)) change.changed.push_back(row);
  }
  batch_.clear();
  told_since_.clear();
  told_ = std::make_shared<const std::vector<DocumentRow>>(std::move(*rows));
  if (!change.changed.empty()) emit documents_changed(change);
}

void LibraryWorker::tell_batch() {
  DocumentsChange change;
  change.changed = std::exchange(batch_, {});
  for (const auto& row : change.changed) told_since_.insert(row.path);
  change.removed = std::exchange(left_, {});
  if (!change.changed.empty() || !change.removed.empty()) emit documents_changed(change);
}

void LibraryWorker::merge_progress(std::vector<DocumentRow> rows) {
  post([this, rows = std::move(rows)]() mutable {
    for (auto& row : rows) {
      if (is_hidden(row.id)) continue;
      place(row);
      if (is_in_work(row.stage)) {
        progress_.insert(row.path, row);
      } else {
        progress_.remove(row.path);
      }
      batch_.push_back(std::move(row));
    }
    timer(batch_timer_, kBatchMs, &LibraryWorker::tell_batch);
  });
}

void LibraryWorker::end_progress() {
  post([this] {
    progress_.clear();
    recount();
  });
}

void LibraryWorker::set_rates(MeasuredRates rates) {
  post([this, rates] {
    if (rates.bytes_per_second > 0) rates_.bytes_per_second = rates.bytes_per_second;
    if (rates.tokens_per_second > 0) rates_.tokens_per_second = rates.tokens_per_second;
  });
}

void LibraryWorker::blocks_changed() {
  post([this] { timer(refresh_timer_, recount_ms_, &LibraryWorker::recount); });
}

// --- pre-scan

void LibraryWorker::pre_scan(RequestId id, std::vector<QString> paths) {
  post([this, id, paths = std::move(paths), stop = stops_.begin(id)] {
    scan_now(id, paths, stop);
    stops_.end(id);
  });
}

void LibraryWorker::cancel_pre_scan(RequestId id) { stops_.stop(id); }

void LibraryWorker::scan_now(RequestId id, const std::vector<QString>& paths,
                             std::stop_token stop) {
  if (const auto problem = why_not(true)) {
    emit failed(id, *problem);
    return;
  }
  const auto scan = returning([&] {
    EstimateBasis basis;
    basis.rates = rates_;
    if (basis.rates.tokens_per_second <= 0) {
      const auto known = encoding_rate(value_or_throw(session().store().list()));
      basis.rates.tokens_per_second = known.value_or(0);
    }
    basis.kv_bytes_per_token = kv_bytes_per_token(session());
    basis.kv_bytes_free =
        session().store().options().disk_budget_bytes - session().store().totals().disk_bytes;
    basis.scan.take(session().settings());
    return pre_scan_of(id, paths, basis, stop);
  });
  if (stop.stop_requested()) return;  // whoever asked has moved on
  if (scan) {
    emit pre_scanned(*scan);
  } else {
    emit failed(id, problem_of(scan.error()));
  }
}

bool is_supported_name(const QString& path) {
  return retrieval::is_supported_suffix(utf8_of(path));
}

void LibraryWorker::take_text(RequestId id, QString text) {
  post([this, id, text = std::move(text)] {
    auto paths = existing_paths(text);
    if (!paths.empty()) {
      emit paths_found(id, paths);
      return;
    }
    if (const auto problem = why_not(false)) {
      emit failed(id, *problem);
      return;
    }
    const auto note = returning([&] { return write_note(session().paths().data, text); });
    if (note) {
      emit paths_found(id, {*note});
    } else {
      emit failed(id, problem_of(note.error()));
    }
  });
}

// --- reading

/// What is not to be had is left out: the list does without.
void LibraryWorker::measure_documents(std::vector<DocumentId> documents) {
  post([this, documents = std::move(documents)] {
    std::vector<DocumentExtent> extents;
    for (const auto id : documents) {
      if (!has_session()) return;
      const auto last = session().library().last_chunk(id);
      if (last && *last) extents.push_back(extent_of(**last));
    }
    emit extents_known(extents);
  });
}

void LibraryWorker::read_document(RequestId id, DocumentId document) {
  post([this, id, document] {
    if (const auto problem = why_not(false)) {
      emit failed(id, *problem);
      return;
    }
    auto text = returning([&] { return read_document_text(session(), document); });
    if (!text) {
      emit failed(id, problem_of(text.error()));
      return;
    }
    text->id = id;
    emit document_text(*text);
  });
}

void LibraryWorker::draw_page(RequestId id, ChunkId passage, int pixel_width) {
  drawing_.stop();
  post([this, id, passage, pixel_width, stop = drawing_.begin()] {
    const auto problem = why_not(false);
    auto picture =
        problem ? Result<PagePicture>(Error{ErrorCode::kBusy, ""})
                : returning([&] { return draw_page_of(session(), passage, pixel_width, stop); });
    if (picture) {
      picture->id = id;
      emit page_drawn(*picture);
    } else {
      emit page_not_drawn(id, problem ? *problem : problem_of(picture.error()));
    }
  });
}

void LibraryWorker::stop_drawing() { drawing_.stop(); }

}  // namespace kvlink::desk
