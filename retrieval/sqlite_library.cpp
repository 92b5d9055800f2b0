// SPDX-License-Identifier: Apache-2.0
#include "retrieval/sqlite_library.h"

#include "kernels/base/log.h"
#include "retrieval/library_rows.h"

namespace kvlink::retrieval {
namespace {

/// Temporary files of ours that a killed process left.
void sweep_temporary_files(const std::filesystem::path& folder, FileSystem& files) {
  for (const auto& path : files.list(folder)) {
    const std::string name = path.filename().string();
    const bool ours = name.starts_with("library.db") || name.starts_with("vectors.faiss");
    if (ours && name.ends_with(".tmp")) files.remove(path);
  }
}

ChunkContent chunk_content_of(SQLite::Statement& row) {
  return {row.getColumn(0).getInt64(), row.getColumn(1).getInt64(), digest_of(row.getColumn(2))};
}

template <typename T>
std::optional<T> one_row(SQLite::Statement& statement, T (*value)(SQLite::Statement&)) {
  if (!statement.executeStep()) return std::nullopt;
  return value(statement);
}

}  // namespace

Result<std::unique_ptr<Library>> Library::open(const std::filesystem::path& folder,
                                               EmbeddingSpace space, FileSystem& files,
                                               LibraryOptions options) {
  return returning([&]() -> std::unique_ptr<Library> {
    if (space.dim < 1 || space.dim > 65536) {
      fail(ErrorCode::kInvalidInput,
           "an embedding must have 1 to 65,536 dimensions, not " + std::to_string(space.dim));
    }
    // Absolute, because SQLite takes a name that begins with "file:" for a URI.
    return std::make_unique<SqliteLibrary>(std::filesystem::absolute(folder), space, files,
                                           options);
  });
}

SqliteLibrary::SqliteLibrary(const std::filesystem::path& folder, EmbeddingSpace space,
                             FileSystem& files, LibraryOptions options)
    : path_(folder / "library.db"),
      vector_path_(folder / "vectors.faiss"),
      wanted_(std::move(space)),
      files_(files),
      options_(options),
      index_(wanted_.dim, {options.graph_from_rows, options.max_waiting_rows}) {
  files_.make_folder(folder);
  sweep_temporary_files(folder, files_);
  writer_ = open_writer(path_, files_, migrations());
  reader_ = open_reader(path_);
  calling_sqlite(path_, [&] {
    choose_space(writer_->db);
    // Of documents that a process which died, or a stop, kept from being committed.
    writer_->db.exec(
        "DELETE FROM reader_failures WHERE content NOT IN (SELECT content FROM documents)");
    n_removed_ =
        writer_->db.execAndGet("SELECT count(*) FROM documents WHERE removed = 1").getInt64();
  });
  load_index();
  absorber_ = std::jthread([this](std::stop_token stop) { absorb_in_background(stop); });
}

SqliteLibrary::~SqliteLibrary() {
  absorber_.request_stop();  // wakes it too
  absorber_.join();
  close_files();
  reader_.reset();  // the writer checkpoints last
}

Result<std::vector<Document>> SqliteLibrary::documents() {
  return reading([](SQLite::Database& db) {
    SQLite::Statement rows(db, "SELECT " + std::string(kDocumentColumns) +
                                   " FROM documents WHERE removed = 0 ORDER BY id");
    return all_rows(rows, document_of);
  });
}

Result<std::optional<Document>> SqliteLibrary::find_path(const std::string& path) {
  return reading([&](SQLite::Database& db) {
    SQLite::Statement rows(
        db, "SELECT " + std::string(kDocumentColumns) + " FROM documents WHERE path = ?");
    rows.bind(1, path);
    return one_row(rows, document_of);
  });
}

Result<std::vector<StoredChunk>> SqliteLibrary::chunks(DocumentId id) {
  return reading([&](SQLite::Database& db) {
    SQLite::Statement rows(
        db, std::string(kSelectChunk) + "WHERE c.document_id = ? ORDER BY c.ordinal");
    rows.bind(1, id);
    return all_rows(rows, chunk_of);
  });
}

Result<std::optional<StoredChunk>> SqliteLibrary::chunk(ChunkId id) {
  return reading([&](SQLite::Database& db) {
    SQLite::Statement rows(db, std::string(kSelectChunk) + "WHERE c.id = ?");
    rows.bind(1, id);
    return one_row(rows, chunk_of);
  });
}

Result<std::optional<StoredChunk>> SqliteLibrary::last_chunk(DocumentId id) {
  return reading([&](SQLite::Database& db) {
    SQLite::Statement rows(
        db, std::string(kSelectChunk) + "WHERE c.document_id = ? ORDER BY c.ordinal DESC LIMIT 1");
    rows.bind(1, id);
    return one_row(rows, chunk_of);
  });
}

Result<std::vector<ChunkContent>> SqliteLibrary::chunk_contents() {
  return reading([](SQLite::Database& db) {
    SQLite::Statement rows(db,
                           "SELECT document_id, ordinal, content FROM chunks "
                           "WHERE document_id IN (SELECT id FROM documents WHERE removed = 0) "
                           "ORDER BY document_id, ordinal");
    return all_rows(rows, chunk_content_of);
  });
}

std::int64_t SqliteLibrary::n_chunks() {
  const auto n = reading([](SQLite::Database& db) {
    return db.execAndGet("SELECT coalesce(sum(n_chunks), 0) FROM documents WHERE removed = 0")
        .getInt64();
  });
  return n ? *n : 0;
}

}  // namespace kvlink::retrieval
