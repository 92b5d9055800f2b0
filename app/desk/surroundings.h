// SPDX-License-Identifier: Apache-2.0
// What an open session stands on and may lose while it runs: its folder, the model's file, and room
// on the disk.
// Internal to the desk.
#pragma once

#include <sys/stat.h>

#include <QCoreApplication>
#include <filesystem>
#include <optional>
#include <vector>

#include "app/desk/settings_messages.h"
#include "app/disk_reserve.h"

namespace kvlink::desk {

/// Remembers the files as they were when the session opened, and tells each difference once. Opens
/// no file but the reserve for a full disk.
class Surroundings {
  Q_DECLARE_TR_FUNCTIONS(Surroundings)

 public:
  /// The files that must stay as they are while a model is in use: of a sharded one the list of the
  /// shards and each of them.
  static std::vector<std::filesystem::path> files_of(const std::filesystem::path& model);
  /// `weights`: every file of the model in use; empty without one.
  void settle(const std::filesystem::path& lock_file,
              const std::vector<std::filesystem::path>& weights, FileSystem& files);
  /// What is other than before, and was not told yet.
  std::vector<Loss> look();
  /// What to say instead of opening: the folder that was in use is not there, and an empty library
  /// must not take its place.
  std::optional<QString> missing_folder() const;

 private:
  struct Watched {
    std::filesystem::path path;
    struct stat seen = {};
  };

  std::optional<Loss> look_at_folder();
  std::optional<Loss> look_at_weights();

  std::optional<Watched> lock_file_;
  bool folder_told_ = false;
  std::vector<Watched> weights_;
  bool weights_told_ = false;
  std::optional<app::DiskReserve> reserve_;
};

}  // namespace kvlink::desk
