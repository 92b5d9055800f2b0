// SPDX-License-Identifier: Apache-2.0
// The chunks of a document as rows of library.db: finding and erasing them.
#pragma once

#include <set>
#include <span>
#include <vector>

#include "retrieval/database.h"
#include "retrieval/library.h"

namespace kvlink::retrieval {

/// Key in meta: how often words were erased that may linger in the full-text index.
inline constexpr const char* kWordsDue = "purge_words";

std::set<Digest> contents_of(SQLite::Database& db, DocumentId id);
/// Of all these documents.
std::vector<ChunkId> chunk_ids_of(SQLite::Database& db, std::span<const DocumentId> ids);
/// Those of `contents` that no chunk has.
std::vector<Digest> without_chunk(SQLite::Database& db, const std::set<Digest>& contents);
/// With their full text and vectors; inside a transaction.
void erase_chunks(SQLite::Database& db, DocumentId id);

}  // namespace kvlink::retrieval
