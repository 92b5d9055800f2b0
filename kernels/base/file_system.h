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

/// A file being written under a temporary name, by one thread. Destroyed before publish(): removed.
/// The steps are separate calls so that a test can stop between any two; callers use commit().
class PendingFile {
 public:
  virtual ~PendingFile() = default;
  /// Appends all of `bytes`.
  virtual void write(std::span<const std::byte> bytes) = 0;
  /// Makes the bytes durable (fdatasync). A failed sync is final: the file must be abandoned.
  virtual void sync() = 0;
  /// Renames to the final name, replacing what is there.
  virtual void publish() = 0;
  /// Makes the new name durable (fsync of the folder).
  virtual void sync_folder() = 0;

  void commit() {
    sync();
    publish();
    sync_folder();
  }
};

/// An open file; reads keep working after its name is removed or replaced. Thread-safe.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  /// Size when it was opened.
  virtual std::int64_t size() const = 0;
  /// Reads exactly out.size() bytes at `offset`; a shorter file is kCorrupt.
  virtual void read(std::int64_t offset, std::span<std::byte> out) = 0;
};

struct FileStat {
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::uint64_t inode = 0;
  bool is_folder = false;
};

/// Errors are thrown as Exception: kNotFound, kIo (with path, call and the system's words),
/// kOutOfMemory when the disk or quota is full. Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Temporary file beside `path` (O_EXCL, O_NOFOLLOW, 0600 whatever the umask); names end in
  /// ".tmp". `expected_bytes` are allocated at once, so that a full disk shows before the work.
  virtual std::unique_ptr<PendingFile> create(const std::filesystem::path& path,
                                              std::int64_t expected_bytes) = 0;
  /// Opens a regular file; a symbolic link, folder or FIFO at that name is kIo.
  virtual std::unique_ptr<ReadableFile> open(const std::filesystem::path& path) = 0;
  /// Follows symbolic links; nothing when there is no such file.
  virtual std::optional<FileStat> stat(const std::filesystem::path& path) = 0;
  /// Removes a file; one that is not there is no error.
  virtual void remove(const std::filesystem::path& path) = 0;
  virtual void rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  /// Paths of a folder's entries, sorted.
  virtual std::vector<std::filesystem::path> list(const std::filesystem::path& folder) = 0;
  /// Creates a folder (and parents) with mode 0700 whatever the umask; an existing one is kept.
  virtual void make_folder(const std::filesystem::path& folder) = 0;
  virtual void sync_folder(const std::filesystem::path& folder) = 0;
  virtual std::int64_t free_bytes(const std::filesystem::path& folder) = 0;
  /// Drops a file's pages from the page cache (for cold measurements).
  virtual void drop_page_cache(const std::filesystem::path& path) = 0;

  /// One read of a file that is not kept open.
  void read(const std::filesystem::path& path, std::int64_t offset, std::span<std::byte> out) {
    open(path)->read(offset, out);
  }

  /// The real one.
  static FileSystem& posix();
};

}  // namespace kvlink
