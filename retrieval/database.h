// SPDX-License-Identifier: Apache-2.0
// library.db: opening it safely, its schema, and SQLite's errors in our words.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include "kernels/base/file_system.h"
#include "kernels/base/result.h"

namespace kvlink::retrieval {

/// What SQLite's error means here, naming the file and what to do.
Error database_error(const SQLite::Exception& error, const std::filesystem::path& path);

/// Runs `body`, SQLite's exceptions turned into Exception.
template <typename F>
auto calling_sqlite(const std::filesystem::path& path, F&& body) {
  try {
    return body();
  } catch (const SQLite::Exception& e) {
    throw Exception(database_error(e, path));
  }
}

/// One connection and the lock that lets one thread use it at a time.
struct Connection {
  explicit Connection(const std::filesystem::path& path);
  std::mutex mutex;
  SQLite::Database db;
};

/// A write transaction (BEGIN IMMEDIATE); rolled back unless committed.
class WriteTransaction {
 public:
  explicit WriteTransaction(SQLite::Database& db) : db_(db) { db_.exec("BEGIN IMMEDIATE"); }
  ~WriteTransaction();
  WriteTransaction(const WriteTransaction&) = delete;
  WriteTransaction& operator=(const WriteTransaction&) = delete;
  void commit() {
    db_.exec("COMMIT");
    done_ = true;
  }

 private:
  SQLite::Database& db_;
  bool done_ = false;
};

/// SQL that brings a database from version index to index + 1.
using Migration = const char*;

/// The schema's history; its length is the version this program writes.
std::span<const Migration> migrations();

/// Checks that the file is a library this program may write, then brings it up to date; a copy of
/// an older one is kept first as <path>.backup-<version>. kUnsupported: newer, or not a library.
void migrate(SQLite::Database& db, const std::filesystem::path& path, FileSystem& files,
             std::span<const Migration> steps);

/// Creates the file (0600) where there is none, opens the writing connection, which is also the
/// only one that checkpoints.
std::unique_ptr<Connection> open_writer(const std::filesystem::path& path, FileSystem& files,
                                        std::span<const Migration> steps);
/// A connection that cannot write.
std::unique_ptr<Connection> open_reader(const std::filesystem::path& path);

}  // namespace kvlink::retrieval
