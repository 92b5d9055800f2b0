// SPDX-License-Identifier: Apache-2.0
#include "app/desk/cache_worker.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "app/desk/document_stages.h"

namespace kvlink::desk {
namespace {

constexpr int kTotalsMs = 100;
/// One transaction and one progress step each.
constexpr std::size_t kBatch = 256;

bool in_reading_order(const BlockItem& a, const BlockItem& b) {
  if (a.document != b.document) return a.document < b.document;
  return a.ordinal != b.ordinal ? a.ordinal < b.ordinal : a.row.id < b.row.id;
}

}  // namespace

void CacheWorker::interrupt() { requests_.stop_all(); }

void CacheWorker::session_opened() { tell_totals(); }

// --- what there is

void CacheWorker::note_change() {
  post([this] {
    if (totals_timer_ == nullptr) {
      totals_timer_ = new QTimer(this);
      totals_timer_->setSingleShot(true);
      connect(totals_timer_, &QTimer::timeout, this, &CacheWorker::tell_totals);
    }
    if (!totals_timer_->isActive()) totals_timer_->start(kTotalsMs);
  });
}

void CacheWorker::tell_totals() {
  if (!has_session()) return;
  CacheTotals totals;
  totals.totals = session().store().totals();
  const auto options = session().store().options();
  totals.disk_budget_bytes = options.disk_budget_bytes;
  totals.memory_budget_bytes = options.memory_budget_bytes;
  if (has_model()) totals.gpu = session().engine().device_tier();
  emit totals_changed(totals);
}

void CacheWorker::take_snapshot(RequestId id) {
  post([this, id] {
    if (const auto problem = why_not(false)) {
      emit failed(id, *problem);
      return;
    }
    auto snapshot = returning([&] { return snapshot_now(); });
    if (snapshot) {
      emit snapshot_ready(id, std::make_shared<const CacheSnapshot>(std::move(*snapshot)));
    } else {
      emit failed(id, problem_of(snapshot.error()));
    }
  });
}

CacheSnapshot CacheWorker::snapshot_now() {
  std::map<Digest, std::pair<DocumentId, std::int64_t>> places;  // the first that has the text
  for (const auto& chunk : value_or_throw(session().library().chunk_contents())) {
    places.try_emplace(chunk.content, chunk.document, chunk.ordinal);
  }
  std::set<Digest> on_gpu;
  if (has_model()) {
    for (const auto& id : session().engine().device_blocks()) on_gpu.insert(id);
  }
  CacheSnapshot snapshot;
  for (auto& row : value_or_throw(session().store().list())) {
    BlockItem item;
    item.stale = !is_current(session(), row);
    item.on_gpu = on_gpu.contains(row.id);
    item.row = std::move(row);
    const auto place = places.find(item.row.content);
    if (place != places.end()) std::tie(item.document, item.ordinal) = place->second;
    snapshot.blocks.push_back(std::move(item));
  }
  std::sort(snapshot.blocks.begin(), snapshot.blocks.end(), in_reading_order);
  for (const auto& document : value_or_throw(session().library().documents())) {
    snapshot.documents.push_back(
        {document.id, text_of(document.path), text_of(document.title), document.n_chunks});
  }
  return snapshot;
}

std::vector<Digest> CacheWorker::ids_of(const BlockSelection& selection) {
  std::vector<Digest> ids = selection.ids;
  const bool by_row = selection.all || selection.stale || !selection.documents.empty();
  if (by_row) {
    std::set<Digest> contents;
    const std::set<DocumentId> documents(selection.documents.begin(), selection.documents.end());
    if (!documents.empty()) {
      for (const auto& chunk : value_or_throw(session().library().chunk_contents())) {
        if (documents.contains(chunk.document)) contents.insert(chunk.content);
      }
    }
    for (const auto& row : value_or_throw(session().store().list())) {
      const bool wanted = selection.all || contents.contains(row.content) ||
                          (selection.stale && !is_current(session(), row));
      if (wanted) ids.push_back(row.id);
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

// --- what is done to it

void CacheWorker::pin(RequestId id, BlockSelection selection, bool pinned) {
  start(id, pinned ? CacheAction::kPin : CacheAction::kUnpin, std::move(selection),
        [this, pinned](const cache::BlockFilter& filter, CacheReport& report, std::stop_token) {
          report.n_blocks += value_or_throw(session().store().set_pinned(filter, pinned));
        });
}

void CacheWorker::evict(RequestId id, BlockSelection selection, bool pinned_too) {
  const auto pinned = pinned_too ? cache::KvStore::Pinned::kInclude : cache::KvStore::Pinned::kKeep;
  start(id, CacheAction::kEvict, std::move(selection),
        [this, pinned](const cache::BlockFilter& filter, CacheReport& report, std::stop_token) {
          report.n_blocks += value_or_throw(session().store().evict(filter, pinned));
        });
}

void CacheWorker::verify(RequestId id, BlockSelection selection) {
  start(id, CacheAction::kVerify, std::move(selection),
        [this](const cache::BlockFilter& filter, CacheReport& report, std::stop_token stop) {
          const auto checked = value_or_throw(session().store().verify(filter, {}, stop));
          report.n_blocks += checked.n_checked;
          report.n_damaged += checked.n_damaged;
          for (const auto& problem : checked.problems) report.notices.push_back(text_of(problem));
        });
}

void CacheWorker::cancel(RequestId id) { requests_.stop(id); }

void CacheWorker::start(RequestId id, CacheAction action, BlockSelection selection, Step step) {
  post([this, id, action, selection = std::move(selection), step = std::move(step),
        stop = requests_.begin(id)] {
    if (const auto problem = why_not(false)) {
      emit failed(id, *problem);
    } else {
      perform(id, action, selection, step, stop);
    }
    requests_.end(id);
  });
}

void CacheWorker::perform(RequestId id, CacheAction action, const BlockSelection& selection,
                          const Step& step, std::stop_token stop) {
  CacheReport report{.id = id, .action = action};
  const auto done = returning([&] {
    const auto ids = ids_of(selection);
    const auto total = static_cast<std::int64_t>(ids.size());
    for (std::size_t at = 0; at < ids.size() && !stop.stop_requested(); at += kBatch) {
      emit progress({id, action, static_cast<std::int64_t>(at), total});
      cache::BlockFilter filter;
      const auto end = std::min(ids.size(), at + kBatch);
      filter.ids.assign(ids.begin() + static_cast<std::ptrdiff_t>(at),
                        ids.begin() + static_cast<std::ptrdiff_t>(end));
      step(filter, report, stop);
    }
    if (!stop.stop_requested()) emit progress({id, action, total, total});
  });
  report.cancelled = stop.stop_requested();
  tell_totals();
  emit blocks_changed();
  if (done) {
    emit this->done(report);
  } else {
    emit failed(id, problem_of(done.error()));
  }
}

}  // namespace kvlink::desk
