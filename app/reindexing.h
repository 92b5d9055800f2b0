// SPDX-License-Identifier: Apache-2.0
// A newly chosen embedder reads every passage, while the one before goes on finding them.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "app/session.h"

namespace kvlink::app {

struct ReindexReport {
  std::int64_t n_embedded = 0;
  bool done = false;  ///< the chosen embedder serves, every passage has its vector
};

/// Passages that have their vector, and all.
using ReindexProgress = std::function<void(std::int64_t done, std::int64_t total)>;

/// Embeds passages without a vector of the session's chosen embedder, a few at a time; each few are
/// kept, so that a stop, a kill or a failure costs nothing that was done. Then the chosen embedder
/// serves. Runs on the calling thread; questions come first, and documents may be added and removed
/// meanwhile. A stop is no error: then `done` is false. Needs Parts::kSearch.
Result<ReindexReport> reindex(Session& session, const ReindexProgress& progress,
                              std::stop_token stop);

}  // namespace kvlink::app
