// SPDX-License-Identifier: Apache-2.0
#include "cache/load_all.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

namespace kvlink::cache {
namespace {

/// Blocks that pay for waking a thread.
constexpr std::size_t kBlocksPerThread = 2;

}  // namespace

std::vector<Lookup> load_all(KvStore& store, std::span<const BlockRequest> requests, int n_threads,
                             const std::stop_token& stop) {
  std::vector<Lookup> lookups(requests.size(), Miss{MissReason::kIo, "The reading was stopped."});
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < requests.size() && !stop.stop_requested(); i = next++) {
      lookups[i] = store.load(requests[i].key, requests[i].token_ids);
    }
  };
  const std::size_t wanted = std::min(static_cast<std::size_t>(std::max(n_threads, 1)),
                                      requests.size() / kBlocksPerThread);
  std::vector<std::jthread> others;
  try {
    while (others.size() + 1 < wanted) others.emplace_back(work);
  } catch (const std::system_error&) {  // no thread to be had: the caller does it all
  }
  work();
  others.clear();  // joins them
  return lookups;
}

}  // namespace kvlink::cache
