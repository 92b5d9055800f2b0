// SPDX-License-Identifier: Apache-2.0
// The vector index and its file: both can always be made again from library.db.
#include <algorithm>
#include <cstring>
#include <random>

#include "kernels/base/log.h"
#include "retrieval/library_rows.h"
#include "retrieval/sqlite_library.h"

namespace kvlink::retrieval {
namespace {

constexpr const char* kSaveKey = "vector_file";
constexpr std::int64_t kMinChangesToSave = 5000;
constexpr std::int64_t kAbsorbStep = 32;  // rows; a search waits for at most one step
constexpr std::int64_t kRoundStep = 512;  // rows; a commit waits for at most one step
constexpr std::size_t kAddStep = 1024;    // rows read from SQLite at a time

std::array<std::uint8_t, 16> read_save_key(SQLite::Database& db) {
  std::array<std::uint8_t, 16> key{};
  SQLite::Statement row(db, "SELECT value FROM meta WHERE key = ?");
  row.bind(1, kSaveKey);
  if (!row.executeStep() || row.getColumn(0).getBytes() != static_cast<int>(key.size())) return key;
  std::memcpy(key.data(), row.getColumn(0).getBlob(), key.size());
  return key;
}

std::array<std::uint8_t, 16> draw_save_key(SQLite::Database& db) {
  std::random_device random;
  std::array<std::uint8_t, 16> key;
  for (auto& byte : key) byte = static_cast<std::uint8_t>(random());
  SQLite::Statement row(db, "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)");
  row.bind(1, kSaveKey);
  row.bind(2, key.data(), static_cast<int>(key.size()));
  row.exec();
  return key;
}

}  // namespace

/// A file whose save key library.db knows holds no vector that library.db had differently: chunk
/// ids are never used twice, and a database restored from a backup knows another key.
void SqliteLibrary::load_index() {
  const VectorFileIdentity identity{space_.fingerprint, read_save_key(writer_->db), space_.dim};
  std::string reason;
  auto loaded = read_vector_file(files_, vector_path_, identity, index_options(), reason);
  const bool found = loaded.has_value();
  if (found) index_ = std::move(*loaded);
  calling_sqlite(path_, [&] { add_missing_rows(writer_->db); });
  if (!found && index_.size() > 0) {
    log(LogLevel::kNotice, "retrieval",
        "vector file made again from " + std::to_string(index_.size()) + " rows: " + reason);
  }
}

/// Chunks of documents that are there, with a vector of a space, ascending.
std::vector<ChunkId> SqliteLibrary::stored_vectors(SQLite::Database& db, const char* table,
                                                   std::int64_t space_id) {
  SQLite::Statement all(db, std::string("SELECT chunk_id FROM ") + table +
                                " WHERE space_id = ? AND chunk_id NOT IN (SELECT "
                                "c.id FROM documents d JOIN chunks c ON c.document_id = d.id "
                                "WHERE d.removed = 1) ORDER BY chunk_id");
  all.bind(1, space_id);
  std::vector<ChunkId> stored;
  while (all.executeStep()) stored.push_back(all.getColumn(0).getInt64());
  return stored;
}

void SqliteLibrary::add_rows(SQLite::Database& db, const char* table,
                             const std::vector<ChunkId>& rows, VectorIndex& index) {
  std::vector<ChunkId> ids;
  std::vector<float> vectors;
  SQLite::Statement one(db, std::string("SELECT vector FROM ") + table + " WHERE chunk_id = ?");
  const auto dim = static_cast<std::size_t>(index.dim());
  for (const ChunkId id : rows) {
    one.bind(1, id);
    if (one.executeStep() && one.getColumn(0).getBytes() == static_cast<int>(dim * sizeof(float))) {
      ids.push_back(id);
      vectors.resize(vectors.size() + dim);
      std::memcpy(vectors.data() + vectors.size() - dim, one.getColumn(0).getBlob(),
                  dim * sizeof(float));
    }
    one.reset();
    if (ids.size() == kAddStep || id == rows.back()) {
      index.add(ids, vectors);
      ids.clear();
      vectors.clear();
    }
  }
}

void SqliteLibrary::add_missing_rows(SQLite::Database& db) {
  const std::vector<ChunkId> indexed = index_.ids();
  const std::vector<ChunkId> stored = stored_vectors(db, "vectors", space_id_);
  std::vector<ChunkId> gone, missing;
  std::set_difference(indexed.begin(), indexed.end(), stored.begin(), stored.end(),
                      std::back_inserter(gone));
  std::set_difference(stored.begin(), stored.end(), indexed.begin(), indexed.end(),
                      std::back_inserter(missing));
  index_.remove(gone);
  add_rows(db, "vectors", missing, index_);
  n_changes_ += std::ssize(gone) + std::ssize(missing);
}

/// Under the writer's lock, after the rows have been committed: from then on a failure must not
/// look like one of the commit. The next start compares with the rows and makes good.
void SqliteLibrary::change_index(std::span<const ChunkId> removed, std::span<const ChunkId> added,
                                 std::span<const float> vectors) {
  n_changes_ += std::ssize(removed) + std::ssize(added);
  try {
    const std::lock_guard lock(index_mutex_);
    index_.remove(removed);
    index_.add(added, vectors);
  } catch (const std::exception& e) {
    log(LogLevel::kWarning, "retrieval", std::string("vector index not up to date: ") + e.what());
  }
  absorb_wanted_.notify_one();
}

/// Under the writer's lock.
void SqliteLibrary::write_index() {
  const std::shared_lock lock(index_mutex_);
  if (index_.size() == 0) {
    files_.remove(vector_path_);
  } else {
    const VectorFileIdentity identity{space_.fingerprint, draw_save_key(writer_->db), space_.dim};
    write_vector_file(files_, vector_path_, identity, index_);
  }
  n_changes_ = 0;
}

/// A failure costs a rebuild at the next start, nothing else.
void SqliteLibrary::save_index() {
  if (n_changes_ == 0) return;
  try {
    write_index();
  } catch (const Exception& e) {
    log(LogLevel::kWarning, "retrieval", "vector file not written: " + e.error().message);
  }
}

/// Rarely enough that writing costs no more than a fraction of what was added.
void SqliteLibrary::save_index_if_due() {
  std::int64_t n_rows = 0;
  {
    const std::shared_lock lock(index_mutex_);
    n_rows = index_.size();
  }
  if (n_changes_ > std::max(kMinChangesToSave, n_rows / 4)) save_index();
}

/// Searches go on, and changes but for a step. Only this thread adds to a graph or makes one.
void SqliteLibrary::round_in_background(const std::stop_token& stop) {
  std::unique_ptr<VectorIndex::Rounding> rounding;
  {
    const std::shared_lock lock(index_mutex_);
    rounding = index_.begin_rounding();
  }
  if (!rounding) return;  // another embedder's vectors came
  rounding->learn();
  for (bool more = true; more;) {
    if (stop.stop_requested()) return;
    const std::shared_lock lock(index_mutex_);
    more = index_.encode_some(*rounding, kRoundStep);
  }
  const std::lock_guard lock(index_mutex_);
  index_.finish_rounding(*rounding);
}

/// As round_in_background. Building takes minutes, in which searches use the worn graph.
void SqliteLibrary::rebuild_in_background(const std::stop_token& stop) {
  std::unique_ptr<VectorIndex::Rebuilding> rebuilding;
  {
    const std::lock_guard lock(index_mutex_);
    rebuilding = index_.begin_rebuilding();
  }
  if (!rebuilding) return;
  const auto copy_some = [&] {
    const std::shared_lock lock(index_mutex_);
    return index_.copy_some(*rebuilding, kAbsorbStep);
  };
  while (copy_some()) {
    if (stop.stop_requested()) return;
    rebuilding->link();
  }
  const std::lock_guard lock(index_mutex_);
  index_.finish_rebuilding(*rebuilding);
}

void SqliteLibrary::absorb_in_background(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::unique_lock lock(index_mutex_);
    absorb_wanted_.wait(lock, stop, [&] { return index_.n_backlog() > 0; });
    if (stop.stop_requested()) return;
    try {
      if (index_.is_due_for_bytes()) {
        lock.unlock();
        round_in_background(stop);
      } else if (index_.is_due_for_rebuilding()) {
        lock.unlock();
        rebuild_in_background(stop);
      } else {
        index_.absorb(kAbsorbStep);
      }
    } catch (const std::exception& e) {
      log(LogLevel::kWarning, "retrieval", std::string("vector graph not built: ") + e.what());
      return;  // searches go on scanning
    }
  }
}

}  // namespace kvlink::retrieval
