// SPDX-License-Identifier: Apache-2.0
// The schema of kv.db: its versions, and opening a database that may be old, new or damaged.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "kernels/base/file_system.h"

namespace SQLite {
class Database;
}

namespace kvlink::cache {

/// Step n (from 0) brings user_version n to n + 1; released steps never change.
std::span<const char* const> schema_steps();

struct OpenedDatabase {
  std::unique_ptr<SQLite::Database> database;
  bool is_new = false;        ///< its rows have yet to be made from the block files
  std::string why_set_aside;  ///< "" or what was wrong with the kv.db that was set aside
};

/// Opens `folder`/kv.db with this process as its only user, hardened against what is in it, at the
/// newest schema. An older one is copied to kv.db.backup-<version> first; a damaged one is renamed
/// to kv.db.damaged-<n> and a new one is made. Throws kUnsupported (newer), kBusy (in use), kIo.
OpenedDatabase open_database(const std::filesystem::path& folder, FileSystem& files);

/// Renames `folder`/kv.db and its journal to kv.db.damaged-<n> and makes a new one.
OpenedDatabase replace_database(const std::filesystem::path& folder, FileSystem& files,
                                std::string why);

/// Throws the current SQLite exception as an Exception that says what `doing` was, any other as it
/// is. kCorrupt: the database itself is wrong; kOutOfMemory: full; kBusy: another process has it.
[[noreturn]] void rethrow_sql_error(const char* doing);

/// Runs `body`; what SQLite throws goes through rethrow_sql_error.
template <typename F>
auto with_sql_errors(const char* doing, F&& body) {
  try {
    return body();
  } catch (...) {
    rethrow_sql_error(doing);
  }
}

}  // namespace kvlink::cache
