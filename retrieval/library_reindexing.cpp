// SPDX-License-Identifier: Apache-2.0
// Another embedder: its vectors are gathered beside those that are searched, and take their place
// when every passage has one.
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "retrieval/library_rows.h"
#include "retrieval/sqlite_library.h"

namespace kvlink::retrieval {
namespace {

constexpr const char* kLiveChunks =
    "FROM chunks c JOIN documents d ON d.id = c.document_id AND "
    "d.removed = 0 WHERE ";

/// The space of the newest vector: all have the same, but for a library that an earlier version of
/// the program left half made anew.
std::optional<std::pair<std::int64_t, EmbeddingSpace>> stored_space(SQLite::Database& db) {
  SQLite::Statement row(db,
                        "SELECT s.id, s.fingerprint, s.dim, s.place FROM vectors v "
                        "JOIN spaces s ON s.id = v.space_id "
                        "WHERE v.chunk_id = (SELECT max(chunk_id) FROM vectors)");
  if (!row.executeStep()) return std::nullopt;
  const std::int64_t dim = row.getColumn(2).getInt64();
  if (dim < 1 || dim > 65536) return std::nullopt;
  return std::pair(row.getColumn(0).getInt64(),
                   EmbeddingSpace{digest_of(row.getColumn(1)), static_cast<std::int32_t>(dim),
                                  text_of(row.getColumn(3))});
}

std::int64_t row_of_space(SQLite::Database& db, const EmbeddingSpace& space) {
  SQLite::Statement insert(db,
                           "INSERT INTO spaces (fingerprint, dim, place) VALUES (?, ?, ?) "
                           "ON CONFLICT (fingerprint, dim) DO UPDATE SET place = excluded.place");
  bind_digest(insert, 1, space.fingerprint);
  insert.bind(2, space.dim);
  insert.bind(3, space.place);
  insert.exec();
  SQLite::Statement select(db, "SELECT id FROM spaces WHERE fingerprint = ? AND dim = ?");
  bind_digest(select, 1, space.fingerprint);
  select.bind(2, space.dim);
  select.executeStep();
  return select.getColumn(0).getInt64();
}

}  // namespace

/// Before the index is loaded.
void SqliteLibrary::choose_space(SQLite::Database& db) {
  wanted_id_ = row_of_space(db, wanted_);
  space_ = wanted_;
  space_id_ = wanted_id_;
  if (auto stored = stored_space(db)) std::tie(space_id_, space_) = std::move(*stored);
  if (space_.dim != index_.dim()) index_ = VectorIndex(space_.dim, index_options());
}

EmbeddingSpace SqliteLibrary::serving_space() {
  const std::lock_guard lock(reader_->mutex);
  return space_;
}

/// "no vector of the embedder of open()", one parameter: its number.
std::string SqliteLibrary::lacks_vector() const {
  const std::string table = space_id_ == wanted_id_ ? "vectors" : "next_vectors";
  return "NOT EXISTS (SELECT 1 FROM " + table + " v WHERE v.chunk_id = c.id AND v.space_id = ?) ";
}

Result<std::vector<DocumentId>> SqliteLibrary::stale_vectors() {
  return reading([&](SQLite::Database& db) {
    SQLite::Statement rows(db, std::string("SELECT DISTINCT c.document_id ") + kLiveChunks +
                                   lacks_vector() + "ORDER BY c.document_id");
    rows.bind(1, wanted_id_);
    return all_rows(rows, id_of);
  });
}

Result<std::int64_t> SqliteLibrary::n_chunks_to_embed() {
  return reading([&](SQLite::Database& db) {
    SQLite::Statement row(db, std::string("SELECT count(*) ") + kLiveChunks + lacks_vector());
    row.bind(1, wanted_id_);
    row.executeStep();
    return row.getColumn(0).getInt64();
  });
}

Result<std::vector<StoredChunk>> SqliteLibrary::chunks_to_embed(ChunkId after, std::int64_t limit) {
  return reading([&](SQLite::Database& db) {
    SQLite::Statement rows(db, std::string(kSelectChunk) + "WHERE " + lacks_vector() +
                                   "AND c.id > ? ORDER BY c.id LIMIT ?");
    rows.bind(1, wanted_id_);
    rows.bind(2, after);
    rows.bind(3, limit);
    std::vector<StoredChunk> out;
    while (rows.executeStep()) out.push_back(chunk_of(rows));
    return out;
  });
}

Result<void> SqliteLibrary::add_vectors(std::span<const ChunkId> ids,
                                        std::span<const float> vectors) {
  return writing([&](SQLite::Database& db) {
    const auto dim = static_cast<std::size_t>(wanted_.dim);
    if (vectors.size() != ids.size() * dim) {
      fail(ErrorCode::kInvalidInput,
           "there must be one vector of " + std::to_string(dim) + " numbers for each passage");
    }
    check_lengths(vectors, wanted_.dim, "a passage that is embedded anew");
    const bool serve = space_id_ == wanted_id_;
    WriteTransaction transaction(db);
    SQLite::Statement insert(db, std::string("INSERT OR REPLACE INTO ") +
                                     (serve ? "vectors" : "next_vectors") +
                                     " (chunk_id, space_id, vector) SELECT c.id, ?, ? " +
                                     kLiveChunks + "c.id = ? AND " + lacks_vector());
    std::vector<ChunkId> added;
    std::vector<float> kept;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto vector = vectors.subspan(i * dim, dim);
      insert.bind(1, wanted_id_);
      insert.bind(2, vector.data(), static_cast<int>(vector.size_bytes()));
      insert.bind(3, ids[i]);
      insert.bind(4, wanted_id_);
      if (insert.exec() > 0) {
        added.push_back(ids[i]);
        kept.insert(kept.end(), vector.begin(), vector.end());
      }
      insert.reset();
    }
    transaction.commit();
    if (!serve) return;
    change_index({}, added, kept);
    save_index_if_due();
  });
}

Result<bool> SqliteLibrary::switch_vectors(Gaps gaps) {
  return writing([&](SQLite::Database& db) {
    if (space_id_ == wanted_id_) return true;
    if (gaps == Gaps::kNone) {
      SQLite::Statement lacking(
          db, std::string("SELECT 1 ") + kLiveChunks + lacks_vector() + "LIMIT 1");
      lacking.bind(1, wanted_id_);
      if (lacking.executeStep()) return false;
    }
    replace_vectors(db);
    return true;
  });
}

/// Under the writer's lock. The new index is made first: searches go on meanwhile, and what fails
/// leaves everything as it was.
void SqliteLibrary::replace_vectors(SQLite::Database& db) {
  VectorIndex next(wanted_.dim, index_options());
  const auto ids = stored_vectors(db, "next_vectors", wanted_id_);
  add_rows(db, "next_vectors", ids, next);
  {
    WriteTransaction transaction(db);
    db.exec("DELETE FROM vectors");
    SQLite::Statement move(
        db,
        "INSERT INTO vectors (chunk_id, space_id, vector) "
        "SELECT chunk_id, space_id, vector FROM next_vectors WHERE space_id = ?");
    move.bind(1, wanted_id_);
    move.exec();
    db.exec("DELETE FROM next_vectors");
    transaction.commit();
  }
  {
    const std::lock_guard reading(reader_->mutex);
    const std::lock_guard lock(index_mutex_);
    index_ = std::move(next);
    space_ = wanted_;
    space_id_ = wanted_id_;
  }
  absorb_wanted_.notify_one();
  n_changes_ += std::ssize(ids) + 1;
  save_index();
}

}  // namespace kvlink::retrieval
