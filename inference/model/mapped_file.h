// SPDX-License-Identifier: Apache-2.0
// A regular file mapped for reading, and small files read whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace kvlink::inference {

/// Owns a private read-only mapping; move-only. A file that somebody truncates later raises SIGBUS
/// on access, as any mapping does: replace model files by renaming, do not write into them.
class MappedFile {
 public:
  MappedFile() = default;
  /// Throws kNotFound, kIo (also for anything that is not a regular file).
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

  /// Takes the pages that were read out of this process; they stay in the system's page cache while
  /// there is room, and come back when they are read again. Any thread.
  void release_pages() const;

  /// Throws kCorrupt when the file no longer has the size that was mapped.
  void expect_unchanged_size() const;

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  int descriptor_ = -1;
};

/// The bytes of a small text file. Throws kNotFound, kIo, kUnsupported above max_bytes.
std::string read_small_file(const std::filesystem::path& path, std::uint64_t max_bytes);

}  // namespace kvlink::inference
