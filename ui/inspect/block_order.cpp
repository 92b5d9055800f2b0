// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/block_order.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <unordered_map>

#include "ui/inspect/block_table.h"

namespace kvlink::ui {
namespace {

using Ranks = std::unordered_map<desk::DocumentId, std::int64_t>;

/// Order of doubles that are not negative, as integers.
std::int64_t key_of(double value) { return std::bit_cast<std::int64_t>(std::max(0.0, value)); }

/// Order of the first bytes of a digest.
std::int64_t key_of(const Digest& digest) {
  std::int64_t key = 0;
  for (std::size_t i = 0; i < 7; ++i) key = key << 8 | digest.bytes[i];
  return key;
}

/// Places of the documents in the order of their titles.
Ranks ranks_of(const std::vector<desk::CachedDocument>& documents) {
  std::vector<std::size_t> order(documents.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) {
    return documents[a].title.compare(documents[b].title, Qt::CaseInsensitive) < 0;
  });
  Ranks ranks;
  ranks.reserve(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    ranks[documents[order[i]].id] = static_cast<std::int64_t>(i) + 1;
  }
  return ranks;
}

std::int64_t key_of(const desk::BlockItem& block, const BlockOrder& order, const Ranks& ranks) {
  const auto& row = block.row;
  switch (order.column) {
    case BlockTable::kDocument: {
      const auto found = ranks.find(block.document);
      return found == ranks.end() ? 0 : found->second;
    }
    case BlockTable::kPassage:
      return block.ordinal;
    case BlockTable::kTokens:
      return row.n_tokens;
    case BlockTable::kBytes:
      return row.file_bytes;
    case BlockTable::kBytesPerToken:
      return row.n_tokens > 0 ? row.file_bytes / row.n_tokens : 0;
    case BlockTable::kType:
      return static_cast<std::int64_t>(row.dtype);
    case BlockTable::kTier:
      if (block.on_gpu) return 2;
      return row.in_memory ? 1 : 0;
    case BlockTable::kLastAnswer:
      return static_cast<std::int64_t>(order.answer.of(row.content).use);
    case BlockTable::kHits:
      return row.n_hits;
    case BlockTable::kLoad:
      return key_of(row.load_ms);
    case BlockTable::kEncode:
      return key_of(row.encode_ms);
    case BlockTable::kIntegrity:
      if (!row.damage.empty()) return 0;
      return row.load_ms > 0 || order.verified.contains(row.id) ? 2 : 1;
    case BlockTable::kCreated:
      return row.created_unix;
    case BlockTable::kLastUse:
      return row.last_use;
    case BlockTable::kRecipe:
      return key_of(row.recipe);
    default:
      return key_of(row.model);
  }
}

BlockRows matching_rows(const desk::CacheSnapshot& snapshot, const BlockQuery& query) {
  std::unordered_set<desk::DocumentId> named;
  const auto words = query.words.trimmed();
  if (!words.isEmpty()) {
    for (const auto& document : snapshot.documents) {
      if (document.path.contains(words, Qt::CaseInsensitive) ||
          document.title.contains(words, Qt::CaseInsensitive)) {
        named.insert(document.id);
      }
    }
  }
  const auto prefix = words.toLower().toStdString();
  const auto matches = [&](const desk::BlockItem& block) {
    if (query.stale_only && !block.stale) return false;
    if (query.document != 0 && block.document != query.document) return false;
    return words.isEmpty() || named.contains(block.document) ||
           (prefix.size() >= 4 && block.row.id.hex().starts_with(prefix));
  };
  BlockRows rows;
  for (std::uint32_t i = 0; i < snapshot.blocks.size(); ++i) {
    if (matches(snapshot.blocks[i])) rows.push_back(i);
  }
  return rows;
}

}  // namespace

BlockRows arrange(const BlockOrder& order) {
  BlockRows rows = matching_rows(*order.snapshot, order.query);
  Ranks ranks;
  if (order.column == BlockTable::kDocument) ranks = ranks_of(order.snapshot->documents);
  std::vector<std::int64_t> keys(order.snapshot->blocks.size());
  for (const auto row : rows) keys[row] = key_of(order.snapshot->blocks[row], order, ranks);
  if (order.direction == Qt::AscendingOrder) {
    std::stable_sort(rows.begin(), rows.end(), [&](auto a, auto b) { return keys[a] < keys[b]; });
  } else {
    std::stable_sort(rows.begin(), rows.end(), [&](auto a, auto b) { return keys[a] > keys[b]; });
  }
  return rows;
}

}  // namespace kvlink::ui
