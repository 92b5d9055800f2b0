// SPDX-License-Identifier: Apache-2.0
#include "inference/engine_arena.h"

#include <algorithm>
#include <utility>

namespace kvlink::inference {

std::unique_ptr<EncodeArena> EncodeArenas::take(std::span<const std::int32_t> prefix,
                                                std::int64_t n_rows) {
  {
    const std::lock_guard lock(mutex_);
    const auto holds_prefix = [&](const auto& arena) {
      return std::equal(prefix.begin(), prefix.end(), arena->prefix.begin(), arena->prefix.end());
    };
    auto found = std::find_if(idle_.begin(), idle_.end(), holds_prefix);
    if (found == idle_.end() && !idle_.empty()) found = idle_.begin();
    if (found != idle_.end()) {
      auto arena = std::move(*found);
      idle_.erase(found);
      if (n_rows <= arena->cache.capacity()) {
        if (!holds_prefix(arena)) {
          arena->prefix.clear();
          arena->cache.truncate(0);
        }
        return arena;
      }
    }
  }
  return std::make_unique<EncodeArena>(make_cache_((n_rows + kRows - 1) / kRows * kRows));
}

void EncodeArenas::give_back(std::unique_ptr<EncodeArena> arena) {
  arena->cache.truncate(static_cast<std::int64_t>(arena->prefix.size()));
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kKept) idle_.push_back(std::move(arena));
}

}  // namespace kvlink::inference
