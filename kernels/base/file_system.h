// SPDX-License-Identifier: Apache-2.0
// Every file the stores touch goes through this interface, so that tests can make any call fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kvlink {

/// A file being written under a temporary name. Destroyed before commit(): removed.
class PendingFile {
 public:
  virtual ~PendingFile() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;
  /// fdatasync → rename to the final name → fsync of the directory.
  virtual void commit() = 0;
};

struct FileStat {
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::uint64_t inode = 0;
};

/// Errors are thrown as Exception: kNotFound, kIo (with path, call and the system's words),
/// kOutOfMemory when the disk is full. A failed sync is never retried: the file is abandoned.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Temporary file beside `path` (O_EXCL, O_NOFOLLOW, 0600); names end in ".tmp".
  virtual std::unique_ptr<PendingFile> create(const std::filesystem::path& path,
                                              std::int64_t expected_bytes) = 0;
  /// Reads exactly out.size() bytes at `offset`; a shorter file is kCorrupt.
  virtual void read(const std::filesystem::path& path, std::int64_t offset,
                    std::span<std::byte> out) = 0;
  virtual std::optional<FileStat> stat(const std::filesystem::path& path) = 0;
  virtual void remove(const std::filesystem::path& path) = 0;
  virtual std::vector<std::filesystem::path> list(const std::filesystem::path& folder) = 0;
  /// Creates a folder (and parents) with mode 0700.
  virtual void make_folder(const std::filesystem::path& folder) = 0;
  virtual void sync_folder(const std::filesystem::path& folder) = 0;
  virtual std::int64_t free_bytes(const std::filesystem::path& folder) = 0;
  /// Drops a file's pages from the page cache (for cold measurements).
  virtual void drop_page_cache(const std::filesystem::path& path) = 0;

  /// The real one.
  static FileSystem& posix();
};

}  // namespace kvlink
