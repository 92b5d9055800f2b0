// SPDX-License-Identifier: Apache-2.0
// The catalogue in memory: what a question looks up, so that it never waits for the database.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cache/eviction.h"
#include "cache/kv_store.h"

namespace kvlink::cache {

/// Digests are uniform already.
struct DigestHash {
  std::size_t operator()(const Digest& digest) const {
    std::size_t h = 0;
    std::memcpy(&h, digest.bytes.data(), sizeof(h));
    return h;
  }
};

using DigestSet = std::unordered_set<Digest, DigestHash>;

/// A row of the catalogue with what only the store needs.
struct BlockEntry {
  BlockRow row;
  Digest tokens;
  double gdsf_priority = 0;
  std::optional<MissReason> damage_reason;  ///< set aside: the file is gone, the row says why
  bool is_suspect = false;       ///< the system could not read it: the next put replaces it
  std::uint64_t generation = 0;  ///< differs for every file ever written under this id

  bool is_servable() const { return !damage_reason && !is_suspect; }
  BlockUse use() const;
};

/// Remembered after it left, to tell the user why a block did not serve.
struct EvictedRow {
  Digest id;
  Digest content;
  std::int64_t sequence = 0;
};

/// Persistent counters of the whole store.
struct Counters {
  std::int64_t use_clock = 0;
  std::int64_t n_hits = 0;
  std::int64_t n_misses = 0;
  double gdsf_clock = 0;
  std::int64_t evicted_sequence = 0;
};

/// Not thread-safe: guarded by the store's state mutex.
class BlockIndex {
 public:
  static constexpr std::size_t kMaxEvictedRemembered = 10'000;

  /// Inserts or replaces; gives the entry a new generation.
  void put(BlockEntry entry);
  /// Before many are put.
  void expect(std::size_t n);
  void erase(const Digest& id);
  /// What totals() counts of an entry changes only by putting it again.
  BlockEntry* find(const Digest& id);
  const BlockEntry* find(const Digest& id) const;
  std::vector<Digest> select(const BlockFilter& filter) const;

  /// Why no row answers for `key`.
  MissReason why_absent(const BlockKey& key) const;

  /// Counts a use of `entry` and renews its worth. The order of uses is a counter; `now_unix` is
  /// only remembered, so a clock that jumps changes no eviction.
  void touch(BlockEntry& entry, std::int64_t now_unix);
  void count_hit(BlockEntry& entry, std::int64_t now_unix);
  void count_miss() { ++counters_.n_misses; }
  /// The ageing clock moves to what was evicted.
  void age_to(double gdsf_priority);
  std::vector<Candidate> evictable() const;

  void remember_evicted(EvictedRow row);
  EvictedRow next_evicted(const BlockEntry& entry);
  void forget_evicted(const Digest& id);

  /// What is known of some contents: ids, each list ascending.
  struct OfContents {
    std::vector<Digest> blocks;
    std::vector<Digest> evicted;  ///< remembered as such
  };
  OfContents of_contents(const DigestSet& contents) const;

  /// Entries whose use counts changed since the last call.
  std::vector<BlockEntry> take_touched();
  /// Marks entries as touched again, after they could not be written.
  void put_back_touched(const std::vector<BlockEntry>& entries);

  Counters& counters() { return counters_; }
  std::int64_t disk_bytes() const { return disk_bytes_; }
  Totals totals() const;

 private:
  std::unordered_map<Digest, BlockEntry, DigestHash> entries_;
  std::unordered_multimap<Digest, Digest, DigestHash> ids_by_tokens_;
  std::unordered_map<Digest, EvictedRow, DigestHash> evicted_;
  std::map<std::int64_t, Digest> evicted_order_;
  DigestSet touched_;
  Counters counters_;
  std::int64_t disk_bytes_ = 0;
  std::int64_t n_sound_ = 0;   // entries that are not set aside
  std::int64_t n_tokens_ = 0;  // of these
  std::uint64_t next_generation_ = 1;
};

}  // namespace kvlink::cache
