// SPDX-License-Identifier: Apache-2.0
// What happens in folders while the window is open.
#pragma once

#include <QObject>
#include <thread>
#include <vector>

#include "app/desk/messages.h"

namespace kvlink::desk {

/// What happened below the followed folders since it was told last.
struct FolderNews {
  std::vector<QString> changed;  ///< files and folders that were written, made or moved here
  std::vector<QString> removed;  ///< deleted or moved away
  bool rescan = false;           ///< something was missed: everything is to be looked at
};

/// Watches folders on a thread of its own. Lives in the GUI thread; no call blocks but the
/// destructor and follow(), which wait for the thread to notice (some milliseconds).
class FolderFollower : public QObject {
  Q_OBJECT

 public:
  explicit FolderFollower(QObject* parent = nullptr);
  ~FolderFollower() override;

  /// From now on these and no others; empty: none. The first news are a rescan, for what happened
  /// while nobody watched.
  void follow(std::vector<QString> folders);

 signals:
  void news(const kvlink::desk::FolderNews& news);
  /// Folders that are watched, and those beyond the system's limit, which are looked at once a
  /// minute.
  void watching(qint64 n_watched, qint64 n_unwatched);
  /// The system gives no watch at all.
  void failed(const kvlink::desk::Problem& problem);

 private:
  void run(const std::vector<QString>& folders, std::stop_token stop);

  std::jthread thread_;
};

}  // namespace kvlink::desk
