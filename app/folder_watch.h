// SPDX-License-Identifier: Apache-2.0
// Which files below some folders change, as the system tells it (inotify).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "app/file_scan.h"

namespace kvlink::app {

struct FolderChanges {
  /// Written, made, moved here or given other permissions: files and folders.
  std::vector<std::filesystem::path> changed;
  std::vector<std::filesystem::path> removed;  ///< deleted or moved away
  bool rescan = false;  ///< something was missed: look at everything below the folders

  bool empty() const { return changed.empty() && removed.empty() && !rescan; }
};

/// Watches folders and the folders below them; hidden and excluded ones and links are left out, as
/// in a scan. One thread.
class FolderWatch {
 public:
  struct Options {
    ScanOptions scan = {};
    /// Changes are told once it has been quiet for this long, or after ten times as long.
    std::chrono::milliseconds quiet{500};
    /// How often to look at everything where the system cannot watch every folder.
    std::chrono::seconds rescan_every{60};
  };

  /// kIo when the system has no inotify to give. A folder that is not there is watched once it
  /// comes back: its parent is looked at with every rescan.
  static Result<FolderWatch> start(std::span<const std::filesystem::path> roots, Options options);
  ~FolderWatch();
  FolderWatch(FolderWatch&& other) noexcept;
  FolderWatch& operator=(FolderWatch&&) = delete;

  /// The next changes; empty when stopped.
  FolderChanges wait(std::stop_token stop);

  std::int64_t n_watched() const { return static_cast<std::int64_t>(folders_.size()); }
  /// Folders beyond the system's limit (fs.inotify.max_user_watches); they are looked at once in
  /// Options::rescan_every instead.
  std::int64_t n_unwatched() const { return n_unwatched_; }

 private:
  FolderWatch(int descriptor, Options options, std::span<const std::filesystem::path> roots);
  void watch_tree(const std::filesystem::path& root);
  void watch_roots();
  bool read_events(FolderChanges& changes);

  int descriptor_ = -1;
  Options options_;
  std::vector<std::filesystem::path> roots_;
  std::map<int, std::filesystem::path> folders_;  // by watch
  std::int64_t n_unwatched_ = 0;
  std::chrono::steady_clock::time_point last_rescan_;
};

}  // namespace kvlink::app
