// SPDX-License-Identifier: Apache-2.0
#include "app/weights_look.h"

#include <algorithm>
#include <system_error>

#include "app/adapter_choice.h"
#include "app/file_bytes.h"

namespace kvlink::app {
namespace {

/// The digest that `recall` has for every path, when it is one and the same.
template <typename Recall>
std::optional<Digest> common(const std::vector<std::filesystem::path>& paths, Recall recall) {
  const std::optional<Digest> first = recall(paths.front());
  const bool all = std::all_of(paths.begin(), paths.end(), [&](const auto& path) {
    const auto one = recall(path);
    return one && one == first;
  });
  return all ? first : std::nullopt;
}

/// What the loader reads of a folder besides the weights: small files of these kinds.
std::vector<std::filesystem::path> files_beside(const std::filesystem::path& weights) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(weights.parent_path(), error)) {
    const auto suffix = entry.path().extension();
    const bool is_read =
        suffix == ".json" || suffix == ".model" || suffix == ".txt" || suffix == ".jinja";
    if (is_read && entry.is_regular_file(error)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::filesystem::path> joined(std::vector<std::filesystem::path> paths,
                                          const std::vector<std::filesystem::path>& others) {
  paths.insert(paths.end(), others.begin(), others.end());
  return paths;
}

}  // namespace

WeightsLook::WeightsLook(FileSystem& files, const std::filesystem::path& model)
    : files_(files), paths_(weights_files(model)) {
  const auto named = weights_file(model);
  if (std::find(paths_.begin(), paths_.end(), named) == paths_.end()) paths_.push_back(named);
  if (named.extension() != ".gguf") beside_ = files_beside(named);
  std::erase_if(beside_, [&](const auto& path) {
    return std::find(paths_.begin(), paths_.end(), path) != paths_.end();
  });
  for (const auto& path : joined(paths_, beside_)) looks_.push_back(files_.stat(path));
}

void WeightsLook::expect_unchanged() const {
  const auto all = joined(paths_, beside_);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (is_unchanged(looks_[i], files_.stat(all[i]))) continue;
    fail(ErrorCode::kIo,
         "The model file " + all[i].string() + " was replaced while it was being read. Try again.");
  }
}

std::optional<Digest> WeightsLook::remembered_fingerprint(cache::KvStore& store) const {
  return common(joined(paths_, beside_),
                [&](const auto& path) { return store.remembered_fingerprint(path); });
}

void WeightsLook::remember_fingerprint(cache::KvStore& store, const Digest& fingerprint) const {
  for (const auto& path : joined(paths_, beside_)) {
    value_or_throw(store.remember_fingerprint(path, fingerprint));
  }
}

std::optional<Digest> WeightsLook::remembered_hash(cache::KvStore& store) const {
  return common(paths_, [&](const auto& path) { return store.remembered_file_hash(path); });
}

void WeightsLook::remember_hash(cache::KvStore& store, const Digest& hash) const {
  for (const auto& path : paths_) value_or_throw(store.remember_file_hash(path, hash));
}

}  // namespace kvlink::app
