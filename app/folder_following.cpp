// SPDX-License-Identifier: Apache-2.0
#include "app/folder_following.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <system_error>
#include <utility>

namespace kvlink::app {
namespace {

namespace fs = std::filesystem;

/// Files that come and go quickly are no problem to tell.
std::vector<fs::path> existing(std::vector<fs::path> paths) {
  std::error_code ignored;
  std::erase_if(paths, [&](const fs::path& path) { return !fs::exists(path, ignored); });
  return paths;
}

void append(std::vector<fs::path>& to, std::vector<fs::path> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

FolderFollowing::FolderFollowing(Session& session, Ingestion& ingestion, FolderWatch watch,
                                 ScanOptions scan, Ingestion::Caching caching, Events events)
    : session_(session),
      ingestion_(ingestion),
      watch_(std::move(watch)),
      scan_(std::move(scan)),
      caching_(caching),
      events_(std::move(events)) {}

Result<bool> FolderFollowing::run(std::stop_token stop) {
  return returning([&] {
    bool is_done = take_over(watch_.so_far(), stop);
    while (!stop.stop_requested()) {
      FolderChanges news = watch_.wait(stop);
      if (!news.empty()) is_done = take_over(std::move(news), stop);
    }
    return is_done;
  });
}

/// False when it was cut short: all of it is tried again with the next change.
bool FolderFollowing::take_over(FolderChanges news, const std::stop_token& stop) {
  append(pending_.changed, std::move(news.changed));
  append(pending_.removed, std::move(news.removed));
  pending_.rescan = pending_.rescan || news.rescan;
  const auto roots = watch_.roots();
  std::vector<fs::path> chosen(roots.begin(), roots.end()), found;
  if (!pending_.rescan) {
    found = pending_.changed;
    // A file that was named itself is taken as it was then, also a picture.
    const auto is_root = [&](const fs::path& path) {
      return std::find(roots.begin(), roots.end(), path) != roots.end();
    };
    const auto first_root = std::stable_partition(found.begin(), found.end(), std::not_fn(is_root));
    chosen.assign(first_root, found.end());
    found.erase(first_root, found.end());
  }
  // What was renamed is found by its content before its old name is taken for gone. What was not
  // looked at may be what an old name became.
  if (!add(existing(std::move(chosen)), false, stop)) return false;
  if (!add(existing(std::move(found)), true, stop)) return false;
  if (!is_synced_ || pending_.rescan || !pending_.removed.empty()) sync();
  pending_ = {};
  return true;
}

/// Whether everything was looked at.
bool FolderFollowing::add(const std::vector<fs::path>& paths, bool are_found,
                          const std::stop_token& stop) {
  if (paths.empty()) return true;
  ScanOptions scan = scan_;
  scan.names_are_found = are_found;
  ingestion_.set_scan(std::move(scan));
  const IngestReport report = value_or_throw(ingestion_.add(paths, caching_, stop));
  if (events_.on_added) events_.on_added(report);
  return !report.cut_short;
}

void FolderFollowing::sync() {
  const SyncReport report =
      value_or_throw(drop_missing(session_, watch_.roots(), pending_.removed));
  is_synced_ = true;
  if (events_.on_synced) events_.on_synced(report);
}

}  // namespace kvlink::app
