// SPDX-License-Identifier: Apache-2.0
#include "cache/memory_tier.h"

#include <algorithm>
#include <utility>

namespace kvlink::cache {

void MemoryTier::touch(Kept& kept) {
  ++kept.use.n_uses;
  kept.use.last_use = ++use_clock_;
  kept.use.gdsf_priority = gdsf_priority(kept.use, gdsf_clock_);
}

std::shared_ptr<const KvBlock> MemoryTier::find(const Digest& id) {
  const auto found = kept_.find(id);
  if (found == kept_.end()) return nullptr;
  touch(found->second);
  return found->second.block;
}

/// For `bytes` more than are kept, which the budget has room for.
void MemoryTier::make_room(std::int64_t bytes) {
  const std::int64_t needed = bytes_ + bytes - budget_bytes_;
  if (needed <= 0) return;
  std::vector<Candidate> candidates;
  for (const auto& [other, kept] : kept_) candidates.push_back({other, kept.use});
  const auto victims = choose_victims(policy_, std::move(candidates), needed);
  for (const Candidate& victim : victims.value()) {
    gdsf_clock_ = std::max(gdsf_clock_, victim.use.gdsf_priority);
    erase(victim.id);
  }
}

void MemoryTier::set_budget(std::int64_t bytes) {
  budget_bytes_ = bytes;
  make_room(0);
}

void MemoryTier::insert(const Digest& id, std::shared_ptr<const KvBlock> block, double load_ms) {
  const auto bytes = static_cast<std::int64_t>(block->bytes().size());
  if (bytes > budget_bytes_ || kept_.contains(id)) return;
  make_room(bytes);
  Kept kept{.block = std::move(block), .use = {.cost_ms = load_ms, .bytes = bytes}};
  touch(kept);
  bytes_ += bytes;
  kept_.emplace(id, std::move(kept));
}

void MemoryTier::erase(const Digest& id) {
  const auto found = kept_.find(id);
  if (found == kept_.end()) return;
  bytes_ -= found->second.use.bytes;
  kept_.erase(found);
}

void MemoryTier::clear() {
  kept_.clear();
  bytes_ = 0;
}

}  // namespace kvlink::cache
