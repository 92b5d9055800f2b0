// SPDX-License-Identifier: Apache-2.0
#include "app/desk/reindex_worker.h"

#include <chrono>

#include "app/reindexing.h"
#include "app/throttle.h"

namespace kvlink::desk {
namespace {

constexpr auto kTellInterval = std::chrono::seconds(1);

}  // namespace

void ReindexWorker::session_opened() {
  if (!has_model()) return;
  // After what is posted already: the session may be about to go again.
  post([this, stop = stop_.begin()] {
    if (has_session() && !stop.stop_requested()) perform(stop);
  });
}

void ReindexWorker::interrupt() { stop_.stop(); }

void ReindexWorker::perform(std::stop_token stop) {
  const auto lacking = session().library().n_chunks_to_embed();
  const bool old_serves = session().is_between_embedders();
  if (!lacking || (*lacking == 0 && !old_serves)) return;
  ReindexStatus status{.old_serves = old_serves};
  app::Throttle throttle(kTellInterval);
  const auto report = app::reindex(
      session(),
      [&](std::int64_t done, std::int64_t total) {
        status.n_done = done;
        status.n_passages = total;
        if (throttle.is_due()) emit progress(status);
      },
      std::move(stop));
  if (!report) {
    emit failed(problem_of(report.error()));
  } else if (report->done) {
    status.done = true;
    emit progress(status);
  }
}

}  // namespace kvlink::desk
