// SPDX-License-Identifier: Apache-2.0
// Removing documents: out of sight in one transaction, out of the files step by step.
#include <algorithm>
#include <string>
#include <utility>

#include "kernels/base/log.h"
#include "retrieval/chunk_rows.h"
#include "retrieval/library_rows.h"
#include "retrieval/sqlite_library.h"

namespace kvlink::retrieval {
namespace {

constexpr const char* kRemovalDue = "erase_removed";  // key in meta: files hold removed documents
constexpr std::int64_t kEraseChunks = 128;            // of a step, or one document
constexpr int kMergePages = 256;                      // of full text written by a step

bool is_due(SQLite::Database& db, const char* key) {
  SQLite::Statement row(db, "SELECT 1 FROM meta WHERE key = ?");
  row.bind(1, key);
  return row.executeStep();
}

/// Their paths, which are free from here on, are not kept either.
void take_out(SQLite::Database& db, std::span<const DocumentId> ids) {
  SQLite::Statement mark(db,
                         "UPDATE documents SET removed = 1, path = 'removed:' || id "
                         "WHERE id IN (SELECT value FROM json_each(?)) AND removed = 0");
  mark.bind(1, json_array(ids));
  if (mark.exec() != std::ssize(ids)) {
    fail(ErrorCode::kNotFound,
         ids.size() == 1 ? "there is no document " + std::to_string(ids.front()) + " in the library"
                         : "not all of these documents are in the library");
  }
}

/// Removed documents, as many as make up a step.
std::vector<DocumentId> next_removed(SQLite::Database& db) {
  SQLite::Statement rows(db, "SELECT id, n_chunks FROM documents WHERE removed = 1 ORDER BY id");
  std::vector<DocumentId> out;
  std::int64_t n_chunks = 0;
  while (n_chunks < kEraseChunks && rows.executeStep()) {
    out.push_back(rows.getColumn(0).getInt64());
    n_chunks += rows.getColumn(1).getInt64() + 1;
  }
  return out;
}

}  // namespace

Result<void> SqliteLibrary::remove(std::span<const DocumentId> ids) {
  if (ids.empty()) return {};
  return writing([&](SQLite::Database& db) {
    WriteTransaction transaction(db);
    take_out(db, ids);
    const std::vector<ChunkId> chunks = chunk_ids_of(db, ids);
    SQLite::Statement note(db, "INSERT OR REPLACE INTO meta (key, value) VALUES (?, 1)");
    note.bind(1, kRemovalDue);
    note.exec();
    transaction.commit();
    n_removed_ += std::ssize(ids);
    change_index(chunks, {}, {});
  });
}

Result<Library::Erasure> SqliteLibrary::erase_removed() {
  return writing([&](SQLite::Database& db) { return erase_step(db); });
}

Library::Erasure SqliteLibrary::erase_step(SQLite::Database& db) {
  Erasure step;
  if (n_removed_ > 0) {
    erase_some(db, step.orphaned);
  } else if (!merge_some_words(db)) {
    erase_vectors(db);
    empty_log(db);
    step.done = true;
  }
  return step;
}

void SqliteLibrary::erase_some(SQLite::Database& db, std::vector<Digest>& orphaned) {
  WriteTransaction transaction(db);
  const auto ids = next_removed(db);
  std::set<Digest> contents;
  SQLite::Statement erase(db, "DELETE FROM documents WHERE id = ?");
  for (const DocumentId id : ids) {
    contents.merge(contents_of(db, id));
    erase_chunks(db, id);
    erase.bind(1, id);
    erase.exec();
    erase.reset();
  }
  orphaned = without_chunk(db, contents);
  transaction.commit();
  n_removed_ -= std::ssize(ids);
  const std::lock_guard lock(reader_->mutex);
  common_words_.clear();
}

/// FTS5 forgets words only when it merges its segments; whether more is to be merged.
bool SqliteLibrary::merge_some_words(SQLite::Database& db) {
  SQLite::Statement due(db, "SELECT value FROM meta WHERE key = ?");
  due.bind(1, kWordsDue);
  if (!due.executeStep()) return false;
  const std::int64_t n_erased = due.getColumn(0).getInt64();
  due.reset();
  WriteTransaction transaction(db);
  const int before = db.getTotalChanges();
  // A negative number puts all segments up for one merge, a positive one goes on with it.
  const bool begins = std::exchange(merging_, merging_ == 0 ? n_erased : merging_) == 0;
  SQLite::Statement merge(db, "INSERT INTO chunks_fts (chunks_fts, rank) VALUES ('merge', ?)");
  merge.bind(1, begins ? -kMergePages : kMergePages);
  merge.exec();
  if (db.getTotalChanges() - before < 2) {
    // Words erased since the merge began need another one.
    SQLite::Statement merged(db, "DELETE FROM meta WHERE key = ? AND value = ?");
    merged.bind(1, kWordsDue);
    merged.bind(2, merging_);
    merged.exec();
    merging_ = 0;
  }
  transaction.commit();
  return is_due(db, kWordsDue);
}

/// Text can be guessed from a vector.
void SqliteLibrary::erase_vectors(SQLite::Database& db) {
  if (!is_due(db, kRemovalDue)) return;
  try {
    write_index();
  } catch (const Exception& e) {
    log(LogLevel::kWarning, "retrieval", "vector file not written: " + e.error().message);
    files_.remove(vector_path_);
    ++n_changes_;
  }
  SQLite::Statement done(db, "DELETE FROM meta WHERE key = ?");
  done.bind(1, kRemovalDue);
  done.exec();
}

/// Pages that were written over are in the write-ahead log until it is emptied.
void SqliteLibrary::empty_log(SQLite::Database& db) {
  const std::lock_guard lock(reader_->mutex);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
}

/// Words of replaced text go now, unless that takes long. Removed documents are left alone: whoever
/// goes on with them must hear which contents they orphan.
void SqliteLibrary::close_files() {
  const std::int64_t n = n_chunks();
  const auto closed = writing([&](SQLite::Database& db) {
    if (n_removed_ == 0 && n <= options_.max_closing_chunks) {
      while (!erase_step(db).done) {
      }
    }
    save_index();
    empty_log(db);
  });
  if (!closed) log(LogLevel::kWarning, "retrieval", closed.error().message);
}

}  // namespace kvlink::retrieval
