// SPDX-License-Identifier: Apache-2.0
// Reading a user's file whole, without trusting what it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "kernels/base/file_system.h"

namespace kvlink::app {

struct FileBytes {
  std::string bytes;          ///< empty when too_large
  std::int64_t mtime_ns = 0;  ///< last change of the content, as the file system says
  /// Of the file; 0 when it changed in the last two seconds before it was opened: the next change
  /// might leave the same time.
  std::int64_t inode = 0;
  std::int64_t file_bytes = 0;  ///< size when opened
  bool too_large = false;       ///< more than the limit; nothing was read
};

/// As FileSystem::stat of the real one, but what cannot be examined counts as absent.
std::optional<FileStat> look_at(const std::filesystem::path& path);

/// Whether a file's size, time and inode say, without it being read, that its content did not
/// change between two looks. A folder always may have; two absent files are the same.
bool is_unchanged(const std::optional<FileStat>& before, const std::optional<FileStat>& now);

/// Reads a regular file of at most `limit` bytes. Never blocks on a pipe or device. Throws
/// kNotFound, kUnsupported (not a regular file), kIo with the path and the system's words.
FileBytes read_file(const std::filesystem::path& file, std::int64_t limit);

/// The first `n` bytes of a regular file, or all of a shorter one. Throws as read_file.
std::string read_head(const std::filesystem::path& file, std::size_t n);

}  // namespace kvlink::app
