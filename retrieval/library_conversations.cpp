// SPDX-License-Identifier: Apache-2.0
// Questions and answers that were kept.
#include <chrono>

#include "retrieval/library_rows.h"
#include "retrieval/sqlite_library.h"

namespace kvlink::retrieval {
namespace {

std::int64_t unix_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

[[noreturn]] void fail_no_conversation(ConversationId id) {
  fail(ErrorCode::kNotFound, "there is no conversation " + std::to_string(id));
}

/// "%words%", with what LIKE takes for wildcards escaped.
std::string contains_pattern(std::string_view words) {
  std::string pattern = "%";
  for (const char c : words) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

Conversation conversation_of(SQLite::Statement& row) {
  return {row.getColumn(0).getInt64(), text_of(row.getColumn(1)), row.getColumn(2).getInt64(), {}};
}

std::vector<ChunkId> sources_of(SQLite::Database& db, std::int64_t turn) {
  SQLite::Statement rows(db,
                         "SELECT chunk_id FROM turn_sources WHERE turn_id = ? ORDER BY ordinal");
  rows.bind(1, turn);
  std::vector<ChunkId> out;
  while (rows.executeStep()) out.push_back(rows.getColumn(0).getInt64());
  return out;
}

std::vector<Turn> turns_of(SQLite::Database& db, ConversationId id) {
  SQLite::Statement rows(db,
                         "SELECT id, question, answer, mode, timeline_json, created_unix "
                         "FROM turns WHERE conversation_id = ? ORDER BY id");
  rows.bind(1, id);
  std::vector<Turn> out;
  while (rows.executeStep()) {
    out.push_back({text_of(rows.getColumn(1)), text_of(rows.getColumn(2)),
                   text_of(rows.getColumn(3)), text_of(rows.getColumn(4)),
                   sources_of(db, rows.getColumn(0).getInt64()), rows.getColumn(5).getInt64()});
  }
  return out;
}

void write_turn(SQLite::Database& db, ConversationId id, const Turn& turn) {
  const std::int64_t created = turn.created_unix != 0 ? turn.created_unix : unix_now();
  SQLite::Statement touch(db, "UPDATE conversations SET updated_unix = ? WHERE id = ?");
  touch.bind(1, created);
  touch.bind(2, id);
  if (touch.exec() == 0) fail_no_conversation(id);
  SQLite::Statement insert(db,
                           "INSERT INTO turns (conversation_id, question, answer, mode, "
                           "timeline_json, created_unix) VALUES (?, ?, ?, ?, ?, ?)");
  insert.bind(1, id);
  insert.bind(2, turn.question);
  insert.bind(3, turn.answer);
  insert.bind(4, turn.mode);
  insert.bind(5, turn.timeline_json);
  insert.bind(6, created);
  insert.exec();
  const std::int64_t turn_id = db.getLastInsertRowid();
  SQLite::Statement source(db, "INSERT INTO turn_sources VALUES (?, ?, ?)");
  for (std::size_t i = 0; i < turn.sources.size(); ++i) {
    source.bind(1, turn_id);
    source.bind(2, static_cast<std::int64_t>(i));
    source.bind(3, turn.sources[i]);
    source.exec();
    source.reset();
  }
}

}  // namespace

Result<ConversationId> SqliteLibrary::new_conversation(const std::string& name) {
  return writing([&](SQLite::Database& db) -> ConversationId {
    SQLite::Statement insert(db, "INSERT INTO conversations (name, updated_unix) VALUES (?, ?)");
    insert.bind(1, name);
    insert.bind(2, unix_now());
    insert.exec();
    return db.getLastInsertRowid();
  });
}

Result<void> SqliteLibrary::append_turn(ConversationId id, const Turn& turn) {
  return writing([&](SQLite::Database& db) {
    WriteTransaction transaction(db);
    write_turn(db, id, turn);
    transaction.commit();
  });
}

Result<std::vector<Conversation>> SqliteLibrary::conversations() {
  return reading([](SQLite::Database& db) {
    SQLite::Statement rows(
        db, "SELECT id, name, updated_unix FROM conversations ORDER BY updated_unix DESC, id DESC");
    std::vector<Conversation> out;
    while (rows.executeStep()) out.push_back(conversation_of(rows));
    return out;
  });
}

Result<std::vector<Conversation>> SqliteLibrary::find_conversations(const std::string& words) {
  return reading([&](SQLite::Database& db) {
    SQLite::Statement rows(
        db,
        "SELECT id, name, updated_unix FROM conversations AS c WHERE name LIKE ?1 ESCAPE '\\' OR "
        "EXISTS (SELECT 1 FROM turns WHERE conversation_id = c.id AND "
        "(question LIKE ?1 ESCAPE '\\' OR answer LIKE ?1 ESCAPE '\\')) "
        "ORDER BY updated_unix DESC, id DESC");
    rows.bind(1, contains_pattern(words));
    std::vector<Conversation> out;
    while (rows.executeStep()) out.push_back(conversation_of(rows));
    return out;
  });
}

Result<Conversation> SqliteLibrary::conversation(ConversationId id) {
  return reading([&](SQLite::Database& db) {
    SQLite::Statement row(db, "SELECT id, name, updated_unix FROM conversations WHERE id = ?");
    row.bind(1, id);
    if (!row.executeStep()) fail_no_conversation(id);
    Conversation found = conversation_of(row);
    found.turns = turns_of(db, id);
    return found;
  });
}

Result<void> SqliteLibrary::rename_conversation(ConversationId id, const std::string& name) {
  return writing([&](SQLite::Database& db) {
    SQLite::Statement rename(db, "UPDATE conversations SET name = ? WHERE id = ?");
    rename.bind(1, name);
    rename.bind(2, id);
    if (rename.exec() == 0) fail_no_conversation(id);
  });
}

Result<void> SqliteLibrary::remove_conversation(ConversationId id) {
  return writing([&](SQLite::Database& db) {
    SQLite::Statement erase(db, "DELETE FROM conversations WHERE id = ?");
    erase.bind(1, id);
    if (erase.exec() == 0) fail_no_conversation(id);
    empty_log(db);
  });
}

}  // namespace kvlink::retrieval
