// SPDX-License-Identifier: Apache-2.0
// kv.db as values: what it holds is read once, and every change to it is one transaction.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cache/block_index.h"
#include "kernels/base/file_system.h"

namespace SQLite {
class Database;
}

namespace kvlink::cache {

/// What one transaction changes. Applied in the order of the fields.
struct CatalogueChange {
  std::vector<Digest> removed;
  std::vector<BlockEntry> written;  ///< inserted or replaced
  std::vector<Digest> forgotten;    ///< no longer remembered as evicted
  std::vector<EvictedRow> evicted;
  std::vector<BlockEntry> used;  ///< rows whose use counts changed; one that is gone is skipped
  std::optional<Counters> counters;
};

/// What kv.db holds.
struct CatalogueContents {
  std::vector<BlockEntry> blocks;   ///< ascending by id
  std::vector<EvictedRow> evicted;  ///< oldest first
  Counters counters;
};

/// The only connection to kv.db. Used by one thread at a time: guarded by the store's writer mutex.
/// Throws Exception with the codes of with_sql_errors.
class Catalogue {
 public:
  Catalogue(const std::filesystem::path& folder, FileSystem& files);
  ~Catalogue();

  /// Its rows have yet to be made from the block files: the database is new, or its predecessor was
  /// set aside. So until a change with counters is applied.
  bool is_new() const { return is_new_; }
  const std::string& why_set_aside() const { return why_set_aside_; }

  /// Everything. A row that contradicts itself is kCorrupt: the caller replaces the catalogue.
  CatalogueContents read();

  /// Sets the database aside and begins an empty one.
  void replace(std::string why);

  /// All of `change` durably, or nothing.
  void apply(const CatalogueChange& change);
  /// Removes what erased rows left in the journal.
  void empty_journal();

  std::optional<Digest> fingerprint(const std::filesystem::path& model, const FileStat& stat);
  void set_fingerprint(const std::filesystem::path& model, const FileStat& stat,
                       const Digest& fingerprint);

 private:
  std::filesystem::path folder_;
  FileSystem& files_;
  std::unique_ptr<SQLite::Database> database_;
  bool is_new_ = false;
  std::string why_set_aside_;
};

}  // namespace kvlink::cache
