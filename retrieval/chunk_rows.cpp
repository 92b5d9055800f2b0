// SPDX-License-Identifier: Apache-2.0
#include "retrieval/chunk_rows.h"

#include "retrieval/library_rows.h"

namespace kvlink::retrieval {

std::set<Digest> contents_of(SQLite::Database& db, DocumentId id) {
  SQLite::Statement rows(db, "SELECT content FROM chunks WHERE document_id = ?");
  rows.bind(1, id);
  std::set<Digest> out;
  while (rows.executeStep()) out.insert(digest_of(rows.getColumn(0)));
  return out;
}

std::vector<ChunkId> chunk_ids_of(SQLite::Database& db, std::span<const DocumentId> ids) {
  SQLite::Statement rows(db,
                         "SELECT id FROM chunks WHERE document_id IN "
                         "(SELECT value FROM json_each(?))");
  rows.bind(1, json_array(ids));
  return all_rows(rows, id_of);
}

std::vector<Digest> without_chunk(SQLite::Database& db, const std::set<Digest>& contents) {
  SQLite::Statement find(db, "SELECT 1 FROM chunks WHERE content = ? LIMIT 1");
  std::vector<Digest> out;
  for (const Digest& content : contents) {
    bind_digest(find, 1, content);
    if (!find.executeStep()) out.push_back(content);
    find.reset();
  }
  return out;
}

void erase_chunks(SQLite::Database& db, DocumentId id) {
  SQLite::Statement words(db,
                          "INSERT INTO chunks_fts (chunks_fts, rowid, title, heading, text) "
                          "SELECT 'delete', w.id, w.title, w.heading, w.text FROM chunk_words w "
                          "JOIN chunks c ON c.id = w.id WHERE c.document_id = ?");
  words.bind(1, id);  // first: FTS5 needs the words it shall forget
  const int n = words.exec();
  SQLite::Statement chunks(db, "DELETE FROM chunks WHERE document_id = ?");
  chunks.bind(1, id);
  chunks.exec();
  if (n > 0) {
    SQLite::Statement note(db,
                           "INSERT INTO meta (key, value) VALUES (?, 1) "
                           "ON CONFLICT (key) DO UPDATE SET value = value + 1");
    note.bind(1, kWordsDue);
    note.exec();
  }
}

}  // namespace kvlink::retrieval
