// SPDX-License-Identifier: Apache-2.0
#include "retrieval/database.h"

#include <sqlite3.h>

#include <string_view>

#include "kernels/base/log.h"

namespace kvlink::retrieval {
namespace {

constexpr int kBusyTimeoutMs = 5000;
constexpr std::int64_t kApplicationId = 0x4B56'4C62;  // "KVLb"
/// Up to this size the whole file is checked at opening (a few milliseconds per MiB).
constexpr std::int64_t kQuickCheckBytes = std::int64_t{8} << 20;

std::int64_t pragma(SQLite::Database& db, const char* name) {
  return db.execAndGet(std::string("PRAGMA ") + name).getInt64();
}

[[noreturn]] void fail_corrupt(const std::filesystem::path& path, const std::string& detail) {
  fail(ErrorCode::kCorrupt,
       path.string() + " is damaged (" + detail +
           "). Move it and its -wal file out of the folder, then add your documents again; the "
           "documents themselves and their KV caches are not affected.");
}

void quick_check(SQLite::Database& db, const std::filesystem::path& path, FileSystem& files) {
  const auto stat = files.stat(path);
  if (!stat || stat->size > kQuickCheckBytes) return;
  const std::string verdict = db.execAndGet("PRAGMA quick_check(1)").getString();
  if (verdict != "ok") fail_corrupt(path, verdict);
}

void restrict_permissions(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::error_code ignored;  // a missing file, or another owner's: opening will say so
    fs::path file = path;
    file += suffix;
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write, ignored);
  }
}

/// A consistent copy beside the database; SQLite fills the empty file, which is 0600 already.
void back_up(SQLite::Database& db, const std::filesystem::path& path, FileSystem& files,
             std::int64_t version) {
  std::filesystem::path backup = path;
  backup += ".backup-" + std::to_string(version);
  files.create(backup, 0)->commit();
  SQLite::Statement statement(db, "VACUUM INTO ?");
  statement.bind(1, backup.string());
  statement.exec();
  log(LogLevel::kNotice, "retrieval", "library backed up before its schema is brought up to date");
}

void harden(SQLite::Database& db) {
  sqlite3_db_config(db.getHandle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  db.exec("PRAGMA trusted_schema = OFF");
  db.exec("PRAGMA cell_size_check = ON");
  db.exec("PRAGMA foreign_keys = ON");
  db.exec("PRAGMA temp_store = MEMORY");
}

}  // namespace

Error database_error(const SQLite::Exception& error, const std::filesystem::path& path) {
  const std::string what = error.what();
  switch (error.getErrorCode() & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      try {
        fail_corrupt(path, what);
      } catch (const Exception& e) {
        return e.error();
      }
    case SQLITE_FULL:
      return {ErrorCode::kOutOfMemory,
              "the disk is full: " + path.string() + " could not be written; free some space"};
    case SQLITE_NOMEM:
      return {ErrorCode::kOutOfMemory, "not enough memory for " + path.string()};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::kBusy, path.string() +
                                    " is being written by another process; try again "
                                    "when it has finished"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return {ErrorCode::kIo, path.string() + " cannot be written (" + what +
                                  "); check the permissions of its folder"};
    default:
      return {ErrorCode::kIo, path.string() + ": " + what};
  }
}

Connection::Connection(const std::filesystem::path& path)
    : db(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX, kBusyTimeoutMs) {}

WriteTransaction::~WriteTransaction() {
  if (done_ || sqlite3_get_autocommit(db_.getHandle()) != 0) return;
  // tryExec: SQLite has rolled back by itself after some errors.
  db_.tryExec("ROLLBACK");
}

void migrate(SQLite::Database& db, const std::filesystem::path& path, FileSystem& files,
             std::span<const Migration> steps) {
  const auto latest = std::ssize(steps);
  const std::int64_t version = pragma(db, "user_version");
  const std::int64_t id = pragma(db, "application_id");
  const std::int64_t n_tables = db.execAndGet("SELECT count(*) FROM sqlite_master").getInt64();
  if ((n_tables > 0 || version != 0) && id != kApplicationId) {
    fail(ErrorCode::kUnsupported, path.string() + " is a database of another program");
  }
  if (version > latest) {
    fail(ErrorCode::kUnsupported, path.string() + " was written by a newer version of KVLink (" +
                                      "schema " + std::to_string(version) + ", this one knows " +
                                      std::to_string(latest) + "); update the program");
  }
  if (version == latest) return;
  if (version > 0) back_up(db, path, files, version);
  WriteTransaction transaction(db);
  for (auto i = version; i < latest; ++i) db.exec(steps[static_cast<std::size_t>(i)]);
  db.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
  db.exec("PRAGMA user_version = " + std::to_string(latest));
  transaction.commit();
}

std::unique_ptr<Connection> open_writer(const std::filesystem::path& path, FileSystem& files,
                                        std::span<const Migration> steps) {
  // An empty file is an empty database. SQLite gives -wal and -shm the mode of the main file.
  if (!files.stat(path)) files.create(path, 0)->commit();
  restrict_permissions(path);
  return calling_sqlite(path, [&] {
    auto connection = std::make_unique<Connection>(path);
    SQLite::Database& db = connection->db;
    harden(db);
    db.exec("PRAGMA secure_delete = ON");
    quick_check(db, path, files);
    migrate(db, path, files, steps);
    db.exec("PRAGMA journal_mode = WAL");
    db.exec("PRAGMA synchronous = FULL");
    return connection;
  });
}

std::unique_ptr<Connection> open_reader(const std::filesystem::path& path) {
  return calling_sqlite(path, [&] {
    auto connection = std::make_unique<Connection>(path);
    harden(connection->db);
    connection->db.exec("PRAGMA query_only = ON");
    connection->db.exec("PRAGMA wal_autocheckpoint = 0");
    return connection;
  });
}

}  // namespace kvlink::retrieval
