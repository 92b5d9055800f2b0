// SPDX-License-Identifier: Apache-2.0
// The KV store for the inspector: snapshots, totals, and what is done to blocks.
#pragma once

#include <QTimer>
#include <functional>

#include "app/desk/cache_messages.h"
#include "app/desk/request_stops.h"
#include "app/desk/worker.h"

namespace kvlink::desk {

/// Rebuilding blocks is the ingestion's work: IngestWorker::encode.
class CacheWorker : public Worker {
  Q_OBJECT

 public:
  explicit CacheWorker(QObject* parent = nullptr) : Worker(parent) {}

  /// snapshot_ready follows; asked for by whoever shows the table.
  void take_snapshot(RequestId id);
  void pin(RequestId id, BlockSelection selection, bool pinned);
  /// Blocks that are evicted are computed again when a question needs them. Pinned ones stay
  /// unless `pinned_too`.
  void evict(RequestId id, BlockSelection selection, bool pinned_too);
  /// Reads and checks every block: progress, then done.
  void verify(RequestId id, BlockSelection selection);
  /// Any thread, at once.
  void cancel(RequestId id);

  /// Blocks may have changed (from the other workers): totals_changed within a tenth of a second.
  void note_change();

 signals:
  /// At most ten a second; a shown table then takes a snapshot.
  void totals_changed(const kvlink::desk::CacheTotals& totals);
  void snapshot_ready(kvlink::desk::RequestId id,
                      std::shared_ptr<const kvlink::desk::CacheSnapshot> snapshot);
  void progress(const kvlink::desk::CacheProgress& progress);
  void done(const kvlink::desk::CacheReport& report);
  void failed(kvlink::desk::RequestId id, const kvlink::desk::Problem& problem);
  /// Blocks left: the library counts its stages anew.
  void blocks_changed();

 protected:
  void session_opened() override;
  void interrupt() override;

 private:
  /// What is done to one batch of blocks. Throws.
  using Step = std::function<void(const cache::BlockFilter&, CacheReport&, std::stop_token)>;

  void tell_totals();
  CacheSnapshot snapshot_now();
  std::vector<Digest> ids_of(const BlockSelection& selection);
  void start(RequestId id, CacheAction action, BlockSelection selection, Step step);
  void perform(RequestId id, CacheAction action, const BlockSelection& selection, const Step& step,
               std::stop_token stop);

  QTimer* totals_timer_ = nullptr;
  RequestStops requests_;
};

}  // namespace kvlink::desk
