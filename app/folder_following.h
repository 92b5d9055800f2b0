// SPDX-License-Identifier: Apache-2.0
// A library that is kept as some folders are.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <vector>

#include "app/folder_sync.h"
#include "app/folder_watch.h"
#include "app/ingestion.h"

namespace kvlink::app {

/// Takes over what happens in folders since they are watched: what changes is added, what is gone
/// leaves. One thread.
class FolderFollowing {
 public:
  /// Each may be empty. Called on the thread of run().
  struct Events {
    std::function<void(const IngestReport&)> on_added;
    std::function<void(const SyncReport&)> on_synced;
  };

  /// `scan` says what is left out, as the watch knows it; it becomes that of the ingestion.
  FolderFollowing(Session& session, Ingestion& ingestion, FolderWatch watch, ScanOptions scan,
                  Ingestion::Caching caching, Events events);

  /// Until asked to stop. False when the stop left changes undone; the next `add` finds them.
  /// Error: the library cannot be used.
  Result<bool> run(std::stop_token stop);

  std::int64_t n_watched() const { return watch_.n_watched(); }
  std::int64_t n_unwatched() const { return watch_.n_unwatched(); }

 private:
  bool take_over(FolderChanges news, const std::stop_token& stop);
  bool add(const std::vector<std::filesystem::path>& paths, bool are_found,
           const std::stop_token& stop);
  void sync();

  Session& session_;
  Ingestion& ingestion_;
  FolderWatch watch_;
  ScanOptions scan_;
  Ingestion::Caching caching_;
  Events events_;
  FolderChanges pending_;   // told, and not all taken over yet
  bool is_synced_ = false;  // with what was gone before anybody watched
};

}  // namespace kvlink::app
