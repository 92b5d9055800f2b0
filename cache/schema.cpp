// SPDX-License-Identifier: Apache-2.0
#include "cache/schema.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "kernels/base/result.h"

namespace kvlink::cache {
namespace {

namespace fs = std::filesystem;

constexpr int kBusyTimeoutMs = 1000;
constexpr std::int64_t kCopyPiece = std::int64_t{1} << 20;

// Digests are blobs of 32 bytes. `damage` is "" for a block that may serve.
constexpr const char* kStep1 = R"sql(
  CREATE TABLE blocks(
    id            BLOB PRIMARY KEY,
    model         BLOB NOT NULL,
    recipe        BLOB NOT NULL,
    tokens        BLOB NOT NULL,
    content       BLOB NOT NULL,
    n_tokens      INTEGER NOT NULL,
    file_bytes    INTEGER NOT NULL,
    dtype         INTEGER NOT NULL,
    created_unix  INTEGER NOT NULL,
    last_use      INTEGER NOT NULL,
    n_hits        INTEGER NOT NULL,
    encode_ms     REAL NOT NULL,
    load_ms       REAL NOT NULL,
    gdsf_priority REAL NOT NULL,
    pinned        INTEGER NOT NULL,
    damage        TEXT NOT NULL,
    damage_reason INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE counters(
    only_row         INTEGER PRIMARY KEY CHECK (only_row = 1),
    use_clock        INTEGER NOT NULL,
    n_hits           INTEGER NOT NULL,
    n_misses         INTEGER NOT NULL,
    gdsf_clock       REAL NOT NULL,
    evicted_sequence INTEGER NOT NULL
  );
  INSERT INTO counters VALUES (1, 0, 0, 0, 0.0, 0);
  CREATE TABLE fingerprints(
    path        BLOB PRIMARY KEY,
    size        INTEGER NOT NULL,
    mtime_ns    INTEGER NOT NULL,
    inode       INTEGER NOT NULL,
    fingerprint BLOB NOT NULL
  ) WITHOUT ROWID;
)sql";

// Evicted blocks are remembered, so that a miss can say that the block had been there.
constexpr const char* kStep2 = R"sql(
  CREATE TABLE evicted(
    id       BLOB PRIMARY KEY,
    content  BLOB NOT NULL,
    sequence INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX evicted_by_sequence ON evicted(sequence);
  -- 0 until the rows of a new catalogue have been made from the block files.
  ALTER TABLE counters ADD COLUMN is_complete INTEGER NOT NULL DEFAULT 1;
)sql";

// When a block was used last, for people; the order of eviction stays the counter last_use. 0:
// before this step, not known.
constexpr const char* kStep3 = R"sql(
  ALTER TABLE blocks ADD COLUMN used_unix INTEGER NOT NULL DEFAULT 0;
)sql";

constexpr std::array kSteps = {kStep1, kStep2, kStep3};

/// Whether an SQLite result code means that the database's bytes are not what they should be.
bool means_damage(int code) {
  switch (code & 0xff) {
    case SQLITE_ERROR:  // a table or column of the schema is missing, or one too many is there
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_FORMAT:
      return true;
    default:
      return false;
  }
}

fs::path database_path(const fs::path& folder) { return folder / "kv.db"; }

/// An empty file of mode 0600: SQLite would create it with the umask's mode, and gives its journal
/// the mode of the database.
void make_empty(const fs::path& path, FileSystem& files) { files.create(path, 0)->commit(); }

void harden(SQLite::Database& database) {
  sqlite3* handle = database.getHandle();
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  database.exec(
      "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
      // Exclusive before WAL: no shared-memory file, and a second process is refused.
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
      // Erased rows leave no bytes behind.
      "PRAGMA secure_delete=ON");
}

std::int64_t number_from(SQLite::Database& database, const char* query) {
  SQLite::Statement statement(database, query);
  statement.executeStep();
  return statement.getColumn(0).getInt64();
}

void check_integrity(SQLite::Database& database) {
  SQLite::Statement statement(database, "PRAGMA quick_check(1)");
  statement.executeStep();
  const std::string verdict = statement.getColumn(0).getString();
  if (verdict != "ok") fail(ErrorCode::kCorrupt, "kv.db is damaged: " + verdict);
}

/// Copies the database file, whose journal has just been emptied into it.
void back_up(SQLite::Database& database, const fs::path& folder, std::int64_t version,
             FileSystem& files) {
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const fs::path to = folder / ("kv.db.backup-" + std::to_string(version));
  const auto source = files.open(database_path(folder));
  const auto copy = files.create(to, source->size());
  std::vector<std::byte> piece(static_cast<std::size_t>(kCopyPiece));
  for (std::int64_t at = 0; at < source->size(); at += kCopyPiece) {
    const auto part =
        std::span(piece).first(static_cast<std::size_t>(std::min(kCopyPiece, source->size() - at)));
    source->read(at, part);
    copy->write(part);
  }
  copy->commit();
}

/// All steps from `version` on, or none.
void migrate(SQLite::Database& database, std::int64_t version) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  for (const char* step : schema_steps().subspan(static_cast<std::size_t>(version)))
    database.exec(step);
  database.exec("PRAGMA user_version=" + std::to_string(kSteps.size()));
  if (version == 0) database.exec("UPDATE counters SET is_complete=0");
  transaction.commit();
}

/// Takes the lock, refuses what is newer, checks, and migrates.
void prepare(SQLite::Database& database, const fs::path& folder, FileSystem& files) {
  harden(database);
  database.exec("BEGIN IMMEDIATE; COMMIT");
  const auto newest = static_cast<std::int64_t>(kSteps.size());
  const std::int64_t version = number_from(database, "PRAGMA user_version");
  if (version > newest) {
    fail(ErrorCode::kUnsupported,
         database_path(folder).string() + " was made by a newer version of this program (schema " +
             std::to_string(version) + ", this one knows " + std::to_string(newest) +
             "). Use that version, or choose another data folder.");
  }
  if (version < 0) fail(ErrorCode::kCorrupt, "kv.db has a negative schema version");
  check_integrity(database);
  if (version > 0 && version < newest) back_up(database, folder, version, files);
  if (version < newest) migrate(database, version);
}

/// Whether its rows have yet to be made from the block files.
bool is_incomplete(SQLite::Database& database) {
  SQLite::Statement state(database,
                          "SELECT is_complete, EXISTS(SELECT 1 FROM blocks) FROM counters");
  if (!state.executeStep()) fail(ErrorCode::kCorrupt, "kv.db is damaged: its counters are missing");
  if (state.getColumn(0).getInt64() != 0) return false;
  if (state.getColumn(1).getInt64() != 0)
    fail(ErrorCode::kCorrupt, "kv.db is damaged: it has rows before it was complete");
  return true;
}

OpenedDatabase open_and_prepare(const fs::path& folder, FileSystem& files) {
  return with_sql_errors("opening kv.db", [&] {
    OpenedDatabase opened;
    // No mutex: one thread at a time uses it, and reading a row is a dozen calls.
    opened.database = std::make_unique<SQLite::Database>(
        database_path(folder).string(), SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX,
        kBusyTimeoutMs);
    prepare(*opened.database, folder, files);
    opened.is_new = is_incomplete(*opened.database);
    return opened;
  });
}

/// The first free number n for kv.db.damaged-<n>.
fs::path damaged_name(const fs::path& folder, FileSystem& files) {
  for (int n = 1;; ++n) {
    fs::path name = folder / ("kv.db.damaged-" + std::to_string(n));
    if (!files.stat(name)) return name;
  }
}

}  // namespace

std::span<const char* const> schema_steps() { return kSteps; }

void rethrow_sql_error(const char* doing) {
  try {
    throw;
  } catch (const SQLite::Exception& e) {
    const int code = e.getErrorCode();
    ErrorCode kind = ErrorCode::kIo;
    std::string advice = "Check the disk and the data folder's permissions.";
    if (means_damage(code)) {
      kind = ErrorCode::kCorrupt;
      advice = "Start the program again: it rebuilds the catalogue from the block files.";
    } else if ((code & 0xff) == SQLITE_FULL || (code & 0xff) == SQLITE_NOMEM) {
      kind = ErrorCode::kOutOfMemory;
      advice = "Free some space and try again.";
    } else if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED) {
      kind = ErrorCode::kBusy;
      advice = "Another program uses this data folder: close it and try again.";
    }
    fail(kind, std::string(doing) + " failed: " + e.what() + ". " + advice);
  }
}

OpenedDatabase open_database(const fs::path& folder, FileSystem& files) {
  if (!files.stat(database_path(folder))) {
    // A journal without its database belongs to one that is gone.
    files.remove(database_path(folder).string() + "-wal");
    make_empty(database_path(folder), files);
  }
  try {
    return open_and_prepare(folder, files);
  } catch (const Exception& e) {
    if (e.error().code != ErrorCode::kCorrupt) throw;
    return replace_database(folder, files, e.what());
  }
}

OpenedDatabase replace_database(const fs::path& folder, FileSystem& files, std::string why) {
  const fs::path path = database_path(folder);
  const fs::path aside = damaged_name(folder, files);
  // The journal first: an interruption between the two must not leave it to the new database.
  if (files.stat(path.string() + "-wal"))
    files.rename(path.string() + "-wal", aside.string() + "-wal");
  files.rename(path, aside);
  files.sync_folder(folder);
  make_empty(path, files);
  OpenedDatabase opened = open_and_prepare(folder, files);
  opened.why_set_aside = std::move(why);
  return opened;
}

}  // namespace kvlink::cache
