// SPDX-License-Identifier: Apache-2.0
// A folder for the length of a run.
#pragma once

#include <filesystem>
#include <string_view>

namespace kvlink::app {

/// Owns the folder: removed with its contents by the destructor.
class ScratchFolder {
 public:
  /// `name`, a hyphen and six characters, in `parent`. Throws kIo.
  ScratchFolder(const std::filesystem::path& parent, std::string_view name);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace kvlink::app
