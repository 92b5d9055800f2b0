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

void keep_each_once(std::vector<fs::path>& paths) {
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
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
  for (const auto& root : roots_) watch_tree(root);
}

void FolderWatch::watch_tree(const fs::path& root) {
  std::vector<fs::path> open = {root};
  while (!open.empty()) {
    const fs::path folder = std::move(open.back());
    open.pop_back();
    const int watch = ::inotify_add_watch(descriptor_, folder.c_str(), kEvents);
    if (watch < 0) {
      if (errno == ENOSPC) ++n_unwatched_;
      if (errno != ENOSPC) continue;  // a file, or gone, or not ours to read
    } else {
      folders_[watch] = folder;
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
      const auto folder = folders_.find(event->wd);
      if (folder == folders_.end() || event->len == 0) continue;
      const fs::path path = folder->second / event->name;
      if (options_.scan.leaves_out_hidden(path) || options_.scan.excludes(path)) continue;
      const bool is_folder = (event->mask & IN_ISDIR) != 0;
      if ((event->mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
        changes.removed.push_back(path);
      } else if (is_folder && (event->mask & (IN_CREATE | IN_MOVED_TO | IN_ATTRIB)) != 0) {
        watch_tree(path);  // of attributes, too: it may have become readable
        changes.changed.push_back(path);
      } else if ((event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB)) != 0) {
        changes.changed.push_back(path);
      }
    }
  }
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
      const std::size_t before = folders_.size();
      watch_roots();
      // Everything is looked at where not everything is watched, or where a folder has come back.
      if (n_unwatched_ > 0 || folders_.size() != before) {
        changes.rescan = true;
        break;
      }
    }
  }
  keep_each_once(changes.changed);
  keep_each_once(changes.removed);
  return changes;
}

}  // namespace kvlink::app
