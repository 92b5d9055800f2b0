// SPDX-License-Identifier: Apache-2.0
// What the library knows of files beyond their text: names, reach, and what stopped the reader.
#include <cstring>

#include "retrieval/library_rows.h"
#include "retrieval/sqlite_library.h"

namespace kvlink::retrieval {

Result<void> SqliteLibrary::relocate(const FileStamp& file, const std::string& path) {
  return writing([&](SQLite::Database& db) {
    WriteTransaction transaction(db);
    SQLite::Statement there(db, "SELECT id, n_chunks FROM documents WHERE path = ? AND id != ?");
    there.bind(1, path);
    there.bind(2, file.id);
    if (there.executeStep()) {
      if (there.getColumn(1).getInt64() > 0) {
        fail(ErrorCode::kInvalidInput, "another document is at " + path + " already");
      }
      SQLite::Statement erase(db, "DELETE FROM documents WHERE id = ?");
      erase.bind(1, there.getColumn(0).getInt64());
      there.reset();
      erase.exec();
    }
    SQLite::Statement move(db,
                           "UPDATE documents SET path = ?, mtime_ns = ?, inode = ?, offline = 0 "
                           "WHERE id = ? AND removed = 0");
    move.bind(1, path);
    move.bind(2, file.mtime_ns);
    move.bind(3, file.inode);
    move.bind(4, file.id);
    if (move.exec() == 0) {
      fail(ErrorCode::kNotFound,
           "there is no document " + std::to_string(file.id) + " in the library");
    }
    transaction.commit();
  });
}

Result<void> SqliteLibrary::stamp(std::span<const FileStamp> files) {
  if (files.empty()) return {};
  return writing([&](SQLite::Database& db) {
    WriteTransaction transaction(db);
    SQLite::Statement mark(db, "UPDATE documents SET mtime_ns = ?, inode = ? WHERE id = ?");
    for (const FileStamp& file : files) {
      mark.bind(1, file.mtime_ns);
      mark.bind(2, file.inode);
      mark.bind(3, file.id);
      mark.exec();
      mark.reset();
    }
    transaction.commit();
  });
}

Result<void> SqliteLibrary::set_offline(std::span<const DocumentId> ids, bool offline) {
  return mark("offline", ids, offline);
}

Result<void> SqliteLibrary::set_ignored(std::span<const DocumentId> ids, bool ignored) {
  return mark("ignored", ids, ignored);
}

Result<void> SqliteLibrary::mark(const char* column, std::span<const DocumentId> ids, bool value) {
  return writing([&](SQLite::Database& db) {
    WriteTransaction transaction(db);
    SQLite::Statement mark(db, std::string("UPDATE documents SET ") + column + " = ? WHERE id = ?");
    for (const DocumentId id : ids) {
      mark.bind(1, value ? 1 : 0);
      mark.bind(2, id);
      mark.exec();
      mark.reset();
    }
    transaction.commit();
  });
}

Result<std::vector<Document>> SqliteLibrary::find_content(const Digest& content) {
  return reading([&](SQLite::Database& db) {
    SQLite::Statement rows(db, "SELECT " + std::string(kDocumentColumns) +
                                   " FROM documents WHERE content = ? AND removed = 0 ORDER BY id");
    bind_digest(rows, 1, content);
    std::vector<Document> out;
    while (rows.executeStep()) out.push_back(document_of(rows));
    return out;
  });
}

Result<std::map<Digest, std::vector<float>>> SqliteLibrary::vectors(DocumentId id) {
  return reading([&](SQLite::Database& db) {
    SQLite::Statement rows(db,
                           "SELECT c.content, v.vector FROM chunks c JOIN vectors v "
                           "ON v.chunk_id = c.id WHERE c.document_id = ? AND v.space_id = ?");
    rows.bind(1, id);
    rows.bind(2, space_id_);
    const auto dim = static_cast<std::size_t>(space_.dim);
    std::map<Digest, std::vector<float>> out;
    while (rows.executeStep()) {
      if (rows.getColumn(1).getBytes() != static_cast<int>(dim * sizeof(float))) continue;
      auto& vector = out[digest_of(rows.getColumn(0))];
      vector.resize(dim);
      std::memcpy(vector.data(), rows.getColumn(1).getBlob(), dim * sizeof(float));
    }
    return out;
  });
}

Result<ReaderFailure> SqliteLibrary::reader_failure(const Digest& content) {
  return reading([&](SQLite::Database& db) {
    SQLite::Statement row(db, "SELECT n, problem, reason FROM reader_failures WHERE content = ?");
    bind_digest(row, 1, content);
    ReaderFailure failure;
    if (row.executeStep()) {
      failure.n = row.getColumn(0).getInt64();
      failure.problem = static_cast<ReadProblem>(row.getColumn(1).getInt());
      failure.reason = text_of(row.getColumn(2));
    }
    return failure;
  });
}

Result<std::int64_t> SqliteLibrary::note_reader_failure(const Digest& content, ReadProblem problem,
                                                        const std::string& reason) {
  return writing([&](SQLite::Database& db) {
    SQLite::Statement note(
        db,
        "INSERT INTO reader_failures (content, n, problem, reason) VALUES (?, 1, ?, ?) "
        "ON CONFLICT (content) DO UPDATE SET n = n + 1, problem = excluded.problem, "
        "reason = excluded.reason RETURNING n");
    bind_digest(note, 1, content);
    note.bind(2, static_cast<int>(problem));
    note.bind(3, reason);
    note.executeStep();
    const std::int64_t n = note.getColumn(0).getInt64();
    note.executeStep();  // to its end, so that the statement is done before the commit
    return n;
  });
}

Result<void> SqliteLibrary::forget_reader_failure(const Digest& content) {
  return writing([&](SQLite::Database& db) {
    SQLite::Statement forget(db, "DELETE FROM reader_failures WHERE content = ?");
    bind_digest(forget, 1, content);
    forget.exec();
  });
}

Result<std::map<std::int32_t, std::string>> SqliteLibrary::recognised_pages(
    const Digest& content, const std::string& recipe) {
  return reading([&](SQLite::Database& db) {
    SQLite::Statement rows(
        db, "SELECT page, text FROM recognised_pages WHERE content = ? AND recipe = ?");
    bind_digest(rows, 1, content);
    rows.bind(2, recipe);
    std::map<std::int32_t, std::string> out;
    while (rows.executeStep()) out[rows.getColumn(0).getInt()] = text_of(rows.getColumn(1));
    return out;
  });
}

Result<void> SqliteLibrary::note_recognised_page(const Digest& content, std::int32_t page,
                                                 const std::string& recipe,
                                                 const std::string& text) {
  return writing([&](SQLite::Database& db) {
    // In one statement: a document that is removed meanwhile leaves no text behind.
    SQLite::Statement note(db,
                           "INSERT OR REPLACE INTO recognised_pages (content, page, recipe, text) "
                           "SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM documents "
                           "WHERE content = ?1 AND removed = 0)");
    bind_digest(note, 1, content);
    note.bind(2, page);
    note.bind(3, recipe);
    note.bind(4, text);
    if (note.exec() == 0) fail(ErrorCode::kNotFound, "the document was removed meanwhile");
  });
}

}  // namespace kvlink::retrieval
