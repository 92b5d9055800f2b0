// SPDX-License-Identifier: Apache-2.0
#include "cache/block_index.h"

#include <algorithm>
#include <utility>

namespace kvlink::cache {
namespace {

bool matches(const BlockFilter& filter, const BlockRow& row) {
  if (!filter.ids.empty() && !std::binary_search(filter.ids.begin(), filter.ids.end(), row.id)) {
    return false;
  }
  if (filter.content && row.content != *filter.content) return false;
  if (filter.model && row.model != *filter.model) return false;
  if (filter.not_model && row.model == *filter.not_model) return false;
  return !filter.id_prefix || row.id.hex().starts_with(*filter.id_prefix);
}

}  // namespace

BlockUse BlockEntry::use() const {
  return {.cost_ms = row.encode_ms,
          .bytes = row.file_bytes,
          .n_uses = row.n_hits + 1,
          .last_use = row.last_use,
          .gdsf_priority = gdsf_priority};
}

void BlockIndex::put(BlockEntry entry) {
  const Digest id = entry.row.id;
  erase(id);
  entry.generation = next_generation_++;
  disk_bytes_ += entry.row.file_bytes;
  if (!entry.damage_reason) {
    ++n_sound_;
    n_tokens_ += entry.row.n_tokens;
  }
  ids_by_tokens_.emplace(entry.tokens, id);
  entries_.emplace(id, std::move(entry));
}

void BlockIndex::expect(std::size_t n) {
  entries_.reserve(n);
  ids_by_tokens_.reserve(n);
}

void BlockIndex::erase(const Digest& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  disk_bytes_ -= found->second.row.file_bytes;
  if (!found->second.damage_reason) {
    --n_sound_;
    n_tokens_ -= found->second.row.n_tokens;
  }
  const auto [begin, end] = ids_by_tokens_.equal_range(found->second.tokens);
  const auto link = std::find_if(begin, end, [&](const auto& pair) { return pair.second == id; });
  if (link != end) ids_by_tokens_.erase(link);
  touched_.erase(id);
  entries_.erase(found);
}

BlockEntry* BlockIndex::find(const Digest& id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

const BlockEntry* BlockIndex::find(const Digest& id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<Digest> BlockIndex::select(const BlockFilter& filter) const {
  std::vector<Digest> ids;
  for (const auto& [id, entry] : entries_) {
    if (matches(filter, entry.row)) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

MissReason BlockIndex::why_absent(const BlockKey& key) const {
  if (evicted_.contains(key.id())) return MissReason::kEvicted;
  MissReason reason = MissReason::kNeverEncoded;
  const auto [begin, end] = ids_by_tokens_.equal_range(key.tokens);
  for (auto it = begin; it != end; ++it) {
    const BlockEntry* other = find(it->second);
    if (other->damage_reason) continue;
    if (other->row.model == key.model) return MissReason::kOtherRecipe;
    reason = MissReason::kOtherModel;
  }
  return reason;
}

void BlockIndex::touch(BlockEntry& entry, std::int64_t now_unix) {
  entry.row.last_use = ++counters_.use_clock;
  entry.row.used_unix = now_unix;
  entry.gdsf_priority = cache::gdsf_priority(entry.use(), counters_.gdsf_clock);
  touched_.insert(entry.row.id);
}

void BlockIndex::count_hit(BlockEntry& entry, std::int64_t now_unix) {
  ++entry.row.n_hits;
  ++counters_.n_hits;
  touch(entry, now_unix);
}

void BlockIndex::age_to(double gdsf_priority) {
  counters_.gdsf_clock = std::max(counters_.gdsf_clock, gdsf_priority);
}

std::vector<Candidate> BlockIndex::evictable() const {
  std::vector<Candidate> out;
  for (const auto& [id, entry] : entries_) {
    if (!entry.row.pinned && entry.row.file_bytes > 0) out.push_back({id, entry.use()});
  }
  return out;
}

EvictedRow BlockIndex::next_evicted(const BlockEntry& entry) {
  return {
      .id = entry.row.id, .content = entry.row.content, .sequence = ++counters_.evicted_sequence};
}

void BlockIndex::remember_evicted(EvictedRow row) {
  forget_evicted(row.id);
  evicted_order_.emplace(row.sequence, row.id);
  evicted_.emplace(row.id, std::move(row));
  if (evicted_.size() > kMaxEvictedRemembered) forget_evicted(evicted_order_.begin()->second);
}

void BlockIndex::forget_evicted(const Digest& id) {
  const auto found = evicted_.find(id);
  if (found == evicted_.end()) return;
  evicted_order_.erase(found->second.sequence);
  evicted_.erase(found);
}

BlockIndex::OfContents BlockIndex::of_contents(const DigestSet& contents) const {
  OfContents found;
  for (const auto& [id, entry] : entries_) {
    if (contents.contains(entry.row.content)) found.blocks.push_back(id);
  }
  for (const auto& [id, row] : evicted_) {
    if (contents.contains(row.content)) found.evicted.push_back(id);
  }
  std::sort(found.blocks.begin(), found.blocks.end());
  std::sort(found.evicted.begin(), found.evicted.end());
  return found;
}

std::vector<BlockEntry> BlockIndex::take_touched() {
  std::vector<BlockEntry> out;
  out.reserve(touched_.size());
  for (const Digest& id : touched_) out.push_back(*find(id));
  touched_.clear();
  return out;
}

void BlockIndex::put_back_touched(const std::vector<BlockEntry>& entries) {
  for (const BlockEntry& entry : entries) {
    if (entries_.contains(entry.row.id)) touched_.insert(entry.row.id);
  }
}

Totals BlockIndex::totals() const {
  Totals totals;
  totals.n_blocks = n_sound_;
  totals.n_tokens = n_tokens_;
  totals.disk_bytes = disk_bytes_;
  totals.n_hits = counters_.n_hits;
  totals.n_misses = counters_.n_misses;
  return totals;
}

}  // namespace kvlink::cache
