// SPDX-License-Identifier: Apache-2.0
// The files of a model's weights: whether they stayed as they were, and what a library remembers of
// them, so that start-up need not hash them again.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "cache/kv_store.h"
#include "kernels/base/file_system.h"

namespace kvlink::app {

/// How every file looked when this was made: of a folder the index and each shard, and what stands
/// beside them; of a split GGUF each part. Borrows the file system. One thread.
class WeightsLook {
 public:
  /// Throws what naming the shards does: a damaged index, a part that is missing.
  WeightsLook(FileSystem& files, const std::filesystem::path& model);

  /// Throws kIo, naming the file, when one does not look as it did.
  void expect_unchanged() const;

  /// What was remembered under every one of the files and those beside them, or nothing: replacing
  /// one forgets it.
  std::optional<Digest> remembered_fingerprint(cache::KvStore& store) const;
  void remember_fingerprint(cache::KvStore& store, const Digest& fingerprint) const;
  /// The same for the SHA-256 of all files one after the other (hash_of_weights).
  std::optional<Digest> remembered_hash(cache::KvStore& store) const;
  void remember_hash(cache::KvStore& store, const Digest& hash) const;

 private:
  FileSystem& files_;
  std::vector<std::filesystem::path> paths_;
  /// Of a folder: configuration, tokenizer and chat template, which are part of the fingerprint.
  std::vector<std::filesystem::path> beside_;
  std::vector<std::optional<FileStat>> looks_;  ///< of both, in this order
};

}  // namespace kvlink::app
