// SPDX-License-Identifier: Apache-2.0
// What the last answer did with each block: known while it is under way.
#pragma once

#include <QString>
#include <cstdint>
#include <cstring>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "app/desk/answer_messages.h"

namespace kvlink::ui {

/// A digest is uniform already: its first bytes will do.
struct DigestHash {
  std::size_t operator()(const Digest& digest) const {
    std::size_t hash = 0;
    std::memcpy(&hash, digest.bytes.data(), sizeof(hash));
    return hash;
  }
};

/// In ascending order of what matters more to the user.
enum class BlockUse : std::uint8_t {
  kNotUsed,
  kFromMemory,
  kFromDisk,
  kMissed,      ///< not there, and not computed yet
  kRecomputed,  ///< was not there; computed during the answer
};
QString use_text(BlockUse use);

/// By the content of the passage, which stays the same when a block is made again. GUI thread.
class LastAnswer {
 public:
  struct Entry {
    BlockUse use = BlockUse::kNotUsed;
    QString reason;  ///< of a miss, kept when the block was computed thereafter
  };

  void clear() {
    entries_.clear();
    passages_.clear();
  }
  void add(const std::vector<desk::BlockEvent>& events);
  /// kNotUsed for content that was not looked for.
  const Entry& of(const Digest& content) const;
  /// The same for a passage that may have no block.
  const Entry& of_passage(desk::DocumentId document, std::int64_t ordinal) const;
  bool empty() const { return entries_.empty(); }

 private:
  std::unordered_map<Digest, Entry, DigestHash> entries_;
  std::map<std::pair<desk::DocumentId, std::int64_t>, Digest> passages_;
};

}  // namespace kvlink::ui
