// SPDX-License-Identifier: Apache-2.0
#include "app/file_presence.h"

#include <algorithm>
#include <system_error>

namespace kvlink::app {
namespace {

namespace fs = std::filesystem;

bool lies_in(const fs::path& file, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first ==
         folder.end();
}

}  // namespace

FilePresence::Folder FilePresence::folder(const fs::path& path) {
  const auto known = folders_.find(path);
  if (known != folders_.end()) return known->second;
  std::error_code error;
  const auto type = fs::status(path, error).type();
  Folder found = Folder::kClosed;
  if (type == fs::file_type::not_found) {
    found = Folder::kAbsent;
  } else if (type == fs::file_type::directory) {
    const bool empty = fs::is_empty(path, error);
    found = error ? Folder::kClosed : empty ? Folder::kEmpty : Folder::kFilled;
  }
  return folders_[path] = found;
}

bool FilePresence::is_reported(const fs::path& file) const {
  return std::any_of(reported_.begin(), reported_.end(),
                     [&](const fs::path& name) { return lies_in(file, name); });
}

Presence FilePresence::of(const fs::path& file, const fs::path& root) {
  std::error_code error;
  const auto type = fs::status(file, error).type();
  if (type != fs::file_type::not_found) {
    return type == fs::file_type::none ? Presence::kOutOfReach : Presence::kHere;
  }
  // Of a file that was named itself, the folder it lies in tells.
  const fs::path top = file == root ? root.parent_path() : root;
  for (fs::path above = file.parent_path(); lies_in(above, top); above = above.parent_path()) {
    switch (folder(above)) {
      case Folder::kClosed:
        return Presence::kOutOfReach;
      case Folder::kFilled:
        return Presence::kGone;
      case Folder::kEmpty:
        return is_reported(file) ? Presence::kGone : Presence::kOutOfReach;
      case Folder::kAbsent:
        break;
    }
    if (above == above.parent_path()) break;
  }
  return Presence::kOutOfReach;
}

}  // namespace kvlink::app
