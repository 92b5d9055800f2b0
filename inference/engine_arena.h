// SPDX-License-Identifier: Apache-2.0
// Arenas in which chunks are encoded, with their prefix kept between chunks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "inference/kv_cache.h"

namespace kvlink::inference {

/// One arena: its first rows hold the KV of `prefix`. One user at a time.
struct EncodeArena {
  explicit EncodeArena(KvCache own) : cache(std::move(own)) {}
  KvCache cache;
  std::vector<std::int32_t> prefix;
};

/// Lends arenas out: nobody waits for another's half-encoded chunk, because a busy arena is simply
/// not there. Keeps as many as were in use at the same time, at most kKept. Thread-safe.
class EncodeArenas {
 public:
  static constexpr std::size_t kKept = 2;  ///< ingestion, and a question that misses a block
  /// Arenas are allocated in multiples of this many rows, so that they seldom grow.
  static constexpr std::int64_t kRows = 1024;

  /// Makes a cache of so many rows, here or on a device; may throw.
  using MakeCache = std::function<KvCache(std::int64_t capacity)>;
  explicit EncodeArenas(MakeCache make_cache) : make_cache_(std::move(make_cache)) {}
  EncodeArenas(const ModelConfig& config, DType dtype)
      : EncodeArenas([&config, dtype](std::int64_t capacity) {
          return KvCache(config, capacity, dtype);
        }) {}

  /// An arena with room for `n_rows`: the one that holds this prefix if it is idle, else another or
  /// a new one with an empty prefix.
  std::unique_ptr<EncodeArena> take(std::span<const std::int32_t> prefix, std::int64_t n_rows);
  /// Takes an arena back; rows behind its prefix are forgotten.
  void give_back(std::unique_ptr<EncodeArena> arena);

 private:
  MakeCache make_cache_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<EncodeArena>> idle_;  // guarded by mutex_
};

/// An arena on loan; given back when destroyed, whatever happened.
class ArenaLoan {
 public:
  ArenaLoan(EncodeArenas& arenas, std::span<const std::int32_t> prefix, std::int64_t n_rows)
      : arenas_(arenas), arena_(arenas.take(prefix, n_rows)) {}
  ArenaLoan(const ArenaLoan&) = delete;
  ArenaLoan& operator=(const ArenaLoan&) = delete;
  ~ArenaLoan() { arenas_.give_back(std::move(arena_)); }
  EncodeArena* operator->() { return arena_.get(); }

 private:
  EncodeArenas& arenas_;
  std::unique_ptr<EncodeArena> arena_;
};

}  // namespace kvlink::inference
