// SPDX-License-Identifier: Apache-2.0
// Which blocks are shown, and in which order: worked out on any thread.
#pragma once

#include <QString>
#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

#include "app/desk/cache_messages.h"
#include "ui/inspect/last_answer.h"

namespace kvlink::ui {

/// Which rows are shown.
struct BlockQuery {
  bool stale_only = false;
  desk::DocumentId document = 0;  ///< 0: of all documents
  QString words;  ///< in a document's path or title, or the beginning of a block's number
  bool operator==(const BlockQuery&) const = default;
};

/// What an order is made from; a value that no thread changes any more.
struct BlockOrder {
  std::shared_ptr<const desk::CacheSnapshot> snapshot;
  BlockQuery query;
  int column = 0;  ///< of BlockTable
  Qt::SortOrder direction = Qt::AscendingOrder;
  LastAnswer answer;                                ///< where the column is about it
  std::unordered_set<Digest, DigestHash> verified;  ///< where the column is about it
};

/// Indices into the snapshot's blocks.
using BlockRows = std::vector<std::uint32_t>;
/// Equal keys keep the order of the snapshot: by document and place.
BlockRows arrange(const BlockOrder& order);

}  // namespace kvlink::ui
