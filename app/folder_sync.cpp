// SPDX-License-Identifier: Apache-2.0
#include "app/folder_sync.h"

#include <iterator>
#include <set>
#include <system_error>
#include <vector>

#include "app/file_presence.h"
#include "app/reconcile.h"

namespace kvlink::app {
namespace {

namespace fs = std::filesystem;

bool lies_below(const std::string& path, const std::string& root) {
  return path == root || path.starts_with(root.ends_with('/') ? root : root + "/");
}

}  // namespace

Result<SyncReport> drop_missing(Session& session, std::span<const fs::path> roots,
                                std::span<const fs::path> reported) {
  return returning([&] {
    SyncReport report;
    std::set<retrieval::DocumentId> offline, online, gone;
    FilePresence presence(reported);
    const auto documents = value_or_throw(session.library().documents());
    for (const auto& named : roots) {
      std::error_code error;
      const fs::path real = fs::weakly_canonical(named, error);
      const std::string root = (error ? named : real).string();
      for (const auto& document : documents) {
        if (!lies_below(document.path, root)) continue;
        const Presence found = presence.of(document.path, root);
        if (found == Presence::kHere && document.offline) online.insert(document.id);
        if (found == Presence::kGone) gone.insert(document.id);
        if (found == Presence::kOutOfReach) offline.insert(document.id);
      }
    }
    // Below several folders: what one of them cannot see is not deleted.
    std::erase_if(gone, [&](retrieval::DocumentId id) { return offline.contains(id); });
    for (const auto& document : documents) {
      if (document.offline) offline.erase(document.id);
    }
    const auto ids = [](const auto& set) { return std::vector(set.begin(), set.end()); };
    if (!gone.empty()) {
      value_or_throw(remove_documents(session.library(), session.store(), ids(gone)));
    }
    report.n_removed = std::ssize(gone);
    value_or_throw(session.library().set_offline(ids(offline), true));
    value_or_throw(session.library().set_offline(ids(online), false));
    report.n_offline = std::ssize(offline);
    report.n_online = std::ssize(online);
    return report;
  });
}

}  // namespace kvlink::app
