// SPDX-License-Identifier: Apache-2.0
#include "cache/disk_kv_store.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "cache/sweep.h"
#include "kernels/base/log.h"
#include "kernels/base/result.h"

namespace kvlink::cache {
namespace {

/// Rows of hashes stand under names that no file can have: below one.
constexpr const char* kFileHashName = "sha256";

/// Blocks that leave in one transaction when a budget becomes smaller: others wait no longer.
constexpr std::size_t kPieceOfRemovals = 64;

std::string mebibytes(std::int64_t bytes) {
  return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

BlockEntry new_entry(const BlockKey& key, const KvBlock& block, const Digest& content,
                     std::chrono::nanoseconds encode_time) {
  BlockEntry entry;
  entry.row.id = key.id();
  entry.row.model = key.model;
  entry.row.recipe = key.recipe;
  entry.row.content = content;
  entry.row.n_tokens = block.n_tokens();
  entry.row.file_bytes = file_bytes(block.layout(), block.n_tokens());
  entry.row.dtype = block.layout().dtype;
  entry.row.created_unix = static_cast<std::int64_t>(std::time(nullptr));
  entry.row.encode_ms = std::chrono::duration<double, std::milli>(encode_time).count();
  entry.tokens = key.tokens;
  return entry;
}

}  // namespace

DiskKvStore::DiskKvStore(const std::filesystem::path& folder, Options options, FileSystem& files)
    : options_(options),
      files_(files),
      block_files_(folder, files),
      catalogue_(folder, files),
      memory_(options.eviction, options.memory_budget_bytes) {
  CatalogueContents contents = cache::sweep(catalogue_, block_files_, sweep_);
  index_.expect(contents.blocks.size());
  for (BlockEntry& entry : contents.blocks) index_.put(std::move(entry));
  for (EvictedRow& row : contents.evicted) index_.remember_evicted(std::move(row));
  index_.counters() = contents.counters;
  keep_inside_budget({});
}

DiskKvStore::~DiskKvStore() {
  // Use counts only order evictions; losing some does no harm.
  const auto flushed = returning([&] { apply({}); });
  if (!flushed) log(LogLevel::kWarning, "cache", flushed.error().message);
}

bool DiskKvStore::contains(const BlockKey& key) {
  const std::lock_guard lock(state_mutex_);
  const BlockEntry* entry = index_.find(key.id());
  return entry != nullptr && entry->is_servable();
}

void DiskKvStore::apply(CatalogueChange change) {
  {
    const std::lock_guard lock(state_mutex_);
    change.used = index_.take_touched();
    change.counters = index_.counters();
  }
  try {
    catalogue_.apply(change);
  } catch (...) {
    const std::lock_guard lock(state_mutex_);
    index_.put_back_touched(change.used);
    throw;
  }
}

Result<void> DiskKvStore::put(const BlockKey& key, const KvBlock& block, const Digest& content,
                              std::chrono::nanoseconds encode_time) {
  return returning([&] {
    check_storable(block);
    if (BlockKey::of(key.model, key.recipe, block.token_ids()) != key)
      fail(ErrorCode::kInvalidInput, "a KV block's key is of other tokens than its own");
    BlockEntry entry = new_entry(key, block, content, encode_time);
    const Digest id = entry.row.id;
    const std::lock_guard writer(writer_mutex_);
    owed_.erase(content);  // the text is there again
    bool is_replacing_suspect = false;
    {
      const std::lock_guard lock(state_mutex_);
      if (BlockEntry* known = index_.find(id)) {
        if (known->is_servable()) return index_.touch(*known, entry.row.created_unix);
        entry.row.pinned = known->row.pinned;
        is_replacing_suspect = known->is_suspect;
      }
    }
    if (is_replacing_suspect) remove_blocks(std::span(&id, 1), Remember::kNo);
    make_room(entry.row.file_bytes);
    block_files_.write(id, make_header(key, block, content, entry.row.created_unix, encode_time),
                       block.bytes());
    CatalogueChange change;
    {
      const std::lock_guard lock(state_mutex_);
      entry.row.last_use = ++index_.counters().use_clock;
      entry.row.used_unix = entry.row.created_unix;
      entry.gdsf_priority = gdsf_priority(entry.use(), index_.counters().gdsf_clock);
      change.written.push_back(entry);
      change.forgotten.push_back(id);
    }
    try {
      apply(std::move(change));
    } catch (...) {
      const auto removal = returning([&] { block_files_.remove(id); });
      if (!removal) log(LogLevel::kWarning, "cache", removal.error().message);
      throw;
    }
    const std::lock_guard lock(state_mutex_);
    index_.forget_evicted(id);
    index_.put(std::move(entry));
  });
}

void DiskKvStore::make_room(std::int64_t bytes) {
  const std::int64_t free_bytes = block_files_.free_bytes();
  const std::int64_t needed_on_disk = bytes + options_.min_free_bytes - free_bytes;
  std::vector<Digest> victims;
  {
    const std::lock_guard lock(state_mutex_);
    const std::int64_t needed_in_budget = index_.disk_bytes() + bytes - options_.disk_budget_bytes;
    const std::int64_t needed = std::max(needed_in_budget, needed_on_disk);
    if (needed <= 0) return;
    const auto chosen = choose_victims(options_.eviction, index_.evictable(), needed);
    if (!chosen && needed_on_disk > needed_in_budget) {
      fail(ErrorCode::kOutOfMemory, "A cache block of " + mebibytes(bytes) +
                                        " was not written: the disk has " + mebibytes(free_bytes) +
                                        " free, and " + mebibytes(options_.min_free_bytes) +
                                        " are kept free. Free some space.");
    }
    if (!chosen) {
      fail(ErrorCode::kOutOfMemory,
           "A cache block of " + mebibytes(bytes) + " does not fit the cache's budget of " +
               mebibytes(options_.disk_budget_bytes) +
               " beside what is pinned. Raise the budget or unpin something.");
    }
    for (const Candidate& victim : *chosen) {
      index_.age_to(victim.use.gdsf_priority);
      victims.push_back(victim.id);
    }
  }
  remove_blocks(victims, Remember::kYes);
}

std::vector<Digest> DiskKvStore::beyond_budget() {
  const std::lock_guard lock(state_mutex_);
  const std::int64_t needed = index_.disk_bytes() - options_.disk_budget_bytes;
  if (needed <= 0) return {};
  const std::vector<Candidate> all = index_.evictable();
  std::vector<Digest> victims;
  // Pins alone may exceed a budget that was lowered: they stay, all others leave.
  for (const Candidate& victim : choose_victims(options_.eviction, all, needed).value_or(all))
    victims.push_back(victim.id);
  return victims;
}

std::int64_t DiskKvStore::keep_inside_budget(const std::stop_token& stop) {
  std::int64_t n_removed = 0;
  const std::vector<Digest> victims = beyond_budget();
  for (std::size_t at = 0; at < victims.size(); at += kPieceOfRemovals) {
    if (stop.stop_requested()) break;
    std::vector<Digest> piece(
        victims.begin() + std::ptrdiff_t(at),
        victims.begin() + std::ptrdiff_t(std::min(at + kPieceOfRemovals, victims.size())));
    const std::lock_guard writer(writer_mutex_);
    {
      // Between two pieces a block may have been pinned or have gone, or the budget been raised.
      const std::lock_guard lock(state_mutex_);
      if (index_.disk_bytes() <= options_.disk_budget_bytes) break;
      std::erase_if(piece, [&](const Digest& id) {
        const BlockEntry* entry = index_.find(id);
        return entry == nullptr || entry->row.pinned;
      });
    }
    if (!piece.empty()) remove_blocks(piece, Remember::kYes);
    n_removed += std::ssize(piece);
  }
  return n_removed;
}

Options DiskKvStore::options() const {
  const std::lock_guard lock(state_mutex_);
  return options_;
}

Result<std::int64_t> DiskKvStore::set_budgets(std::int64_t disk_bytes, std::int64_t memory_bytes,
                                              std::stop_token stop) {
  return returning([&] {
    if (disk_bytes < 0 || memory_bytes < 0)
      fail(ErrorCode::kInvalidInput, "a cache budget cannot be negative");
    {
      const std::lock_guard lock(state_mutex_);
      options_.disk_budget_bytes = disk_bytes;
      options_.memory_budget_bytes = memory_bytes;
      memory_.set_budget(memory_bytes);
    }
    return keep_inside_budget(stop);
  });
}

void DiskKvStore::remove_blocks(std::span<const Digest> ids, Remember remember,
                                std::span<const Digest> forgotten) {
  CatalogueChange change;
  change.removed.assign(ids.begin(), ids.end());
  change.forgotten.assign(forgotten.begin(), forgotten.end());
  {
    const std::lock_guard lock(state_mutex_);
    if (remember == Remember::kYes) {
      for (const Digest& id : ids) change.evicted.push_back(index_.next_evicted(*index_.find(id)));
    }
  }
  const std::vector<EvictedRow> remembered = change.evicted;
  bool are_files_gone = false;
  try {
    apply(change);
  } catch (const Exception& e) {
    if (e.error().code != ErrorCode::kOutOfMemory) throw;
    // The disk is so full that the catalogue cannot even say what leaves: the files make room for
    // it. Should this end here, the next start drops rows without files.
    for (const Digest& id : ids) static_cast<void>(returning([&] { block_files_.remove(id); }));
    are_files_gone = true;
    apply(std::move(change));
  }
  {
    const std::lock_guard lock(state_mutex_);
    for (const Digest& id : ids) {
      index_.erase(id);
      memory_.erase(id);
    }
    for (const Digest& id : forgotten) index_.forget_evicted(id);
    for (const EvictedRow& row : remembered) index_.remember_evicted(row);
  }
  // All are tried; a file that stays has no row, and the next start sweeps it.
  std::optional<Error> first_failure;
  for (const Digest& id : are_files_gone ? std::span<const Digest>() : ids) {
    const auto removal = returning([&] { block_files_.remove(id); });
    if (!removal && !first_failure) first_failure = removal.error();
  }
  if (first_failure) throw Exception(*first_failure);
}

Result<std::int64_t> DiskKvStore::evict(const BlockFilter& filter, Pinned pinned) {
  return returning([&] {
    const std::lock_guard writer(writer_mutex_);
    std::vector<Digest> ids;
    {
      const std::lock_guard lock(state_mutex_);
      ids = index_.select(filter);
      if (pinned == Pinned::kKeep)
        std::erase_if(ids, [&](const Digest& id) { return index_.find(id)->row.pinned; });
    }
    if (!ids.empty()) remove_blocks(ids, Remember::kYes);
    return std::ssize(ids);
  });
}

Result<std::int64_t> DiskKvStore::erase_contents(std::span<const Digest> contents) {
  return returning([&]() -> std::int64_t {
    const std::lock_guard writer(writer_mutex_);
    // One that failed may have left what it erased in the journal, or names of files.
    const bool is_unfinished = !owed_.empty();
    owed_.insert(contents.begin(), contents.end());
    if (owed_.empty()) return 0;
    BlockIndex::OfContents found;
    {
      const std::lock_guard lock(state_mutex_);
      found = index_.of_contents(owed_);
    }
    const bool is_known = !found.blocks.empty() || !found.evicted.empty();
    if (is_known) {
      remove_blocks(found.blocks, Remember::kNo, found.evicted);
      block_files_.sync_removals(found.blocks);
    }
    if (is_known || is_unfinished) catalogue_.empty_journal();
    owed_.clear();
    return std::ssize(found.blocks);
  });
}

Result<std::int64_t> DiskKvStore::set_pinned(const BlockFilter& filter, bool pinned) {
  return returning([&] {
    const std::lock_guard writer(writer_mutex_);
    CatalogueChange change;
    {
      const std::lock_guard lock(state_mutex_);
      for (const Digest& id : index_.select(filter)) {
        change.written.push_back(*index_.find(id));
        change.written.back().row.pinned = pinned;
      }
    }
    std::vector<Digest> ids;
    for (const BlockEntry& entry : change.written) ids.push_back(entry.row.id);
    apply(std::move(change));
    const std::lock_guard lock(state_mutex_);
    for (const Digest& id : ids) index_.find(id)->row.pinned = pinned;
    return static_cast<std::int64_t>(ids.size());
  });
}

Result<std::vector<BlockRow>> DiskKvStore::list(const BlockFilter& filter) {
  return returning([&] {
    const std::lock_guard lock(state_mutex_);
    std::vector<BlockRow> rows;
    for (const Digest& id : index_.select(filter)) {
      rows.push_back(index_.find(id)->row);
      rows.back().in_memory = memory_.contains(id);
    }
    return rows;
  });
}

Totals DiskKvStore::totals() {
  const std::lock_guard lock(state_mutex_);
  Totals totals = index_.totals();
  totals.memory_bytes = memory_.bytes();
  return totals;
}

void DiskKvStore::drop_memory() {
  const std::lock_guard lock(state_mutex_);
  memory_.clear();
}

void DiskKvStore::drop_page_cache() {
  std::vector<Digest> ids;
  {
    const std::lock_guard lock(state_mutex_);
    ids = index_.select({});
  }
  for (const Digest& id : ids) {
    // A file that is gone has no pages either.
    const auto dropped = returning([&] { block_files_.drop_page_cache(id); });
    if (!dropped && dropped.error().code != ErrorCode::kNotFound)
      log(LogLevel::kWarning, "cache", dropped.error().message);
  }
}

std::optional<Digest> DiskKvStore::remembered(const std::filesystem::path& file,
                                              const std::filesystem::path& name) {
  const auto found = returning([&]() -> std::optional<Digest> {
    const auto status = files_.stat(file);
    if (!status) return std::nullopt;
    const std::lock_guard writer(writer_mutex_);
    return catalogue_.fingerprint(name, *status);
  });
  return found ? *found : std::nullopt;
}

Result<void> DiskKvStore::keep_in_mind(const std::filesystem::path& file,
                                       const std::filesystem::path& name, const Digest& digest) {
  return returning([&] {
    const auto status = files_.stat(file);
    if (!status) fail(ErrorCode::kNotFound, file.string() + ": there is no such file");
    const std::lock_guard writer(writer_mutex_);
    catalogue_.set_fingerprint(name, *status, digest);
  });
}

std::optional<Digest> DiskKvStore::remembered_fingerprint(const std::filesystem::path& model) {
  return remembered(model, model);
}

Result<void> DiskKvStore::remember_fingerprint(const std::filesystem::path& model,
                                               const Digest& fingerprint) {
  return keep_in_mind(model, model, fingerprint);
}

std::optional<Digest> DiskKvStore::remembered_file_hash(const std::filesystem::path& file) {
  return remembered(file, file / kFileHashName);
}

Result<void> DiskKvStore::remember_file_hash(const std::filesystem::path& file,
                                             const Digest& hash) {
  return keep_in_mind(file, file / kFileHashName, hash);
}

}  // namespace kvlink::cache
