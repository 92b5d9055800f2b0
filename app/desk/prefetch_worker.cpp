// SPDX-License-Identifier: Apache-2.0
#include "app/desk/prefetch_worker.h"

#include <QElapsedTimer>
#include <variant>

#include "retrieval/query_filter.h"

namespace kvlink::desk {

void PrefetchWorker::prefetch(RequestId id, QString text, std::vector<DocumentId> scope) {
  std::stop_source stop;
  {
    const std::lock_guard lock(current_mutex_);
    current_.request_stop();
    current_ = stop;
  }
  post([this, id, text = std::move(text), scope = std::move(scope), stop] {
    perform(id, text, scope, stop.get_token());
  });
}

void PrefetchWorker::cancel() { interrupt(); }

void PrefetchWorker::interrupt() {
  const std::lock_guard lock(current_mutex_);
  current_.request_stop();
}

void PrefetchWorker::perform(RequestId id, const QString& text,
                             const std::vector<DocumentId>& scope, std::stop_token stop) {
  if (!has_model() || stop.stop_requested() || text.trimmed().isEmpty()) return;
  QElapsedTimer clock;
  clock.start();
  PrefetchReport report{.id = id, .text = text};
  const auto done = returning([&] {
    const std::string words = utf8_of(text);
    const std::string plain = retrieval::plain_question(words);
    auto held = session().hold_embedder();
    const auto vector =
        value_or_throw(session().embed(std::span(&plain, 1), inference::Priority::kQuestion));
    if (stop.stop_requested()) return;
    retrieval::SearchRequest request;
    request.text = words;
    request.vector = vector;
    request.limit = session().settings().chunks_per_answer;
    request.documents = scope;
    const auto hits = value_or_throw(session().library().search(request));
    held.unlock();
    for (const auto& hit : hits) {
      if (stop.stop_requested()) return;
      const auto tokens = session().engine().tokenizer().encode(hit.chunk.prompt());
      const auto key = session().encoding().key(tokens);
      if (!session().store().contains(key)) continue;
      QElapsedTimer reading;
      reading.start();
      const auto found = session().store().load(key, session().encoding().block_ids(tokens));
      if (const auto* block = std::get_if<cache::Hit>(&found)) {
        ++report.n_blocks;
        if (block->tier != cache::Tier::kDisk) continue;
        const double took = static_cast<double>(reading.nsecsElapsed()) / 1e6;
        report.read.push_back({hit.chunk.id, block->bytes_read, took});
      }
    }
  });
  // Reading ahead is a favour: when it fails, the question itself says why. What was read before a
  // stop is in memory and is told.
  if (!done || (stop.stop_requested() && report.read.empty())) return;
  report.milliseconds = static_cast<double>(clock.nsecsElapsed()) / 1e6;
  emit prefetched(report);
}

}  // namespace kvlink::desk
