// SPDX-License-Identifier: Apache-2.0
#include "app/desk/ingest_worker.h"

#include <filesystem>
#include <set>

#include "app/desk/ingest_run.h"
#include "app/file_bytes.h"
#include "app/folder_sync.h"

namespace kvlink::desk {

/// One run and the Ingestion it listens to.
class IngestWorker::Run {
 public:
  Run(IngestWorker& worker, std::stop_token stop)
      : worker_(worker),
        stop_(std::move(stop)),
        told_(worker.session(), listener()),
        ingestion_(worker.session(), [this](const app::IngestProgress& progress) {
          told_.progress(progress);
          worker_.wait_while_paused(stop_);
        }) {
    ingestion_.set_events(told_.events());
  }

  Result<app::IngestReport> add(const AddRequest& request) {
    told_.exclude(request.excluded_suffixes, request.excluded_paths);
    if (request.followed) told_.skip_unchanged();
    ingestion_.set_password(utf8_of(request.password));
    auto paths = paths_of(request.paths);
    if (request.followed) {
      app::ScanOptions in_folders;
      in_folders.names_are_found = true;
      ingestion_.set_scan(in_folders);
      std::erase_if(paths, [](const auto& path) { return !app::look_at(path); });
    }
    const auto caching =
        request.caching ? app::Ingestion::Caching::kYes : app::Ingestion::Caching::kNo;
    const auto rereading =
        request.read_again ? app::Ingestion::Rereading::kAll : app::Ingestion::Rereading::kChanged;
    auto report = ingestion_.add(paths, caching, stop_, rereading);
    told_.flush();
    // What was renamed is found by its content before its old name is taken for gone.
    if (!report || report->cancelled || request.gone_below.empty()) return report;
    const auto synced =
        app::drop_missing(worker_.session(), paths_of(request.gone_below), paths_of(request.gone));
    if (!synced) return synced.error();
    return report;
  }

  Result<app::EncodeReport> encode(const std::vector<DocumentId>& documents) {
    auto report = ingestion_.cache_documents(documents, stop_);
    told_.flush();
    return report;
  }

 private:
  static std::vector<std::filesystem::path> paths_of(const std::vector<QString>& texts) {
    std::vector<std::filesystem::path> paths;
    for (const auto& text : texts) paths.emplace_back(utf8_of(text));
    return paths;
  }

  IngestRun::Listener listener() {
    return {.on_rows = [this](const auto& rows) { emit worker_.rows_in_progress(rows); },
            .on_status = [this](const auto& status) { worker_.tell(status); },
            .on_rates = [this](const auto& rates) { emit worker_.rates_measured(rates); },
            .on_blocks = [this] { emit worker_.blocks_changed(); }};
  }

  IngestWorker& worker_;
  std::stop_token stop_;
  IngestRun told_;
  app::Ingestion ingestion_;
};

// --- requests

void IngestWorker::add(RequestId id, AddRequest request) {
  post(
      [this, id, request = std::move(request), stop = run_token()] { perform(id, request, stop); });
}

void IngestWorker::encode(RequestId id, std::vector<DocumentId> documents) {
  emit encoding_asked(id, documents);
  post([this, id, documents = std::move(documents), stop = run_token()]() mutable {
    perform_encoding(id, std::move(documents), stop);
  });
}

void IngestWorker::pause() {
  const std::lock_guard lock(mutex_);
  paused_ = true;
}

void IngestWorker::resume() {
  {
    const std::lock_guard lock(mutex_);
    paused_ = false;
  }
  pause_changed_.notify_all();
}

bool IngestWorker::is_paused() const {
  const std::lock_guard lock(mutex_);
  return paused_;
}

void IngestWorker::cancel() {
  resume();
  interrupt();
}

void IngestWorker::interrupt() {
  {
    const std::lock_guard lock(mutex_);
    run_stop_.request_stop();
    run_stop_ = std::stop_source();
  }
  pause_changed_.notify_all();  // who waits is told to stop; what goes on later is paused still
}

std::stop_token IngestWorker::run_token() {
  const std::lock_guard lock(mutex_);
  return run_stop_.get_token();
}

// --- in the worker's thread

void IngestWorker::wait_while_paused(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!paused_) return;
  IngestStatus waiting = status_;
  waiting.paused = true;
  waiting.seconds_left.reset();
  emit status_changed(waiting);
  pause_changed_.wait(lock, stop, [&] { return !paused_; });
}

void IngestWorker::tell(const IngestStatus& status) {
  status_ = status;
  emit status_changed(status_);
}

void IngestWorker::end_run() {
  tell({});
  emit run_ended();
  emit blocks_changed();
}

void IngestWorker::perform(RequestId id, const AddRequest& request, std::stop_token stop) {
  if (const auto problem = why_not(true)) {
    emit failed(id, *problem);
    return;
  }
  IngestSummary summary;
  summary.cancelled = true;
  if (!stop.stop_requested()) {
    const auto report = Run(*this, stop).add(request);
    end_run();
    if (!report) {
      emit failed(id, problem_of(report.error()));
      return;
    }
    summary = summary_of(*report);
  }
  summary.followed = request.followed;
  emit finished(id, summary);
}

void IngestWorker::perform_encoding(RequestId id, std::vector<DocumentId> documents,
                                    std::stop_token stop) {
  if (const auto problem = why_not(true)) {
    emit failed(id, *problem);
    return;
  }
  const auto report = returning([&] {
    const std::set<DocumentId> wanted(documents.begin(), documents.end());
    std::vector<DocumentId> there;
    for (const auto& document : value_or_throw(session().library().documents())) {
      if (wanted.empty() || wanted.contains(document.id)) there.push_back(document.id);
    }
    return value_or_throw(Run(*this, stop).encode(there));
  });
  end_run();
  if (!report) {
    emit failed(id, problem_of(report.error()));
    return;
  }
  IngestSummary summary;
  summary.n_blocks_made = report->n_encoded;
  summary.seconds = report->seconds;
  summary.cancelled = report->cancelled;
  if (!report->stopped_because.empty()) {
    summary.notices.push_back(text_of(report->stopped_because));
  }
  emit finished(id, summary);
}

}  // namespace kvlink::desk
