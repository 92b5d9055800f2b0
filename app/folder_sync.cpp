// SPDX-License-Identifier: Apache-2.0
#include "app/folder_sync.h"

#include <algorithm>
#include <system_error>
#include <vector>

#include "app/reconcile.h"

namespace kvlink::app {
namespace {

namespace fs = std::filesystem;

/// Whether a file that is not there would be, were it not deleted. A mount point without its drive
/// is missing or an empty folder; of a file that was named itself, its folder tells.
bool is_within_reach(const std::string& file, const fs::path& root) {
  std::error_code error;
  if (file == root) return fs::exists(root.parent_path(), error);
  return fs::is_directory(root, error) && !fs::is_empty(root, error) && !error;
}

bool lies_below(const std::string& path, const std::string& root) {
  return path == root || path.starts_with(root.ends_with('/') ? root : root + "/");
}

}  // namespace

Result<SyncReport> drop_missing(Session& session, std::span<const fs::path> roots) {
  return returning([&] {
    SyncReport report;
    std::vector<retrieval::DocumentId> offline, online, gone;
    const auto documents = value_or_throw(session.library().documents());
    for (const auto& named : roots) {
      std::error_code error;
      const fs::path real = fs::weakly_canonical(named, error);
      const std::string root = (error ? named : real).string();
      for (const auto& document : documents) {
        if (!lies_below(document.path, root)) continue;
        if (fs::exists(document.path, error)) {
          if (document.offline) online.push_back(document.id);
        } else if (is_within_reach(document.path, root)) {
          gone.push_back(document.id);
        } else if (!document.offline) {
          offline.push_back(document.id);
        }
      }
    }
    std::sort(gone.begin(), gone.end());  // a file may lie below two roots
    gone.erase(std::unique(gone.begin(), gone.end()), gone.end());
    if (!gone.empty()) {
      value_or_throw(remove_documents(session.library(), session.store(), gone));
    }
    report.n_removed = static_cast<std::int64_t>(gone.size());
    value_or_throw(session.library().set_offline(offline, true));
    value_or_throw(session.library().set_offline(online, false));
    report.n_offline = static_cast<std::int64_t>(offline.size());
    report.n_online = static_cast<std::int64_t>(online.size());
    return report;
  });
}

}  // namespace kvlink::app
