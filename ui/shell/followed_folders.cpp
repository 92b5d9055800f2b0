// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/followed_folders.h"

#include <algorithm>
#include <utility>

#include "ui/shell/unfinished_runs.h"
#include "ui/shell/window_state.h"

namespace kvlink::ui {
namespace {

constexpr auto kFollowedKey = "session/followed_folders";

bool lies_in(const QString& path, const QString& folder) {
  return path == folder || path.startsWith(folder + QLatin1Char('/'));
}

}  // namespace

FollowedFolders::FollowedFolders(desk::Desk& desk, WindowState& state, QObject* parent)
    : QObject(parent), desk_(desk), state_(state) {
  for (const auto& run : UnfinishedRuns::from_json(state_.value(kFollowedKey).toByteArray())) {
    const auto* request = std::get_if<desk::AddRequest>(&run);
    if (request != nullptr) followed_[request->paths.front()] = *request;
  }
  connect(&desk_, &desk::Desk::opened, this, &FollowedFolders::opened);
  connect(&follower_, &desk::FolderFollower::news, this, &FollowedFolders::take);
  connect(&follower_, &desk::FolderFollower::failed, this,
          [this](const desk::Problem& problem) { emit notice(problem.message); });
  connect(&follower_, &desk::FolderFollower::watching, this, [this](qint64, qint64 n_unwatched) {
    if (n_unwatched == 0) return;
    emit notice(
        tr("%n folder(s) are beyond the system's limit of what can be watched "
           "(fs.inotify.max_user_watches): they are looked at once a minute.",
           nullptr, static_cast<int>(n_unwatched)));
  });
  connect(&desk_.library(), &desk::LibraryWorker::removal_undone, this, &FollowedFolders::undone);
  connect(&desk_.ingest(), &desk::IngestWorker::finished, this,
          [this](desk::RequestId id, const desk::IngestSummary&) { ended(id); });
  connect(&desk_.ingest(), &desk::IngestWorker::failed, this,
          [this](desk::RequestId id, const desk::Problem&) { ended(id); });
}

void FollowedFolders::undone(desk::RequestId removal) {
  const auto found = removals_.find(removal);
  if (found == removals_.end()) return;
  include(found->second);
  removals_.erase(found);
}

void FollowedFolders::opened(const desk::DeskFacts& facts) {
  running_.clear();
  if (facts.model) follow();
}

void FollowedFolders::add(const desk::AddRequest& request) {
  include(request.paths);
  const auto before = folders();
  for (const auto& folder : request.follow) {
    desk::AddRequest& choices = followed_[folder];
    choices.paths = {folder};
    choices.excluded_suffixes = request.excluded_suffixes;
    choices.caching = request.caching;
  }
  if (!request.follow.empty()) keep();
  if (folders() != before) follow();
}

void FollowedFolders::exclude(desk::RequestId removal, const std::vector<QString>& paths) {
  for (const auto& path : paths) {
    const auto folder = containing(path);
    if (!folder) continue;
    followed_[*folder].excluded_paths.push_back(path);
    removals_[removal].push_back(path);
  }
  if (removals_.contains(removal)) keep();
}

void FollowedFolders::include(const std::vector<QString>& paths) {
  bool any = false;
  for (auto& [folder, choices] : followed_) {
    any = std::erase_if(choices.excluded_paths,
                        [&](const QString& excluded) {
                          return std::any_of(paths.begin(), paths.end(), [&](const QString& path) {
                            return lies_in(excluded, path);
                          });
                        }) > 0 ||
          any;
  }
  if (any) keep();
}

void FollowedFolders::remove(const QString& folder) {
  if (followed_.erase(folder) == 0) return;
  keep();
  follow();
}

std::optional<QString> FollowedFolders::containing(const QString& path) const {
  for (const auto& [folder, request] : followed_) {
    if (lies_in(path, folder)) return folder;
  }
  return std::nullopt;
}

std::vector<QString> FollowedFolders::folders() const {
  std::vector<QString> folders;
  for (const auto& [folder, request] : followed_) folders.push_back(folder);
  return folders;
}

void FollowedFolders::keep() {
  UnfinishedRuns kept;
  for (const auto& [folder, request] : followed_) kept.begin(desk::next_request_id(), request);
  state_.set({{QLatin1String(kFollowedKey), kept.to_json()}});
}

void FollowedFolders::follow() { follower_.follow(folders()); }

void FollowedFolders::take(const desk::FolderNews& news) {
  changed_.insert(news.changed.begin(), news.changed.end());
  look_at_all_ = look_at_all_ || news.rescan;
  removed_.insert(news.removed.begin(), news.removed.end());
  begin();
}

std::vector<desk::AddRequest> FollowedFolders::waiting_requests() {
  const auto changed = std::exchange(changed_, {});
  const bool all = std::exchange(look_at_all_, false);
  const auto removed = std::exchange(removed_, {});
  const bool gone = all || !removed.empty();
  std::vector<desk::AddRequest> requests;
  for (const auto& [folder, choices] : followed_) {
    desk::AddRequest request = choices;
    request.followed = true;
    if (!all) {
      request.paths.clear();
      for (const auto& path : changed) {
        if (containing(path) == folder) request.paths.push_back(path);
      }
    }
    if (!request.paths.empty() || gone) requests.push_back(std::move(request));
  }
  // What was renamed from one folder to another is found before its old name is taken for gone.
  if (gone && !requests.empty()) {
    requests.back().gone_below = folders();
    requests.back().gone.assign(removed.begin(), removed.end());
  }
  return requests;
}

void FollowedFolders::begin() {
  if (!running_.empty() || desk_.state() != desk::DeskState::kReady) return;
  for (auto& request : waiting_requests()) {
    const auto id = desk::next_request_id();
    running_.insert(id);
    desk_.ingest().add(id, std::move(request));
  }
}

void FollowedFolders::ended(desk::RequestId id) {
  if (running_.erase(id) > 0) begin();
}

}  // namespace kvlink::ui
