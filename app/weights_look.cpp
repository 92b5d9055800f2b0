// SPDX-License-Identifier: Apache-2.0
#include "app/weights_look.h"

#include <algorithm>

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

}  // namespace

WeightsLook::WeightsLook(FileSystem& files, const std::filesystem::path& model)
    : files_(files), paths_(weights_files(model)) {
  const auto named = weights_file(model);
  if (std::find(paths_.begin(), paths_.end(), named) == paths_.end()) paths_.push_back(named);
  for (const auto& path : paths_) looks_.push_back(files_.stat(path));
}

void WeightsLook::expect_unchanged() const {
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    if (is_unchanged(looks_[i], files_.stat(paths_[i]))) continue;
    fail(ErrorCode::kIo, "The model file " + paths_[i].string() +
                             " was replaced while it was being read. Try again.");
  }
}

std::optional<Digest> WeightsLook::remembered_fingerprint(cache::KvStore& store) const {
  return common(paths_, [&](const auto& path) { return store.remembered_fingerprint(path); });
}

void WeightsLook::remember_fingerprint(cache::KvStore& store, const Digest& fingerprint) const {
  for (const auto& path : paths_) value_or_throw(store.remember_fingerprint(path, fingerprint));
}

std::optional<Digest> WeightsLook::remembered_hash(cache::KvStore& store) const {
  return common(paths_, [&](const auto& path) { return store.remembered_file_hash(path); });
}

void WeightsLook::remember_hash(cache::KvStore& store, const Digest& hash) const {
  for (const auto& path : paths_) value_or_throw(store.remember_file_hash(path, hash));
}

}  // namespace kvlink::app
