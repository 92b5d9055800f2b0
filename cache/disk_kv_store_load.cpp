// SPDX-License-Identifier: Apache-2.0
// Reading: load and verify of DiskKvStore.
#include <algorithm>
#include <ctime>
#include <exception>
#include <utility>

#include "cache/disk_kv_store.h"
#include "kernels/base/log.h"
#include "kernels/base/result.h"

namespace kvlink::cache {
namespace {

std::string absent_sentence(MissReason reason) {
  switch (reason) {
    case MissReason::kOtherModel:
      return "This passage is cached for another model, so it is computed for this one.";
    case MissReason::kOtherRecipe:
      return "This passage is cached behind another prefix or adapter, so it is computed again.";
    case MissReason::kEvicted:
      return "The cached block of this passage was removed to stay inside the disk budget, or by "
             "you.";
    default:
      return "This passage has not been computed yet.";
  }
}

constexpr const char* kTokensDifferSentence =
    "The cached block holds other tokens than this passage, so it was not used.";

bool same_tokens(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

Miss DiskKvStore::missed(MissReason reason, std::string detail) {
  const std::lock_guard lock(state_mutex_);
  index_.count_miss();
  return Miss{.reason = reason, .detail = std::move(detail)};
}

BlockRead DiskKvStore::read_and_check(const BlockRow& row) {
  const auto file = block_files_.open(row.id);
  if (file->size() != row.file_bytes) {
    throw BlockRejected(MissReason::kChecksum, "it has " + std::to_string(file->size()) +
                                                   " bytes instead of " +
                                                   std::to_string(row.file_bytes));
  }
  BlockRead read = read_block(*file, arena_.get());
  // The id is a digest of the key: a file of another key under this name is damage.
  if (read.header.key.id() != row.id)
    throw BlockRejected(MissReason::kChecksum, "it is the block of something else");
  if (read.header.content != row.content || read.block->n_tokens() != row.n_tokens)
    throw BlockRejected(MissReason::kChecksum, "its catalogue row contradicts it");
  return read;
}

DiskKvStore::Refusal DiskKvStore::refusal_of_current_exception() {
  const auto sentence = [](const std::string& detail) {
    return "The cached block of this passage was not used: " + detail +
           ". It is computed again from the document.";
  };
  try {
    throw;
  } catch (const BlockRejected& e) {
    return {.miss = {e.reason(), sentence(e.what())}, .is_damage = true};
  } catch (const Exception& e) {
    switch (e.error().code) {
      case ErrorCode::kNotFound:
        return {.miss = {MissReason::kFileMissing, sentence("its file is gone")},
                .is_damage = true};
      case ErrorCode::kCorrupt:  // shorter than when it was opened
        return {.miss = {MissReason::kChecksum, sentence(e.what())}, .is_damage = true};
      default:
        return {.miss = {MissReason::kIo, sentence(e.what())},
                .is_suspect = e.error().code == ErrorCode::kIo};
    }
  } catch (const std::exception& e) {
    return {.miss = {MissReason::kIo, sentence(e.what())}};
  }
}

Lookup DiskKvStore::load(const BlockKey& key, std::span<const std::int32_t> token_ids) {
  try {
    return load_or_throw(key, token_ids);
  } catch (const std::exception& e) {  // no memory for the bookkeeping of a hit or miss
    return Miss{MissReason::kIo, e.what()};
  }
}

Lookup DiskKvStore::load_or_throw(const BlockKey& key, std::span<const std::int32_t> token_ids) {
  BlockRow row;
  std::uint64_t generation = 0;
  const Digest id = key.id();
  {
    const std::lock_guard lock(state_mutex_);
    BlockEntry* entry = index_.find(id);
    if (entry == nullptr || entry->damage_reason) {
      index_.count_miss();
      if (entry != nullptr) return Miss{*entry->damage_reason, entry->row.damage};
      const MissReason reason = index_.why_absent(key);
      return Miss{reason, absent_sentence(reason)};
    }
    if (const auto block = memory_.find(id)) {
      if (!same_tokens(block->token_ids(), token_ids)) {
        index_.count_miss();
        return Miss{MissReason::kTokensDiffer, kTokensDifferSentence};
      }
      index_.count_hit(*entry, std::time(nullptr));
      return Hit{.block = block, .tier = Tier::kMemory};
    }
    row = entry->row;
    generation = entry->generation;
  }
  try {
    BlockRead read = read_and_check(row);
    if (!same_tokens(read.block->token_ids(), token_ids))
      return missed(MissReason::kTokensDiffer, kTokensDifferSentence);
    return keep(id, generation, std::move(read));
  } catch (...) {
    return refused(id, generation, refusal_of_current_exception());
  }
}

Hit DiskKvStore::keep(const Digest& id, std::uint64_t generation, BlockRead read) {
  Hit hit{.block = std::move(read.block),
          .tier = Tier::kDisk,
          .bytes_read = 0,
          .read = read.read,
          .verify = read.verify};
  hit.bytes_read = file_bytes(hit.block->layout(), hit.block->n_tokens());
  const std::lock_guard lock(state_mutex_);
  BlockEntry* entry = index_.find(id);
  // Evicted or erased while it was read: it serves this once and leaves nothing behind.
  if (entry == nullptr || entry->generation != generation) return hit;
  entry->is_suspect = false;
  entry->row.load_ms = std::chrono::duration<double, std::milli>(read.read + read.verify).count();
  index_.count_hit(*entry, std::time(nullptr));
  memory_.insert(id, hit.block, entry->row.load_ms);
  return hit;
}

Miss DiskKvStore::refused(const Digest& id, std::uint64_t generation, Refusal refusal) {
  {
    const std::lock_guard lock(state_mutex_);
    index_.count_miss();
    BlockEntry* entry = index_.find(id);
    if (entry == nullptr) return Miss{MissReason::kEvicted, absent_sentence(MissReason::kEvicted)};
    if (entry->generation != generation) return std::move(refusal.miss);
    if (refusal.is_suspect) entry->is_suspect = true;
  }
  if (refusal.is_damage) set_aside(id, generation, refusal.miss);
  return std::move(refusal.miss);
}

void DiskKvStore::set_aside(const Digest& id, std::uint64_t generation, const Miss& why) {
  const std::lock_guard writer(writer_mutex_);
  CatalogueChange change;
  {
    const std::lock_guard lock(state_mutex_);
    const BlockEntry* entry = index_.find(id);
    if (entry == nullptr || entry->generation != generation) return;
    BlockEntry damaged = *entry;
    damaged.row.damage = why.detail;
    damaged.row.file_bytes = 0;
    damaged.damage_reason = why.reason;
    damaged.is_suspect = false;
    index_.put(damaged);
    memory_.erase(id);
    change.written.push_back(std::move(damaged));
  }
  log(LogLevel::kWarning, "cache", why.detail);
  // The index has changed first, unlike elsewhere: the block must not serve again even if neither
  // of these can be written. The next start then finds it as it was, and the next read damaged.
  const auto result = returning([&] { apply(std::move(change)); });
  const auto removal = returning([&] { block_files_.remove(id); });
  for (const auto* outcome : {&result, &removal}) {
    if (!*outcome) log(LogLevel::kWarning, "cache", outcome->error().message);
  }
}

Result<VerifyReport> DiskKvStore::verify(const BlockFilter& filter, const Progress& progress,
                                         std::stop_token stop) {
  return returning([&] {
    std::vector<std::pair<BlockRow, std::uint64_t>> rows;
    {
      const std::lock_guard lock(state_mutex_);
      for (const Digest& id : index_.select(filter)) {
        const BlockEntry* entry = index_.find(id);
        if (!entry->damage_reason) rows.emplace_back(entry->row, entry->generation);
      }
    }
    VerifyReport report;
    for (const auto& [row, generation] : rows) {
      if (stop.stop_requested()) break;
      try {
        read_and_check(row);
      } catch (...) {
        const Miss miss = refused(row.id, generation, refusal_of_current_exception());
        if (miss.reason != MissReason::kEvicted) {
          ++report.n_damaged;
          report.problems.push_back(row.id.hex().substr(0, 12) + ": " + miss.detail);
        }
      }
      ++report.n_checked;
      if (progress) progress(report.n_checked, static_cast<std::int64_t>(rows.size()));
    }
    return report;
  });
}

}  // namespace kvlink::cache
