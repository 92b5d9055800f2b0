// SPDX-License-Identifier: Apache-2.0
#include "app/desk/surroundings.h"

namespace kvlink::desk {
namespace {

std::optional<struct stat> look_at(const std::filesystem::path& path) {
  struct stat seen = {};
  if (::stat(path.c_str(), &seen) != 0) return std::nullopt;
  return seen;
}

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool has_same_bytes(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

void Surroundings::settle(const std::filesystem::path& lock_file,
                          const std::filesystem::path& weights, FileSystem& files) {
  const auto watch = [](const std::filesystem::path& path) -> std::optional<Watched> {
    const auto seen = path.empty() ? std::nullopt : look_at(path);
    if (!seen) return std::nullopt;
    return Watched{.path = path, .seen = *seen};
  };
  lock_file_ = watch(lock_file);
  weights_ = watch(weights);
  reserve_.emplace(lock_file.parent_path(), files);
}

std::optional<QString> Surroundings::missing_folder() const {
  if (!lock_file_ || look_at(lock_file_->path)) return std::nullopt;
  return tr("The library's folder %1 is not there. Put it back and try again, or close the window "
            "and start it again for an empty library.")
      .arg(text_of(lock_file_->path.parent_path().string()));
}

std::vector<Loss> Surroundings::look() {
  std::vector<Loss> losses;
  if (lock_file_ && !lock_file_->told) {
    const auto now = look_at(lock_file_->path);
    if (!now || !is_same_file(*now, lock_file_->seen)) {
      lock_file_->told = true;
      losses.push_back(
          {Loss::Kind::kDataFolder,
           tr("The library's folder %1 is gone: it was deleted, moved, or its disk was taken out. "
              "What is done now may not be kept. Put it back, then open the library again.")
               .arg(text_of(lock_file_->path.parent_path().string()))});
    }
  }
  if (weights_ && !weights_->told) {
    const auto now = look_at(weights_->path);
    const QString path = text_of(weights_->path.string());
    if (!now) {
      weights_->told = true;
      losses.push_back(
          {Loss::Kind::kModel,
           tr("The model file %1 is gone. Questions are still answered with what was read of it, "
              "until the window is closed.")
               .arg(path)});
    } else if (!is_same_file(*now, weights_->seen) || !has_same_bytes(*now, weights_->seen)) {
      weights_->told = true;
      losses.push_back({Loss::Kind::kModel,
                        tr("The model file %1 was replaced. The one that was read before is in use "
                           "until the library is opened again.")
                            .arg(path)});
    }
  }
  const bool has_folder = lock_file_ && !lock_file_->told;
  if (reserve_ && has_folder) {
    const bool was_short = reserve_->is_short();
    if (reserve_->settle() != was_short) {
      losses.push_back({was_short ? Loss::Kind::kDiskOver : Loss::Kind::kDisk,
                        text_of(reserve_->sentence())});
    }
  }
  return losses;
}

}  // namespace kvlink::desk
