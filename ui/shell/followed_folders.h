// SPDX-License-Identifier: Apache-2.0
// Folders whose documents follow what happens to their files while the window is open.
#pragma once

#include <QObject>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "app/desk/desk.h"
#include "app/desk/folder_follower.h"

namespace kvlink::ui {

class WindowState;

/// Hands what changed to the ingestion: files that are new or changed are read, and documents whose
/// files are gone go, or are marked offline with their drive. The list is kept in the window's
/// state. GUI thread.
class FollowedFolders : public QObject {
  Q_OBJECT

 public:
  FollowedFolders(desk::Desk& desk, WindowState& state, QObject* parent = nullptr);

  /// Follows the folders that this request names for it, with its choices, from now on; files that
  /// it adds are taken out of the library no more.
  void add(const desk::AddRequest& request);
  void remove(const QString& folder);
  /// The user takes these files out of the library: they stay out, unless that is undone.
  void exclude(desk::RequestId removal, const std::vector<QString>& paths);
  /// The followed folder that a path is, or lies in.
  std::optional<QString> containing(const QString& path) const;
  std::vector<QString> folders() const;

 signals:
  void notice(const QString& message);

 private:
  void opened(const desk::DeskFacts& facts);
  void keep();
  void follow();
  void take(const desk::FolderNews& news);
  /// Begins what waits, once the run before is over.
  void begin();
  void ended(desk::RequestId id);
  void undone(desk::RequestId removal);
  void include(const std::vector<QString>& paths);
  std::vector<desk::AddRequest> waiting_requests();

  desk::Desk& desk_;
  WindowState& state_;
  desk::FolderFollower follower_;
  std::map<QString, desk::AddRequest> followed_;  // by folder, with the choices made for it
  std::set<QString> changed_;                     // since the last run began
  std::set<QString> removed_;
  bool look_at_all_ = false;
  std::set<desk::RequestId> running_;
  std::map<desk::RequestId, std::vector<QString>> removals_;  // that can be undone
};

}  // namespace kvlink::ui
