// SPDX-License-Identifier: Apache-2.0
// The KV store as the inspector sees it. Plain values.
#pragma once

#include <QString>
#include <memory>
#include <optional>
#include <vector>

#include "app/desk/messages.h"
#include "cache/kv_store.h"
#include "inference/device_kv.h"

namespace kvlink::desk {

/// A catalogue row and the passage it belongs to.
struct BlockItem {
  cache::BlockRow row;
  DocumentId document = 0;   ///< 0: no document has this text now
  std::int64_t ordinal = 0;  ///< 0-based place in the document
  bool stale = false;        ///< made by another model or behind another prompt
  bool on_gpu = false;       ///< a copy of it lies in the memory of the GPU
};

/// Documents of a snapshot, for names and for passages that have no block.
struct CachedDocument {
  DocumentId id = 0;
  QString path;
  QString title;
  std::int64_t n_chunks = 0;
};

/// Everything, sorted by document and ordinal; shared, never changed.
struct CacheSnapshot {
  std::vector<BlockItem> blocks;
  std::vector<CachedDocument> documents;  ///< by id
};

struct CacheTotals {
  cache::Totals totals;
  std::int64_t disk_budget_bytes = 0;
  std::int64_t memory_budget_bytes = 0;
  std::optional<inference::DeviceTier> gpu = {};  ///< nothing: no GPU is in use
};

/// Which blocks a request means; the parts add up.
struct BlockSelection {
  std::vector<Digest> ids = {};
  std::vector<DocumentId> documents = {};
  bool stale = false;  ///< every block of another model or recipe
  bool all = false;
};

/// Computing blocks again is the ingestion's work.
enum class CacheAction : std::uint8_t { kPin, kUnpin, kEvict, kVerify };

struct CacheProgress {
  RequestId id = 0;
  CacheAction action = CacheAction::kVerify;
  std::int64_t done = 0;
  std::int64_t total = 0;
};

struct CacheReport {
  RequestId id = 0;
  CacheAction action = CacheAction::kVerify;
  std::int64_t n_blocks = 0;   ///< changed or checked
  std::int64_t n_damaged = 0;  ///< kVerify
  bool cancelled = false;
  std::vector<QString> notices = {};
};

}  // namespace kvlink::desk
