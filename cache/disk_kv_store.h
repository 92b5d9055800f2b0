// SPDX-License-Identifier: Apache-2.0
// The KvStore over block files, kv.db and a memory tier.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cache/block_arena.h"
#include "cache/block_files.h"
#include "cache/block_format.h"
#include "cache/block_index.h"
#include "cache/catalogue.h"
#include "cache/kv_store.h"
#include "cache/memory_tier.h"

namespace kvlink::cache {

/// Two mutexes. `writer_mutex_` is held over every change, with its syncs; `state_mutex_` only for
/// moments and never across a system call, so that load() does not wait for a put. Taken in this
/// order. What changes on disk is written first, then the index in memory.
class DiskKvStore final : public KvStore {
 public:
  DiskKvStore(const std::filesystem::path& folder, Options options, FileSystem& files);
  ~DiskKvStore() override;

  Lookup load(const BlockKey& key, std::span<const std::int32_t> token_ids) override;
  bool contains(const BlockKey& key) override;
  Result<void> put(const BlockKey& key, const KvBlock& block, const Digest& content,
                   std::chrono::nanoseconds encode_time) override;
  Result<std::vector<BlockRow>> list(const BlockFilter& filter) override;
  Totals totals() override;
  const SweepReport& sweep() const override { return sweep_; }
  Options options() const override;
  Result<std::int64_t> set_budgets(std::int64_t disk_bytes, std::int64_t memory_bytes,
                                   std::stop_token stop) override;
  Result<std::int64_t> evict(const BlockFilter& filter, Pinned pinned) override;
  Result<std::int64_t> set_pinned(const BlockFilter& filter, bool pinned) override;
  Result<std::int64_t> erase_contents(std::span<const Digest> contents) override;
  Result<VerifyReport> verify(const BlockFilter& filter, const Progress& progress,
                              std::stop_token stop) override;
  void drop_memory() override;
  void drop_page_cache() override;
  std::optional<Digest> remembered_fingerprint(const std::filesystem::path& model) override;
  Result<void> remember_fingerprint(const std::filesystem::path& model,
                                    const Digest& fingerprint) override;
  std::optional<Digest> remembered_file_hash(const std::filesystem::path& file) override;
  Result<void> remember_file_hash(const std::filesystem::path& file, const Digest& hash) override;

 private:
  std::optional<Digest> remembered(const std::filesystem::path& file,
                                   const std::filesystem::path& name);
  Result<void> keep_in_mind(const std::filesystem::path& file, const std::filesystem::path& name,
                            const Digest& digest);
  enum class Remember { kYes, kNo };

  /// Why a file did not serve, and whether its bytes are to blame (then it is set aside) or the
  /// system (then it may serve later).
  struct Refusal {
    Miss miss;
    bool is_damage = false;
    bool is_suspect = false;
  };

  Lookup load_or_throw(const BlockKey& key, std::span<const std::int32_t> token_ids);
  Miss missed(MissReason reason, std::string detail);
  /// Reads the file of `row` and checks it against the row; throws BlockRejected or Exception.
  BlockRead read_and_check(const BlockRow& row);
  /// The current exception of read_and_check as a refusal.
  static Refusal refusal_of_current_exception();
  /// Handles a refused read of `id`, unless the file has been replaced or evicted meanwhile.
  Miss refused(const Digest& id, std::uint64_t generation, Refusal refusal);
  void set_aside(const Digest& id, std::uint64_t generation, const Miss& why);
  Hit keep(const Digest& id, std::uint64_t generation, BlockRead read);

  // With writer_mutex_ held.
  void apply(CatalogueChange change);
  void make_room(std::int64_t bytes);
  /// In the same transaction what is remembered of `forgotten` goes.
  void remove_blocks(std::span<const Digest> ids, Remember remember,
                     std::span<const Digest> forgotten = {});

  /// What has to leave so that the disk budget is kept, least worth first.
  std::vector<Digest> beyond_budget();
  /// Takes writer_mutex_ piece by piece; returns how many blocks left.
  std::int64_t keep_inside_budget(const std::stop_token& stop);

  Options options_;  // the budgets are guarded by state_mutex_, the rest never changes
  FileSystem& files_;
  BlockFiles block_files_;
  std::shared_ptr<BlockArena> arena_ = BlockArena::make();  // what load() reads into
  SweepReport sweep_;
  std::mutex writer_mutex_;
  Catalogue catalogue_;  // guarded by writer_mutex_
  DigestSet owed_;       // contents whose erasure did not end; guarded by writer_mutex_
  mutable std::mutex state_mutex_;
  BlockIndex index_;   // guarded by state_mutex_
  MemoryTier memory_;  // guarded by state_mutex_
};

}  // namespace kvlink::cache
