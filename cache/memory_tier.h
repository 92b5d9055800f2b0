// SPDX-License-Identifier: Apache-2.0
// Blocks kept in memory inside a byte budget, by the same eviction rule as the disk.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "cache/block_index.h"
#include "kernels/base/kv_block.h"

namespace kvlink::cache {

/// Not thread-safe: guarded by the store's state mutex. Blocks in use elsewhere live on after they
/// leave. Pins keep a block on disk, not in memory.
class MemoryTier {
 public:
  MemoryTier(Eviction policy, std::int64_t budget_bytes)
      : policy_(policy), budget_bytes_(budget_bytes) {}

  /// The block, counted as used; null when absent.
  std::shared_ptr<const KvBlock> find(const Digest& id);
  /// Keeps `block` when it fits the budget at all; `load_ms` is what reading it took.
  void insert(const Digest& id, std::shared_ptr<const KvBlock> block, double load_ms);
  /// What is too much leaves at once.
  void set_budget(std::int64_t bytes);
  bool contains(const Digest& id) const { return kept_.contains(id); }
  void erase(const Digest& id);
  void clear();
  std::int64_t bytes() const { return bytes_; }

 private:
  struct Kept {
    std::shared_ptr<const KvBlock> block;
    BlockUse use;
  };
  void touch(Kept& kept);
  void make_room(std::int64_t bytes);

  Eviction policy_;
  std::int64_t budget_bytes_;
  std::unordered_map<Digest, Kept, DigestHash> kept_;
  std::int64_t bytes_ = 0;
  std::int64_t use_clock_ = 0;
  double gdsf_clock_ = 0;
};

}  // namespace kvlink::cache
