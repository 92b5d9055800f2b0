// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/merge_table.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace kvlink::inference {
namespace {

constexpr std::uint32_t kNoRank = ~std::uint32_t{0};
constexpr std::uint32_t kNone = ~std::uint32_t{0};
// Below this many symbols scanning for the lowest rank beats keeping a heap.
constexpr std::size_t kShortWord = 40;

std::uint32_t rank_of(const MergeTable& table, std::int32_t left, std::int32_t right) {
  const Merge* merge = table.find(left, right);
  return merge == nullptr ? kNoRank : merge->rank;
}

void merge_short(const MergeTable& table, std::vector<std::int32_t>& symbols,
                 std::vector<std::uint32_t>& ranks) {
  std::size_t n = symbols.size();
  ranks.resize(n);
  for (std::size_t i = 0; i + 1 < n; ++i) ranks[i] = rank_of(table, symbols[i], symbols[i + 1]);
  while (n > 1) {
    const auto lowest = std::min_element(ranks.begin(), ranks.begin() + static_cast<long>(n) - 1);
    if (*lowest == kNoRank) break;
    const auto at = static_cast<std::size_t>(lowest - ranks.begin());
    symbols[at] = table.find(symbols[at], symbols[at + 1])->result;
    std::copy(symbols.begin() + static_cast<long>(at) + 2, symbols.begin() + static_cast<long>(n),
              symbols.begin() + static_cast<long>(at) + 1);
    std::copy(ranks.begin() + static_cast<long>(at) + 1, ranks.begin() + static_cast<long>(n) - 1,
              ranks.begin() + static_cast<long>(at));
    --n;
    if (at + 1 < n) ranks[at] = rank_of(table, symbols[at], symbols[at + 1]);
    if (at > 0) ranks[at - 1] = rank_of(table, symbols[at - 1], symbols[at]);
  }
  symbols.resize(n);
}

/// A doubly linked list over the symbols and a heap of (rank, position). A heap entry is stale, and
/// skipped, when the pair that now stands at its position has another rank.
class LongMerger {
 public:
  LongMerger(const MergeTable& table, std::vector<std::int32_t>& symbols, MergeWorkspace& workspace)
      : table_(table), symbols_(symbols), w_(workspace) {
    const auto n = static_cast<std::uint32_t>(symbols.size());
    w_.ranks.assign(n, kNoRank);
    w_.previous.resize(n);
    w_.next.resize(n);
    w_.heap.clear();
    for (std::uint32_t i = 0; i < n; ++i) {
      w_.previous[i] = i == 0 ? kNone : i - 1;
      w_.next[i] = i + 1 == n ? kNone : i + 1;
      if (i + 1 == n) continue;
      w_.ranks[i] = rank_of(table, symbols[i], symbols[i + 1]);
      if (w_.ranks[i] != kNoRank) w_.heap.push_back(entry(w_.ranks[i], i));
    }
    std::make_heap(w_.heap.begin(), w_.heap.end(), std::greater<>{});
  }

  void run() {
    while (!w_.heap.empty()) {
      std::pop_heap(w_.heap.begin(), w_.heap.end(), std::greater<>{});
      const std::uint64_t top = w_.heap.back();
      w_.heap.pop_back();
      const auto at = static_cast<std::uint32_t>(top);
      if (w_.ranks[at] == static_cast<std::uint32_t>(top >> 32)) join(at);
    }
    std::size_t n = 0;
    for (std::uint32_t i = 0; i != kNone; i = w_.next[i]) symbols_[n++] = symbols_[i];
    symbols_.resize(n);
  }

 private:
  static std::uint64_t entry(std::uint32_t rank, std::uint32_t at) {
    return static_cast<std::uint64_t>(rank) << 32 | at;
  }

  void join(std::uint32_t at) {
    const std::uint32_t gone = w_.next[at];
    symbols_[at] = table_.find(symbols_[at], symbols_[gone])->result;
    w_.ranks[gone] = kNoRank;
    w_.next[at] = w_.next[gone];
    if (w_.next[at] != kNone) w_.previous[w_.next[at]] = at;
    update(at);
    if (w_.previous[at] != kNone) update(w_.previous[at]);
  }

  void update(std::uint32_t at) {
    const std::uint32_t right = w_.next[at];
    const std::uint32_t rank =
        right == kNone ? kNoRank : rank_of(table_, symbols_[at], symbols_[right]);
    w_.ranks[at] = rank;
    if (rank == kNoRank) return;
    w_.heap.push_back(entry(rank, at));
    std::push_heap(w_.heap.begin(), w_.heap.end(), std::greater<>{});
  }

  const MergeTable& table_;
  std::vector<std::int32_t>& symbols_;
  MergeWorkspace& w_;
};

}  // namespace

MergeTable::MergeTable(std::size_t n_merges) {
  slots_.resize(std::bit_ceil(std::max<std::size_t>(16, n_merges * 2)));
  mask_ = slots_.size() - 1;
}

void MergeTable::insert(std::int32_t left, std::int32_t right, Merge merge) {
  const std::uint64_t key = key_of(left, right);
  std::size_t slot = mix(key) & mask_;
  while (slots_[slot].key != kEmpty) {
    if (slots_[slot].key == key) return;
    slot = (slot + 1) & mask_;
  }
  slots_[slot] = {key, merge};
  if (++size_ * 2 > slots_.size()) grow();
}

void MergeTable::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  mask_ = slots_.size() - 1;
  for (const Slot& entry : old) {
    if (entry.key == kEmpty) continue;
    std::size_t slot = mix(entry.key) & mask_;
    while (slots_[slot].key != kEmpty) slot = (slot + 1) & mask_;
    slots_[slot] = entry;
  }
}

void merge_symbols(const MergeTable& table, std::vector<std::int32_t>& symbols,
                   MergeWorkspace& workspace) {
  if (symbols.size() < 2) return;
  if (symbols.size() <= kShortWord) {
    merge_short(table, symbols, workspace.ranks);
  } else {
    LongMerger(table, symbols, workspace).run();
  }
}

}  // namespace kvlink::inference
