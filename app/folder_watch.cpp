// SPDX-License-Identifier: Apache-2.0
#include "app/folder_watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace kvlink::app {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_DELETE |
                                  IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |
                                  IN_ONLYDIR | IN_EXCL_UNLINK | IN_DONT_FOLLOW;
constexpr int kPollMs = 50;  // how long a stop may go unnoticed

bool lies_in(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

FolderChanges each_once(FolderChanges changes) {
  for (auto* paths : {&changes.changed, &changes.removed}) {
    std::sort(paths->begin(), paths->end());
    paths->erase(std::unique(paths->begin(), paths->end()), paths->end());
  }
  return changes;
}

}  // namespace

Result<FolderWatch> FolderWatch::start(std::span<const fs::path> roots, Options options) {
  return returning([&] {
    const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (descriptor < 0) {
      fail(ErrorCode::kIo,
           std::string("Folders cannot be watched: ") + std::strerror(errno) +
               "; too many programs may be watching (fs.inotify.max_user_instances).");
    }
    return FolderWatch(descriptor, std::move(options), roots);
  });
}

FolderWatch::FolderWatch(int descriptor, Options options, std::span<const fs::path> roots)
    : descriptor_(descriptor), options_(std::move(options)), last_rescan_(Clock::now()) {
  for (const auto& root : roots) {
    std::error_code error;
    const fs::path real = fs::weakly_canonical(root, error);
    roots_.push_back(error ? root : real);
    if (!roots_.back().has_filename()) roots_.back() = roots_.back().parent_path();  // "notes/"
  }
  watch_roots();
}

FolderWatch::FolderWatch(FolderWatch&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      options_(std::move(other.options_)),
      roots_(std::move(other.roots_)),
      folders_(std::move(other.folders_)),
      n_unwatched_(other.n_unwatched_),
      last_rescan_(other.last_rescan_) {}

FolderWatch::~FolderWatch() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void FolderWatch::watch_roots() {
  n_unwatched_ = 0;
  for (const auto& root : roots_) watch_root(root);
}

void FolderWatch::watch_root(const fs::path& root) {
  std::error_code error;
  if (fs::is_directory(root, error)) {
    watch_tree(root);
  } else {
    watch_name(root);
  }
}

void FolderWatch::watch_tree(const fs::path& top) {
  std::vector<fs::path> open = {top};
  while (!open.empty()) {
    const fs::path folder = std::move(open.back());
    open.pop_back();
    const int watch = ::inotify_add_watch(descriptor_, folder.c_str(), kEvents);
    if (watch < 0) {
      if (errno == ENOSPC) ++n_unwatched_;
      if (errno != ENOSPC) continue;  // gone, or not ours to read
    } else {
      folders_[watch] = {folder, true};
    }
    std::error_code error;
    for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator();
         it.increment(error)) {
      const bool is_folder = it->is_directory(error) && !it->is_symlink(error);
      if (is_folder && !options_.scan.leaves_out_hidden(it->path()) &&
          !options_.scan.excludes(it->path())) {
        open.push_back(it->path());
      }
    }
  }
}

/// A file is watched by its folder: a program that saves it puts another file in its place.
void FolderWatch::watch_name(const fs::path& root) {
  const fs::path folder = root.parent_path();
  const int watch = ::inotify_add_watch(descriptor_, folder.c_str(), kEvents);
  std::error_code error;
  if (watch >= 0) {
    folders_.try_emplace(watch, Watched{folder, false});
  } else if (errno == ENOSPC || fs::exists(root, error)) {
    ++n_unwatched_;
  }
}

/// The system goes on watching folders that were moved, under names that are no longer theirs.
void FolderWatch::forget(const fs::path& top) {
  std::erase_if(folders_, [&](const auto& watched) {
    const bool is_moved = lies_in(watched.second.path, top);
    if (is_moved) ::inotify_rm_watch(descriptor_, watched.first);
    return is_moved;
  });
}

bool FolderWatch::is_root(const fs::path& path) const {
  return std::find(roots_.begin(), roots_.end(), path) != roots_.end();
}

/// What is named itself is taken where a folder would leave it out.
bool FolderWatch::is_told(const fs::path& path, bool whole) const {
  if (is_root(path)) return true;
  return whole && !options_.scan.leaves_out_hidden(path) && !options_.scan.excludes(path);
}

bool FolderWatch::is_watched(const fs::path& folder) const {
  return std::any_of(folders_.begin(), folders_.end(),
                     [&](const auto& watched) { return watched.second.path == folder; });
}

/// A folder that is not where it was: what it was watched for is told, and waited for.
void FolderWatch::lose(const fs::path& folder, FolderChanges& changes) {
  forget(folder);
  for (const auto& root : roots_) {
    if (!lies_in(root, folder)) continue;
    changes.removed.push_back(root);
    watch_root(root);
  }
}

/// When a folder above a root is moved, nothing is told to who watches the root.
void FolderWatch::lose_moved_roots(FolderChanges& changes) {
  for (const auto& root : roots_) {
    for (const auto& folder : {root, root.parent_path()}) {
      std::error_code error;
      const bool is_there = fs::symlink_status(folder, error).type() != fs::file_type::not_found;
      if (!is_there && is_watched(folder)) lose(folder, changes);
    }
  }
}

void FolderWatch::take_folder_event(const Event& event, const Watched& folder,
                                    FolderChanges& changes) {
  if ((event.mask & IN_UNMOUNT) != 0) {
    // Nothing was deleted: every file is looked for. The mount point is what is watched now.
    folders_.erase(event.watch);
    changes.rescan = true;
    if (folder.whole) watch_tree(folder.path);
    for (const auto& root : roots_) {
      if (root.parent_path() == folder.path) watch_root(root);
    }
  } else if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
    lose(folder.path, changes);
  }
}

void FolderWatch::take_name_event(const Event& event, const Watched& folder,
                                  FolderChanges& changes) {
  const fs::path path = folder.path / event.name;
  if (!is_told(path, folder.whole)) return;
  const bool is_folder = (event.mask & IN_ISDIR) != 0;
  if ((event.mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
    if (is_folder) forget(path);
    changes.removed.push_back(path);
  } else if (is_folder && (event.mask & (IN_CREATE | IN_MOVED_TO | IN_ATTRIB)) != 0) {
    watch_tree(path);  // of attributes, too: it may have become readable
    changes.changed.push_back(path);
  } else if ((event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB)) != 0) {
    changes.changed.push_back(path);
  }
}

/// Whether anything came.
bool FolderWatch::read_events(FolderChanges& changes) {
  alignas(inotify_event) std::array<char, 1 << 16> buffer;
  bool any = false;
  for (;;) {
    const ssize_t n = ::read(descriptor_, buffer.data(), buffer.size());
    if (n <= 0) return any;
    any = true;
    for (std::size_t at = 0; at < static_cast<std::size_t>(n);) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += sizeof(inotify_event) + event->len;
      if ((event->mask & IN_Q_OVERFLOW) != 0) changes.rescan = true;
      if ((event->mask & IN_IGNORED) != 0) folders_.erase(event->wd);
      const auto found = folders_.find(event->wd);
      if (found == folders_.end()) continue;
      const Watched folder = found->second;
      const Event told{event->wd, event->mask, event->len == 0 ? nullptr : event->name};
      if (told.name == nullptr) {
        take_folder_event(told, folder, changes);
      } else {
        take_name_event(told, folder, changes);
      }
    }
  }
}

FolderChanges FolderWatch::so_far() {
  FolderChanges changes;
  read_events(changes);
  return each_once(std::move(changes));
}

FolderChanges FolderWatch::wait(std::stop_token stop) {
  FolderChanges changes;
  Clock::time_point first{}, last{};
  while (!stop.stop_requested()) {
    pollfd waited{descriptor_, POLLIN, 0};
    ::poll(&waited, 1, kPollMs);
    const auto now = Clock::now();
    if (read_events(changes)) {
      if (first == Clock::time_point{}) first = now;
      last = now;
    }
    const bool due =
        !changes.empty() && (now - last >= options_.quiet || now - first >= 10 * options_.quiet);
    if (due) break;
    if (changes.empty() && now - last_rescan_ >= options_.rescan_every) {
      last_rescan_ = now;
      lose_moved_roots(changes);
      const std::size_t before = folders_.size();
      watch_roots();
      // Everything is looked at where not everything is watched, or where a folder has come back.
      if (n_unwatched_ > 0 || folders_.size() != before) {
        changes.rescan = true;
      }
      if (!changes.empty()) break;
    }
  }
  return each_once(std::move(changes));
}

}  // namespace kvlink::app
