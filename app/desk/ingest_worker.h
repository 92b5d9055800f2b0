// SPDX-License-Identifier: Apache-2.0
// Files become searchable, then cached, one run after the other, on a thread of their own.
#pragma once

#include <condition_variable>

#include "app/desk/library_messages.h"
#include "app/desk/library_worker.h"
#include "app/desk/worker.h"

namespace kvlink::desk {

class IngestWorker : public Worker {
  Q_OBJECT

 public:
  explicit IngestWorker(QObject* parent = nullptr) : Worker(parent) {}

  /// Adds files and folders; waits for the runs before it. Documents that did not change cost their
  /// reading only. Ends with finished or failed.
  void add(RequestId id, AddRequest request);
  /// Encodes what has no block of these documents; empty: of all. Those that are no more are left
  /// out.
  void encode(RequestId id, std::vector<DocumentId> documents);

  /// Takes effect between two files or passages; what is committed stays. Any thread, at once.
  void pause();
  void resume();
  /// Ends the run in work and those that wait. Any thread, at once.
  void cancel();
  bool is_paused() const;

 signals:
  /// encode() was called; told by itself, in the thread that calls it.
  void encoding_asked(kvlink::desk::RequestId id,
                      const std::vector<kvlink::desk::DocumentId>& documents);
  void status_changed(const kvlink::desk::IngestStatus& status);
  void finished(kvlink::desk::RequestId id, const kvlink::desk::IngestSummary& summary);
  void failed(kvlink::desk::RequestId id, const kvlink::desk::Problem& problem);
  void rows_in_progress(const std::vector<kvlink::desk::DocumentRow>& rows);
  void blocks_changed();
  /// No row is in work any more.
  void run_ended();
  void rates_measured(const kvlink::desk::MeasuredRates& rates);

 protected:
  void interrupt() override;

 private:
  /// One run's bookkeeping; its callbacks come on this worker's thread.
  class Run;

  void perform(RequestId id, const AddRequest& request, std::stop_token stop);
  void perform_encoding(RequestId id, std::vector<DocumentId> documents, std::stop_token stop);
  void tell(const IngestStatus& status);
  void end_run();
  /// Blocks while paused, until told otherwise or to stop.
  void wait_while_paused(const std::stop_token& stop);
  std::stop_token run_token();

  mutable std::mutex mutex_;
  std::condition_variable_any pause_changed_;
  bool paused_ = false;        // guarded by mutex_
  std::stop_source run_stop_;  // guarded by mutex_
  IngestStatus status_;
};

}  // namespace kvlink::desk
