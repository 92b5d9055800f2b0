// SPDX-License-Identifier: Apache-2.0
// Which blocks leave when room is needed: one rule for the disk and the memory tier.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cache/kv_store.h"
#include "kernels/base/sha256.h"

namespace kvlink::cache {

/// What is known of a block's worth.
struct BlockUse {
  double cost_ms = 0;         ///< what getting it back takes: encoding (disk), loading (memory)
  std::int64_t bytes = 0;     ///< what removing it frees
  std::int64_t n_uses = 0;    ///< times it was wanted, its making included
  std::int64_t last_use = 0;  ///< a counter, not a clock
  double gdsf_priority = 0;   ///< ageing clock at its last use + cost x uses / bytes
};

/// GDSF priority of a block used when the ageing clock stood at `clock`. The clock is the highest
/// priority evicted so far: what is not used again falls behind it (Cherkasova 1998).
double gdsf_priority(const BlockUse& use, double clock);

struct Candidate {
  Digest id;
  BlockUse use;
};

/// The blocks to remove so that at least `needed_bytes` become free, least worth first, and none
/// without which the rest still suffices. Nothing when all of them together do not suffice.
std::optional<std::vector<Candidate>> choose_victims(Eviction policy,
                                                     std::vector<Candidate> candidates,
                                                     std::int64_t needed_bytes);

}  // namespace kvlink::cache
