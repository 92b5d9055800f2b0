// SPDX-License-Identifier: Apache-2.0
// Room that is kept for a full disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "kernels/base/file_system.h"

namespace kvlink::app {

/// A file in the data folder that takes up room while there is plenty, and is given up when the
/// disk is full: the databases then open, questions are answered and documents can be removed on a
/// disk without a free byte. Nothing here fails: a disk that cannot be asked counts as one with
/// room. One thread.
class DiskReserve {
 public:
  static constexpr std::int64_t kBytes = std::int64_t{8} << 20;
  /// With less free than this the disk is full.
  static constexpr std::int64_t kScarceBytes = std::int64_t{2} << 20;
  /// With less free than this no document is added: what the reserve gave is for answers.
  static constexpr std::int64_t kBytesToAdd = std::int64_t{16} << 20;

  DiskReserve(std::filesystem::path folder, FileSystem& files)
      : folder_(std::move(folder)), files_(files) {}

  /// Gives the reserve up when the disk is full, makes it when there is room for it and for adding.
  /// Whether work is short of room now.
  bool settle();
  bool is_short() const { return is_short_; }
  /// What the user is to know while it is short.
  std::string sentence() const;

 private:
  std::filesystem::path file() const { return folder_ / "reserve"; }
  void make();

  std::filesystem::path folder_;
  FileSystem& files_;
  bool is_short_ = false;
};

/// Why nothing can be added to the library in `folder` now: "", or a sentence.
std::string why_no_room(const std::filesystem::path& folder, FileSystem& files);

}  // namespace kvlink::app
