// SPDX-License-Identifier: Apache-2.0
// Adding and replacing documents.
#include <cstring>
#include <set>

#include "kernels/base/utf8.h"
#include "retrieval/chunk_rows.h"
#include "retrieval/library_rows.h"
#include "retrieval/sqlite_library.h"

namespace kvlink::retrieval {
namespace {

void check_document(const NewDocument& document, std::int32_t dim) {
  if (document.document.path.empty()) {
    fail(ErrorCode::kInvalidInput, "a document needs a path");
  }
  const std::string& path = document.document.path;
  const auto n = document.chunks.size() * static_cast<std::size_t>(dim);
  if (!document.vectors.empty() && document.vectors.size() != n) {
    fail(ErrorCode::kInvalidInput, path + ": " + std::to_string(document.vectors.size()) +
                                       " numbers are not one vector of " + std::to_string(dim) +
                                       " for each of " + std::to_string(document.chunks.size()) +
                                       " passages");
  }
  check_lengths(document.vectors, dim, path);
}

void bind_document(SQLite::Statement& statement, const NewDocument& added) {
  const Document& d = added.document;
  std::int64_t n_tokens = 0;
  for (const Chunk& chunk : added.chunks) n_tokens += chunk.n_tokens;
  statement.bind(1, d.path);
  statement.bind(2, repair_utf8(d.title));
  statement.bind(3, d.media_type);
  bind_digest(statement, 4, d.content);
  statement.bind(5, d.file_bytes);
  statement.bind(6, d.mtime_ns);
  statement.bind(7, static_cast<int>(d.state));
  statement.bind(8, d.problem);
  statement.bind(9, static_cast<std::int64_t>(added.chunks.size()));
  statement.bind(10, n_tokens);
  statement.bind(11, d.added_unix);
  statement.bind(12, static_cast<int>(d.problem_kind));
  statement.bind(13, d.inode);
}

DocumentId write_document(SQLite::Database& db, const NewDocument& added) {
  SQLite::Statement upsert(
      db,
      "INSERT INTO documents (path, title, media_type, content, file_bytes, mtime_ns, state, "
      "problem, n_chunks, n_tokens, added_unix, problem_kind, inode) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (path) DO UPDATE SET title = excluded.title, media_type = excluded.media_type, "
      "content = excluded.content, file_bytes = excluded.file_bytes, mtime_ns = excluded.mtime_ns, "
      "state = excluded.state, problem = excluded.problem, n_chunks = excluded.n_chunks, "
      "n_tokens = excluded.n_tokens, added_unix = excluded.added_unix, "
      "problem_kind = excluded.problem_kind, inode = excluded.inode, offline = 0, "
      "ignored = (ignored AND content = excluded.content AND excluded.problem_kind != 0) "
      "RETURNING id");
  bind_document(upsert, added);
  upsert.executeStep();
  const DocumentId id = upsert.getColumn(0).getInt64();
  upsert.executeStep();  // to its end, so that the statement is done before the commit
  return id;
}

class ChunkWriter {
 public:
  ChunkWriter(SQLite::Database& db, std::int64_t space_id, std::int32_t dim)
      : db_(db),
        chunk_(db,
               "INSERT INTO chunks (document_id, ordinal, heading, text, byte_begin, byte_end, "
               "line_begin, line_end, n_tokens, content, place, place_begin, place_end, "
               "place_label) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        words_(db, "INSERT INTO chunks_fts (rowid, title, heading, text) VALUES (?, ?, ?, ?)"),
        vector_(db, "INSERT INTO vectors (chunk_id, space_id, vector) VALUES (?, ?, ?)"),
        space_id_(space_id),
        dim_(static_cast<std::size_t>(dim)) {}

  ChunkId write(DocumentId document, std::int64_t ordinal, const std::string& title,
                const Chunk& chunk) {
    chunk_.bind(1, document);
    chunk_.bind(2, ordinal);
    chunk_.bind(3, chunk.heading);
    chunk_.bind(4, chunk.text);
    chunk_.bind(5, chunk.anchor.byte_begin);
    chunk_.bind(6, chunk.anchor.byte_end);
    chunk_.bind(7, chunk.anchor.line_begin);
    chunk_.bind(8, chunk.anchor.line_end);
    chunk_.bind(9, chunk.n_tokens);
    bind_digest(chunk_, 10, sha256(prompt_text(title, chunk.heading, chunk.text)));
    chunk_.bind(11, static_cast<int>(chunk.anchor.place));
    chunk_.bind(12, chunk.anchor.place_begin);
    chunk_.bind(13, chunk.anchor.place_end);
    chunk_.bind(14, chunk.anchor.place_label);
    chunk_.exec();
    chunk_.reset();
    const ChunkId id = db_.getLastInsertRowid();
    words_.bind(1, id);
    words_.bind(2, title);
    words_.bind(3, chunk.heading);
    words_.bind(4, chunk.text);
    words_.exec();
    words_.reset();
    return id;
  }

  void write_vector(ChunkId id, const float* vector) {
    vector_.bind(1, id);
    vector_.bind(2, space_id_);
    vector_.bind(3, vector, static_cast<int>(dim_ * sizeof(float)));
    vector_.exec();
    vector_.reset();
  }

 private:
  SQLite::Database& db_;
  SQLite::Statement chunk_;
  SQLite::Statement words_;
  SQLite::Statement vector_;
  std::int64_t space_id_;
  std::size_t dim_;
};

}  // namespace

Result<Library::Committed> SqliteLibrary::commit(const NewDocument& document) {
  return writing([&](SQLite::Database& db) {
    check_document(document, space_.dim);
    return commit_rows(db, document);
  });
}

Library::Committed SqliteLibrary::commit_rows(SQLite::Database& db, const NewDocument& document) {
  Committed committed;
  WriteTransaction transaction(db);
  std::set<Digest> old_contents;
  std::vector<ChunkId> old_ids;
  SQLite::Statement find(db, "SELECT id FROM documents WHERE path = ?");
  find.bind(1, document.document.path);
  if (find.executeStep()) {
    committed.id = find.getColumn(0).getInt64();
    old_contents = contents_of(db, committed.id);
    old_ids = chunk_ids_of(db, std::span(&committed.id, 1));
    erase_chunks(db, committed.id);  // before the title changes: the words include it
  }
  find.reset();
  committed.id = write_document(db, document);
  const std::string title = repair_utf8(document.document.title);
  std::vector<ChunkId> ids;
  {
    ChunkWriter writer(db, space_id_, space_.dim);
    const auto dim = static_cast<std::size_t>(space_.dim);
    for (std::size_t i = 0; i < document.chunks.size(); ++i) {
      ids.push_back(
          writer.write(committed.id, static_cast<std::int64_t>(i), title, document.chunks[i]));
      if (!document.vectors.empty()) {
        writer.write_vector(ids.back(), document.vectors.data() + i * dim);
      }
    }
  }
  committed.orphaned = without_chunk(db, old_contents);
  transaction.commit();
  if (document.vectors.empty()) ids.clear();
  change_index(old_ids, ids, document.vectors);
  save_index_if_due();
  return committed;
}

}  // namespace kvlink::retrieval
