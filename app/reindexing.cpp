// SPDX-License-Identifier: Apache-2.0
#include "app/reindexing.h"

#include <algorithm>
#include <string>
#include <vector>

namespace kvlink::app {
namespace {

constexpr std::int64_t kBatch = 8;  // small, so that a question need not wait long

/// All passages that lack a vector now, in order of their ids.
void embed_lacking(Session& session, ReindexReport& report, const ReindexProgress& progress,
                   const std::stop_token& stop) {
  auto& library = session.library();
  const std::int64_t total = library.n_chunks();
  std::int64_t done = total - value_or_throw(library.n_chunks_to_embed());
  retrieval::ChunkId after = 0;
  for (;;) {
    const auto chunks = value_or_throw(library.chunks_to_embed(after, kBatch));
    if (chunks.empty() || stop.stop_requested()) return;
    std::vector<std::string> texts;
    std::vector<retrieval::ChunkId> ids;
    for (const auto& chunk : chunks) {
      texts.push_back(chunk.prompt());
      ids.push_back(chunk.id);
    }
    auto vectors = session.embed_anew(texts, stop);
    if (!vectors && vectors.error().code == ErrorCode::kCancelled) return;
    value_or_throw(library.add_vectors(ids, value_or_throw(std::move(vectors))));
    after = ids.back();
    report.n_embedded += std::ssize(ids);
    done += std::ssize(ids);
    if (progress) progress(done, std::max(total, done));
  }
}

}  // namespace

Result<ReindexReport> reindex(Session& session, const ReindexProgress& progress,
                              std::stop_token stop) {
  return returning([&] {
    ReindexReport report;
    auto& library = session.library();
    // Documents that are added meanwhile lack vectors too: until nothing does.
    while (!stop.stop_requested() && !report.done) {
      const auto before = report.n_embedded;
      embed_lacking(session, report, progress, stop);
      if (stop.stop_requested()) break;
      report.done = value_or_throw(session.switch_embedder());
      if (!report.done && report.n_embedded == before &&
          value_or_throw(library.n_chunks_to_embed()) > 0) {
        fail(ErrorCode::kCorrupt,
             "some passages cannot be given a vector; `kvlink doctor` says more");
      }
    }
    return report;
  });
}

}  // namespace kvlink::app
