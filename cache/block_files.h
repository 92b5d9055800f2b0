// SPDX-License-Identifier: Apache-2.0
// Where block files lie: blocks/<first two hex digits>/<64 hex digits>.kv under the store's folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "kernels/base/file_system.h"
#include "kernels/base/sha256.h"

namespace kvlink::cache {

/// Thread-safe, as the file system below it. Throws what FileSystem throws.
class BlockFiles {
 public:
  /// Creates the folders, and blocks/CACHEDIR.TAG so that backup programs leave the blocks out.
  BlockFiles(const std::filesystem::path& folder, FileSystem& files);

  std::filesystem::path path(const Digest& id) const;
  std::unique_ptr<ReadableFile> open(const Digest& id) { return files_.open(path(id)); }
  /// Durable under its final name, or not there at all (as far as the system lets it be removed).
  void write(const Digest& id, std::span<const std::byte> header,
             std::span<const std::byte> planes);
  void remove(const Digest& id) { files_.remove(path(id)); }
  /// Makes the removal of files durable.
  void sync_removals(std::span<const Digest> ids);
  std::int64_t free_bytes() { return files_.free_bytes(folder_); }
  void drop_page_cache(const Digest& id) { files_.drop_page_cache(path(id)); }

  struct Found {
    Digest id;
    std::int64_t size = 0;
  };
  struct Listing {
    std::vector<Found> blocks;  ///< ascending by id
    std::vector<std::filesystem::path> temporaries;
  };
  /// Every block file and what interrupted writes left; other names are not ours and are ignored.
  Listing list();
  void remove_file(const std::filesystem::path& path) { files_.remove(path); }

 private:
  std::filesystem::path folder_;
  FileSystem& files_;
};

}  // namespace kvlink::cache
