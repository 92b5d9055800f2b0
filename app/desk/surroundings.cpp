// SPDX-License-Identifier: Apache-2.0
#include "app/desk/surroundings.h"

#include <algorithm>

#include "app/adapter_choice.h"

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

std::vector<std::filesystem::path> Surroundings::files_of(const std::filesystem::path& model) {
  const auto named = app::weights_file(model);
  auto files = returning([&] { return app::weights_files(model); });
  if (!files) return {named};
  if (std::find(files->begin(), files->end(), named) == files->end()) files->push_back(named);
  return std::move(*files);
}

void Surroundings::settle(const std::filesystem::path& lock_file,
                          const std::vector<std::filesystem::path>& weights, FileSystem& files) {
  lock_file_.reset();
  weights_.clear();
  folder_told_ = weights_told_ = false;
  if (const auto seen = look_at(lock_file)) lock_file_ = Watched{.path = lock_file, .seen = *seen};
  for (const auto& path : weights) {
    if (const auto seen = look_at(path)) weights_.push_back({.path = path, .seen = *seen});
  }
  reserve_.emplace(lock_file.parent_path(), files);
}

std::optional<QString> Surroundings::missing_folder() const {
  if (!lock_file_ || look_at(lock_file_->path)) return std::nullopt;
  return tr("The library's folder %1 is not there. Put it back and try again, or close the window "
            "and start it again for an empty library.")
      .arg(text_of(lock_file_->path.parent_path().string()));
}

std::optional<Loss> Surroundings::look_at_folder() {
  if (!lock_file_ || folder_told_) return std::nullopt;
  const auto now = look_at(lock_file_->path);
  if (now && is_same_file(*now, lock_file_->seen)) return std::nullopt;
  folder_told_ = true;
  return Loss{Loss::Kind::kDataFolder,
              tr("The library's folder %1 is gone: it was deleted, moved, or its disk was taken "
                 "out. What is done now may not be kept. Put it back, then open the library again.")
                  .arg(text_of(lock_file_->path.parent_path().string()))};
}

/// One file of several is enough: what is in memory is no longer what is on the disk.
std::optional<Loss> Surroundings::look_at_weights() {
  if (weights_told_) return std::nullopt;
  for (const auto& file : weights_) {
    const auto now = look_at(file.path);
    if (now && is_same_file(*now, file.seen) && has_same_bytes(*now, file.seen)) continue;
    weights_told_ = true;
    const QString sentence =
        now ? tr("The model file %1 was replaced. The one that was read before is in use until the "
                 "library is opened again.")
            : tr("The model file %1 is gone. Questions are still answered with what was read of "
                 "it, until the window is closed.");
    return Loss{Loss::Kind::kModel, sentence.arg(text_of(file.path.string()))};
  }
  return std::nullopt;
}

std::vector<Loss> Surroundings::look() {
  std::vector<Loss> losses;
  if (auto loss = look_at_folder()) losses.push_back(std::move(*loss));
  if (auto loss = look_at_weights()) losses.push_back(std::move(*loss));
  const bool has_folder = lock_file_ && !folder_told_;
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
