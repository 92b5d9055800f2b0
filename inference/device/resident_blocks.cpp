// SPDX-License-Identifier: Apache-2.0
#include "inference/device/resident_blocks.h"

#include <algorithm>
#include <iterator>

#include "kernels/base/result.h"

namespace kvlink::inference {

void ResidentBlocks::set_budget(std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  budget_bytes_ = bytes;
  ++n_load_;  // no load needs what the last one used
  while (counts_.used_bytes > budget_bytes_ && evict_one()) {
  }
}

void ResidentBlocks::begin_load() {
  const std::lock_guard lock(mutex_);
  ++n_load_;
  // What nobody can ask for again goes first.
  std::erase_if(blocks_, [&](const Block& b) {
    const bool is_gone = b.id == Digest{} && b.owner.expired();
    if (is_gone) counts_.used_bytes -= b.bytes.size();
    return is_gone;
  });
}

ResidentBlocks::Block* ResidentBlocks::find(const KvLoad& load) {
  const bool has_id = load.id != Digest{};
  const auto found = std::find_if(blocks_.begin(), blocks_.end(), [&](const Block& b) {
    if (has_id) return b.id == load.id;
    return b.id == Digest{} && b.object == load.block && !b.owner.expired();
  });
  if (found == blocks_.end()) return nullptr;
  if (!(found->layout == load.block->layout()) || found->n_tokens != load.block->n_tokens()) {
    // The same passage in another precision. What this load uses already cannot go.
    if (found->n_load == n_load_) return nullptr;
    counts_.used_bytes -= found->bytes.size();
    blocks_.erase(found);
    return nullptr;
  }
  blocks_.splice(blocks_.begin(), blocks_, found);
  return &blocks_.front();
}

/// The longest unused one that the load under way does not use; false: there is none.
bool ResidentBlocks::evict_one() {
  const auto oldest = std::find_if(blocks_.rbegin(), blocks_.rend(),
                                   [&](const Block& b) { return b.n_load != n_load_; });
  if (oldest == blocks_.rend()) return false;
  counts_.used_bytes -= oldest->bytes.size();
  ++counts_.n_evicted;
  blocks_.erase(std::next(oldest).base());
  return true;
}

bool ResidentBlocks::make_room(std::int64_t bytes) {
  if (bytes > budget_bytes_) return false;
  while (counts_.used_bytes + bytes > budget_bytes_) {
    if (!evict_one()) return false;
  }
  return true;
}

/// Empty when the device has no room, whatever the budget says, and no block can make some.
cuda::DeviceBuffer ResidentBlocks::take(std::int64_t bytes) {
  while (true) {
    try {
      return cuda::DeviceBuffer(backend_, bytes);
    } catch (const Exception& failure) {
      if (failure.error().code != ErrorCode::kOutOfMemory) throw;
      if (!evict_one()) return {};
    }
  }
}

ResidentBlocks::Block* ResidentBlocks::place(const KvLoad& load) {
  const std::lock_guard lock(mutex_);
  if (Block* known = find(load)) {
    known->n_load = n_load_;
    counts_.n_served += known->is_filled ? 1 : 0;
    return known;
  }
  const std::int64_t bytes = std::ssize(load.block->bytes());
  if ((load.id == Digest{} && load.owner == nullptr) || !make_room(bytes)) return nullptr;
  cuda::DeviceBuffer buffer = take(bytes);
  if (buffer.data() == nullptr) return nullptr;
  counts_.used_bytes += bytes;
  blocks_.push_front({.id = load.id,
                      .owner = load.owner,
                      .object = load.block,
                      .layout = load.block->layout(),
                      .n_tokens = load.block->n_tokens(),
                      .bytes = std::move(buffer),
                      .is_filled = false,
                      .n_load = n_load_});
  return &blocks_.front();
}

void ResidentBlocks::end_load() {
  const std::lock_guard lock(mutex_);
  for (Block& block : blocks_) {
    if (block.n_load == n_load_) block.is_filled = true;
  }
}

void ResidentBlocks::drop() {
  const std::lock_guard lock(mutex_);
  counts_.n_evicted += std::ssize(blocks_);
  blocks_.clear();
  counts_.used_bytes = 0;
}

DeviceTier ResidentBlocks::tier() const {
  const std::lock_guard lock(mutex_);
  DeviceTier tier = counts_;
  tier.budget_bytes = budget_bytes_;
  tier.n_blocks = std::ssize(blocks_);
  return tier;
}

std::vector<Digest> ResidentBlocks::ids() const {
  const std::lock_guard lock(mutex_);
  std::vector<Digest> ids;
  for (const Block& block : blocks_) {
    if (block.id != Digest{} && block.is_filled) ids.push_back(block.id);
  }
  return ids;
}

}  // namespace kvlink::inference
