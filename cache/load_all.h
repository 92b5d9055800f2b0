// SPDX-License-Identifier: Apache-2.0
// Several blocks out of a store at a time.
#pragma once

#include <span>
#include <stop_token>
#include <vector>

#include "cache/kv_store.h"

namespace kvlink::cache {

struct BlockRequest {
  BlockKey key;
  std::span<const std::int32_t> token_ids;
};

/// store.load() of every request, in their order, on up to n_threads threads with the caller's: one
/// core neither fills the memory with copying and checksums nor keeps a disk busy. A requested stop
/// ends it within a block; the rest are Misses that say so.
std::vector<Lookup> load_all(KvStore& store, std::span<const BlockRequest> requests, int n_threads,
                             const std::stop_token& stop);

}  // namespace kvlink::cache
