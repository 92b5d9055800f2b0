// SPDX-License-Identifier: Apache-2.0
// KvStore: KV block files tracked by a SQLite catalogue. The edge of cache that app sees.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernels/base/file_system.h"
#include "kernels/base/kv_block.h"
#include "kernels/base/result.h"
#include "kernels/base/sha256.h"

namespace kvlink::cache {

/// Identity of a block: the model, how it was encoded, and the tokens (SHA-256 of little-endian
/// int32). Rows that are no tokens (id -1: an adapter's header) belong to the recipe, so that the
/// same text encoded otherwise is known to be that.
struct BlockKey {
  Digest model;
  Digest recipe;
  Digest tokens;

  static BlockKey of(const Digest& model, const Digest& recipe,
                     std::span<const std::int32_t> token_ids);
  Digest id() const;  ///< SHA-256 of the three: the file's name
  bool operator==(const BlockKey&) const = default;
};

/// Persistent by name in JSON.
enum class Eviction : std::uint8_t { kGdsf, kLru, kLfu };

struct Options {
  std::int64_t disk_budget_bytes = std::int64_t{8} << 30;      ///< block files in all; hard limit
  std::int64_t memory_budget_bytes = std::int64_t{512} << 20;  ///< blocks kept in memory; 0: none
  Eviction eviction = Eviction::kGdsf;  ///< kGdsf: recompute cost x use / bytes
  std::int64_t min_free_bytes = std::int64_t{256}
                                << 20;  ///< left free on the disk; writing stops before
};

enum class Tier : std::uint8_t { kMemory, kDisk };

/// Why a block did not serve. Persistent by name in JSON (miss_reason_name).
enum class MissReason : std::uint8_t {
  kNeverEncoded,  ///< no block of these tokens is known
  kOtherModel,    ///< the tokens are cached for another model or another file of it
  kOtherRecipe,   ///< cached for this model behind another prefix or adapter
  kEvicted,       ///< was cached; removed to stay inside the budget, or by the user
  kFileMissing,   ///< catalogued, but the file is gone
  kChecksum,      ///< bytes changed since they were written
  kVersion,       ///< written in a format this program does not read
  kTokensDiffer,  ///< same key, other tokens: never served
  kIo,            ///< the system could not read it
};
std::string_view miss_reason_name(MissReason reason);

struct Hit {
  std::shared_ptr<const KvBlock> block;
  Tier tier = Tier::kDisk;
  std::int64_t bytes_read = 0;  ///< from the file; 0 from memory
  std::chrono::nanoseconds read{0};
  std::chrono::nanoseconds verify{0};
};
struct Miss {
  MissReason reason = MissReason::kNeverEncoded;
  std::string detail;  ///< a sentence for the user
};
using Lookup = std::variant<Hit, Miss>;

/// A catalogue row, for the inspector and `cache ls`.
struct BlockRow {
  Digest id;
  Digest model;
  Digest recipe;
  Digest content;  ///< of the text it was made from (app's chunk hash)
  std::int64_t n_tokens = 0;
  std::int64_t file_bytes = 0;
  DType dtype = DType::kF16;
  std::int64_t created_unix = 0;  ///< for display only
  std::int64_t last_use = 0;      ///< a counter, not a clock: the order of uses
  std::int64_t used_unix = 0;     ///< when that was, for display only; 0: not known
  std::int64_t n_hits = 0;
  double encode_ms = 0;  ///< what computing it took: the cost in GDSF
  double load_ms = 0;    ///< last read + verify
  bool pinned = false;
  bool in_memory = false;
  std::string damage;  ///< "" or why it is set aside
};

struct Totals {
  std::int64_t n_blocks = 0;
  std::int64_t disk_bytes = 0;  ///< equals the sum of the files' sizes
  std::int64_t memory_bytes = 0;
  std::int64_t n_tokens = 0;
  std::int64_t n_hits = 0;  ///< since the store was made
  std::int64_t n_misses = 0;
};

/// What start-up found and did.
struct SweepReport {
  std::int64_t n_temp_files_removed = 0;
  std::int64_t n_orphans_removed = 0;    ///< files without a row
  std::int64_t n_rows_without_file = 0;  ///< rows dropped: their block is encoded again
  std::int64_t n_rows_rebuilt = 0;  ///< rows of a lost or damaged kv.db, made again from the files
  std::string damage;               ///< "" or what was wrong with the kv.db that was set aside
};

struct VerifyReport {
  std::int64_t n_checked = 0;
  std::int64_t n_damaged = 0;
  std::vector<std::string> problems;
};

/// Which rows an operation means.
struct BlockFilter {
  std::optional<Digest> content;
  std::optional<Digest> model;           ///< only this model's
  std::optional<Digest> not_model;       ///< only other models' (stale)
  std::optional<std::string> id_prefix;  ///< hex
  std::vector<Digest> ids;               ///< only these, ascending; empty: any
};

/// Thread-safe. One process at a time owns a folder (the app holds the lock). Directory 0700, files
/// 0600. Commit protocol: temp → write → fdatasync → rename → fsync folder → row; the row commits.
class KvStore {
 public:
  /// Opens or creates `folder` (kv.db and blocks/), sweeps it. kUnsupported: made by a newer
  /// version.
  static Result<std::unique_ptr<KvStore>> open(const std::filesystem::path& folder, Options options,
                                               FileSystem& files = FileSystem::posix());
  virtual ~KvStore() = default;

  /// Reads and verifies a block: key, tokens and every checksum, on every read from the file.
  /// Never fails: whatever is wrong is a Miss with its reason, and a damaged block is set aside.
  virtual Lookup load(const BlockKey& key, std::span<const std::int32_t> token_ids) = 0;

  /// Whether a row exists (cheap; no file access). The load may still miss.
  virtual bool contains(const BlockKey& key) = 0;

  /// Writes a block durably and makes room by eviction. kOutOfMemory when the budget (pins, free
  /// disk) leaves no room: nothing is evicted then.
  virtual Result<void> put(const BlockKey& key, const KvBlock& block, const Digest& content,
                           std::chrono::nanoseconds encode_time) = 0;

  virtual Result<std::vector<BlockRow>> list(const BlockFilter& filter = {}) = 0;
  virtual Totals totals() = 0;
  virtual const SweepReport& sweep() const = 0;
  virtual Options options() const = 0;

  /// Other budgets, in force at once; what is too much leaves, on disk piece by piece, so that
  /// others work meanwhile. Returns how many blocks left the disk. A stop leaves the rest to the
  /// next start. kInvalidInput: a negative budget.
  virtual Result<std::int64_t> set_budgets(std::int64_t disk_bytes, std::int64_t memory_bytes,
                                           std::stop_token stop = {}) = 0;

  /// The row first, then the file. Pinned rows are kept unless `include_pinned`. Returns how many.
  enum class Pinned { kKeep, kInclude };
  virtual Result<std::int64_t> evict(const BlockFilter& filter, Pinned pinned) = 0;
  virtual Result<std::int64_t> set_pinned(const BlockFilter& filter, bool pinned) = 0;
  /// As evict with pins, and leaves no memory of the contents: no "evicted" reason later. All of
  /// them in one transaction; what an error leaves is erased with the next call, even one that
  /// names nothing, unless a block of it was put meanwhile.
  virtual Result<std::int64_t> erase_contents(std::span<const Digest> contents) = 0;
  Result<std::int64_t> erase_content(const Digest& content) {
    return erase_contents(std::span(&content, 1));
  }

  using Progress = std::function<void(std::int64_t done, std::int64_t total)>;
  /// Reads and checks every block named; damaged ones are set aside and reported.
  virtual Result<VerifyReport> verify(const BlockFilter& filter, const Progress& progress,
                                      std::stop_token stop) = 0;

  /// Drops the memory tier / the page cache of every block file, for cold measurements.
  virtual void drop_memory() = 0;
  virtual void drop_page_cache() = 0;

  /// A model's fingerprint remembered by path, size, mtime and inode, so that start-up need not
  /// hash the weights again.
  virtual std::optional<Digest> remembered_fingerprint(const std::filesystem::path& model) = 0;
  virtual Result<void> remember_fingerprint(const std::filesystem::path& model,
                                            const Digest& fingerprint) = 0;
  /// The same for the SHA-256 of a file's bytes.
  virtual std::optional<Digest> remembered_file_hash(const std::filesystem::path& file) = 0;
  virtual Result<void> remember_file_hash(const std::filesystem::path& file,
                                          const Digest& hash) = 0;
};

}  // namespace kvlink::cache
