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
  /// Deleted or moved away: files and folders, also the watched ones themselves. What a drive that
  /// was unmounted takes with it is not told here, but makes a rescan.
  std::vector<std::filesystem::path> removed;
  bool rescan = false;  ///< something was missed: look at everything below the folders

  bool empty() const { return changed.empty() && removed.empty() && !rescan; }
};

/// Watches folders and the folders below them, and single files; hidden and excluded ones and links
/// inside folders are left out, as in a scan. What happens from start() on is kept until it is
/// asked for. One thread.
class FolderWatch {
 public:
  struct Options {
    ScanOptions scan = {};
    /// Changes are told once it has been quiet for this long, or after ten times as long.
    std::chrono::milliseconds quiet{500};
    /// How often to look at everything where the system cannot watch every folder.
    std::chrono::seconds rescan_every{60};
  };

  /// kIo when the system has no inotify to give. A root that is not a folder, but a file or not
  /// there, is watched by its name in the folder it lies in: so a folder that comes back is told.
  /// Where that folder is not there either, it is looked for with every rescan.
  static Result<FolderWatch> start(std::span<const std::filesystem::path> roots, Options options);
  ~FolderWatch();
  FolderWatch(FolderWatch&& other) noexcept;
  FolderWatch& operator=(FolderWatch&&) = delete;

  /// What was told since it was last asked for, without waiting.
  FolderChanges so_far();
  /// The next changes; empty when stopped.
  FolderChanges wait(std::stop_token stop);

  /// Absolute, links resolved.
  std::span<const std::filesystem::path> roots() const { return roots_; }
  /// Folders; also those that are watched only for a file in them.
  std::int64_t n_watched() const { return static_cast<std::int64_t>(folders_.size()); }
  /// Folders beyond the system's limit (fs.inotify.max_user_watches); they are looked at once in
  /// Options::rescan_every instead.
  std::int64_t n_unwatched() const { return n_unwatched_; }

 private:
  FolderWatch(int descriptor, Options options, std::span<const std::filesystem::path> roots);
  struct Watched {
    std::filesystem::path path;
    bool whole = true;  ///< all in it is told; else only the roots that lie in it
  };
  /// What the system says of one folder, or of one name in it.
  struct Event {
    int watch = -1;
    std::uint32_t mask = 0;
    const char* name = nullptr;  ///< null: the folder itself
  };

  void watch_tree(const std::filesystem::path& top);
  void watch_name(const std::filesystem::path& root);
  void watch_root(const std::filesystem::path& root);
  void watch_roots();
  void forget(const std::filesystem::path& top);
  bool is_root(const std::filesystem::path& path) const;
  bool is_told(const std::filesystem::path& path, bool whole) const;
  bool is_watched(const std::filesystem::path& folder) const;
  void lose(const std::filesystem::path& folder, FolderChanges& changes);
  void lose_moved_roots(FolderChanges& changes);
  void take_folder_event(const Event& event, const Watched& folder, FolderChanges& changes);
  void take_name_event(const Event& event, const Watched& folder, FolderChanges& changes);
  bool read_events(FolderChanges& changes);

  int descriptor_ = -1;
  Options options_;
  std::vector<std::filesystem::path> roots_;
  std::map<int, Watched> folders_;  // by watch
  std::int64_t n_unwatched_ = 0;
  std::chrono::steady_clock::time_point last_rescan_;
};

}  // namespace kvlink::app
