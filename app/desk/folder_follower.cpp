// SPDX-License-Identifier: Apache-2.0
#include "app/desk/folder_follower.h"

#include <filesystem>
#include <utility>

#include "app/folder_watch.h"

namespace kvlink::desk {

FolderFollower::FolderFollower(QObject* parent) : QObject(parent) {
  qRegisterMetaType<kvlink::desk::FolderNews>();
}

FolderFollower::~FolderFollower() = default;  // the thread is asked to stop and waited for

void FolderFollower::follow(std::vector<QString> folders) {
  thread_ = {};
  if (folders.empty()) return;
  thread_ = std::jthread([this, folders = std::move(folders)](std::stop_token stop) {
    run(folders, std::move(stop));
  });
}

void FolderFollower::run(const std::vector<QString>& folders, std::stop_token stop) {
  std::vector<std::filesystem::path> roots;
  for (const auto& folder : folders) roots.emplace_back(utf8_of(folder));
  auto watch = app::FolderWatch::start(roots, {});
  if (!watch) {
    emit failed(problem_of(watch.error()));
    return;
  }
  emit watching(watch->n_watched(), watch->n_unwatched());
  emit news({{}, {}, true});
  while (!stop.stop_requested()) {
    const app::FolderChanges changes = watch->wait(stop);
    if (changes.empty()) continue;
    FolderNews told{{}, {}, changes.rescan};
    for (const auto& path : changes.changed) told.changed.push_back(text_of(path.string()));
    for (const auto& path : changes.removed) told.removed.push_back(text_of(path.string()));
    emit news(told);
  }
}

}  // namespace kvlink::desk
