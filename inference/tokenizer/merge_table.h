// SPDX-License-Identifier: Apache-2.0
// Which adjacent symbols join, in what order: the heart of BPE and of sentencepiece's BPE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvlink::inference {

struct Merge {
  std::uint32_t rank = 0;    ///< lower joins first
  std::int32_t result = -1;  ///< the symbol that the pair becomes
};

/// Flat hash table from a pair of symbols to its merge. Filled once, then read by any thread.
class MergeTable {
 public:
  /// Room for `n_merges`; more may be inserted, the table grows.
  explicit MergeTable(std::size_t n_merges);
  /// The first merge of a pair stays.
  void insert(std::int32_t left, std::int32_t right, Merge merge);
  /// Null when the two do not join.
  const Merge* find(std::int32_t left, std::int32_t right) const {
    const std::uint64_t key = key_of(left, right);
    for (std::size_t slot = mix(key) & mask_;; slot = (slot + 1) & mask_) {
      if (slots_[slot].key == key) return &slots_[slot].merge;
      if (slots_[slot].key == kEmpty) return nullptr;
    }
  }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};  // symbols are never negative
  struct Slot {
    std::uint64_t key = kEmpty;
    Merge merge;
  };

  static std::uint64_t key_of(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
           static_cast<std::uint32_t>(right);
  }
  static std::size_t mix(std::uint64_t key) {
    key *= 0x9E3779B97F4A7C15ULL;
    key ^= key >> 32;
    key *= 0xD6E8FEB86659FD93ULL;
    return static_cast<std::size_t>(key ^ key >> 32);
  }
  void grow();

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  std::size_t size_ = 0;
};

/// Scratch space of merge_symbols, reused from word to word.
struct MergeWorkspace {
  std::vector<std::uint32_t> ranks;
  std::vector<std::uint32_t> previous;
  std::vector<std::uint32_t> next;
  std::vector<std::uint64_t> heap;
};

/// Joins adjacent symbols in place until no merge applies: always the lowest rank, the leftmost
/// among equals. Quadratic with a tiny constant for short words, O(n log n) for long ones.
/// At most 2^32 - 2 symbols.
void merge_symbols(const MergeTable& table, std::vector<std::int32_t>& symbols,
                   MergeWorkspace& workspace);

}  // namespace kvlink::inference
