// SPDX-License-Identifier: Apache-2.0
// Whether a file that cannot be seen was deleted, or only cannot be reached.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>

namespace kvlink::app {

enum class Presence : std::uint8_t {
  kHere,
  kGone,        ///< deleted or moved away
  kOutOfReach,  ///< its drive or folder is not there, or may not be looked into
};

/// Looks at files; what it found out about folders is kept, so that a drive with many documents
/// costs one look. One thread, for as long as one look at a library takes.
class FilePresence {
 public:
  /// `reported`: files and folders that the system said were deleted or moved away.
  explicit FilePresence(std::span<const std::filesystem::path> reported = {})
      : reported_(reported) {}

  /// A file is gone when the system says so of its name and the nearest folder above it that is
  /// there can be listed and holds something else, or the system reported it: a mount point without
  /// its drive is an empty folder. A root that is not there is out of reach with all below it.
  Presence of(const std::filesystem::path& file, const std::filesystem::path& root = "/");

 private:
  enum class Folder : std::uint8_t { kAbsent, kClosed, kEmpty, kFilled };
  Folder folder(const std::filesystem::path& path);
  bool is_reported(const std::filesystem::path& file) const;

  std::span<const std::filesystem::path> reported_;
  std::map<std::filesystem::path, Folder> folders_;
};

}  // namespace kvlink::app
