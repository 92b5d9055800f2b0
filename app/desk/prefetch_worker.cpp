// SPDX-License-Identifier: Apache-2.0
#include "app/desk/prefetch_worker.h"

#include <QElapsedTimer>
#include <chrono>
#include <optional>
#include <variant>

#include "retrieval/query_filter.h"

namespace kvlink::desk {

namespace {

/// The stored block of a passage, in memory from here on; nothing where there is none.
std::optional<cache::Hit> block_of(app::Session& session, const retrieval::StoredChunk& chunk) {
  const auto tokens = session.engine().tokenizer().encode(chunk.prompt());
  const auto key = session.encoding().key(tokens);
  if (!session.store().contains(key)) return std::nullopt;
  auto found = session.store().load(key, session.encoding().block_ids(tokens));
  auto* hit = std::get_if<cache::Hit>(&found);
  return hit == nullptr ? std::nullopt : std::optional(std::move(*hit));
}

}  // namespace

std::stop_token PrefetchWorker::begin() {
  const std::lock_guard lock(current_mutex_);
  current_.request_stop();
  current_ = std::stop_source();
  return current_.get_token();
}

void PrefetchWorker::prefetch(RequestId id, QString text, std::vector<DocumentId> scope) {
  post([this, id, text = std::move(text), scope = std::move(scope), stop = begin()] {
    perform(id, text, scope, stop);
  });
}

void PrefetchWorker::warm(RequestId id, std::vector<DocumentId> documents) {
  post([this, id, documents = std::move(documents), stop = begin()] {
    if (const auto problem = why_not(true)) {
      emit failed(id, *problem);
      return;
    }
    const auto done = returning([&] { warm_now(id, documents, stop); });
    if (!done) emit failed(id, problem_of(done.error()));
  });
}

void PrefetchWorker::warm_now(RequestId id, const std::vector<DocumentId>& documents,
                              std::stop_token stop) {
  qint64 n_blocks = 0;
  qint64 n_missing = 0;
  // What was read before a stop is in memory and is told.
  for (const auto document : documents) {
    if (stop.stop_requested()) break;
    for (const auto& chunk : value_or_throw(session().library().chunks(document))) {
      if (stop.stop_requested()) break;
      ++(block_of(session(), chunk) ? n_blocks : n_missing);
    }
  }
  emit warmed(id, n_blocks, n_missing);
}

void PrefetchWorker::set_settings(app::Settings settings) {
  post([this, n = settings.chunks_per_answer] { n_passages_ = n; });
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
    const std::string plain = retrieval::question_to_embed(words);
    auto held = session().hold_embedder();
    const auto vector =
        value_or_throw(session().embed(std::span(&plain, 1), inference::Priority::kQuestion));
    if (stop.stop_requested()) return;
    retrieval::SearchRequest request;
    request.text = words;
    request.vector = vector;
    request.limit = n_passages_;
    request.documents = scope;
    const auto hits = value_or_throw(session().library().search(request));
    held.unlock();
    for (const auto& hit : hits) {
      if (stop.stop_requested()) return;
      const auto block = block_of(session(), hit.chunk);
      if (!block) continue;
      ++report.n_blocks;
      if (block->tier != cache::Tier::kDisk) continue;
      const auto took = std::chrono::duration<double, std::milli>(block->read + block->verify);
      report.read.push_back({hit.chunk.id, block->bytes_read, took.count()});
    }
  });
  // Reading ahead is a favour: when it fails, the question itself says why. What was read before a
  // stop is in memory and is told.
  if (!done || (stop.stop_requested() && report.read.empty())) return;
  report.milliseconds = static_cast<double>(clock.nsecsElapsed()) / 1e6;
  emit prefetched(report);
}

}  // namespace kvlink::desk
