// SPDX-License-Identifier: Apache-2.0
#include "cache/catalogue.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "cache/schema.h"
#include "kernels/base/result.h"

namespace kvlink::cache {
namespace {

constexpr std::int64_t kNoDamage = -1;
constexpr std::int64_t kMaxFileBytes = std::int64_t{1} << 52;

[[noreturn]] void row_is_wrong(const char* column) {
  fail(ErrorCode::kCorrupt, std::string("kv.db is damaged: a row's ") + column + " is impossible");
}

Digest digest_in(SQLite::Statement& statement, int column, const char* name) {
  const SQLite::Column value = statement.getColumn(column);
  Digest digest;
  if (!value.isBlob() || value.getBytes() != static_cast<int>(digest.bytes.size()))
    row_is_wrong(name);
  std::memcpy(digest.bytes.data(), value.getBlob(), digest.bytes.size());
  return digest;
}

std::int64_t count_in(SQLite::Statement& statement, int column, const char* name) {
  const SQLite::Column value = statement.getColumn(column);
  if (!value.isInteger() || value.getInt64() < 0) row_is_wrong(name);
  return value.getInt64();
}

double number_in(SQLite::Statement& statement, int column, const char* name) {
  const SQLite::Column value = statement.getColumn(column);
  const double number = value.getDouble();
  if (!value.isFloat() || !std::isfinite(number)) row_is_wrong(name);
  return number;
}

void bind(SQLite::Statement& statement, int index, const Digest& digest) {
  statement.bind(index, digest.bytes.data(), static_cast<int>(digest.bytes.size()));
}

void bind(SQLite::Statement& statement, int index, const std::filesystem::path& path) {
  const std::string& bytes = path.native();
  statement.bind(index, bytes.data(), static_cast<int>(bytes.size()));
}

void run(SQLite::Statement& statement) {
  statement.exec();
  statement.reset();
}

BlockEntry entry_in(SQLite::Statement& s) {
  BlockEntry entry;
  BlockRow& row = entry.row;
  row.id = digest_in(s, 0, "id");
  row.model = digest_in(s, 1, "model");
  row.recipe = digest_in(s, 2, "recipe");
  entry.tokens = digest_in(s, 3, "tokens");
  row.content = digest_in(s, 4, "content");
  row.n_tokens = count_in(s, 5, "n_tokens");
  row.file_bytes = count_in(s, 6, "file_bytes");
  const std::int64_t dtype = count_in(s, 7, "dtype");
  row.created_unix = s.getColumn(8).getInt64();
  row.last_use = count_in(s, 9, "last_use");
  row.n_hits = count_in(s, 10, "n_hits");
  row.encode_ms = number_in(s, 11, "encode_ms");
  row.load_ms = number_in(s, 12, "load_ms");
  entry.gdsf_priority = number_in(s, 13, "gdsf_priority");
  row.pinned = s.getColumn(14).getInt64() != 0;
  row.damage = s.getColumn(15).getString();
  const std::int64_t reason = s.getColumn(16).getInt64();
  row.used_unix = s.getColumn(17).getInt64();
  if (row.file_bytes > kMaxFileBytes) row_is_wrong("file_bytes");
  if (dtype > static_cast<std::int64_t>(DType::kQ8Kv)) row_is_wrong("dtype");
  row.dtype = static_cast<DType>(dtype);
  if (reason < kNoDamage || reason > static_cast<std::int64_t>(MissReason::kIo))
    row_is_wrong("damage_reason");
  if (reason != kNoDamage) entry.damage_reason = static_cast<MissReason>(reason);
  const BlockKey key{.model = row.model, .recipe = row.recipe, .tokens = entry.tokens};
  if (key.id() != row.id) row_is_wrong("id");
  return entry;
}

std::vector<BlockEntry> read_blocks(SQLite::Database& database) {
  SQLite::Statement select(
      database,
      "SELECT id, model, recipe, tokens, content, n_tokens, file_bytes, dtype, created_unix, "
      "last_use, n_hits, encode_ms, load_ms, gdsf_priority, pinned, damage, damage_reason, "
      "used_unix "
      "FROM blocks ORDER BY id");
  std::vector<BlockEntry> entries;
  while (select.executeStep()) entries.push_back(entry_in(select));
  return entries;
}

std::vector<EvictedRow> read_evicted(SQLite::Database& database) {
  SQLite::Statement select(database, "SELECT id, content, sequence FROM evicted ORDER BY sequence");
  std::vector<EvictedRow> rows;
  while (select.executeStep()) {
    rows.push_back({.id = digest_in(select, 0, "evicted id"),
                    .content = digest_in(select, 1, "evicted content"),
                    .sequence = count_in(select, 2, "evicted sequence")});
  }
  return rows;
}

Counters read_counters(SQLite::Database& database) {
  SQLite::Statement select(
      database, "SELECT use_clock, n_hits, n_misses, gdsf_clock, evicted_sequence FROM counters");
  if (!select.executeStep()) row_is_wrong("counters");
  return {.use_clock = count_in(select, 0, "use_clock"),
          .n_hits = count_in(select, 1, "n_hits"),
          .n_misses = count_in(select, 2, "n_misses"),
          .gdsf_clock = number_in(select, 3, "gdsf_clock"),
          .evicted_sequence = count_in(select, 4, "evicted_sequence")};
}

void write_blocks(SQLite::Database& database, const std::vector<BlockEntry>& entries) {
  if (entries.empty()) return;
  SQLite::Statement insert(
      database, "INSERT OR REPLACE INTO blocks VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  for (const BlockEntry& entry : entries) {
    const BlockRow& row = entry.row;
    bind(insert, 1, row.id);
    bind(insert, 2, row.model);
    bind(insert, 3, row.recipe);
    bind(insert, 4, entry.tokens);
    bind(insert, 5, row.content);
    insert.bind(6, row.n_tokens);
    insert.bind(7, row.file_bytes);
    insert.bind(8, static_cast<int>(row.dtype));
    insert.bind(9, row.created_unix);
    insert.bind(10, row.last_use);
    insert.bind(11, row.n_hits);
    insert.bind(12, row.encode_ms);
    insert.bind(13, row.load_ms);
    insert.bind(14, entry.gdsf_priority);
    insert.bind(15, row.pinned ? 1 : 0);
    insert.bind(16, row.damage);
    insert.bind(17,
                entry.damage_reason ? static_cast<std::int64_t>(*entry.damage_reason) : kNoDamage);
    insert.bind(18, row.used_unix);
    run(insert);
  }
}

void write_uses(SQLite::Database& database, const std::vector<BlockEntry>& entries) {
  if (entries.empty()) return;
  SQLite::Statement update(database,
                           "UPDATE blocks SET last_use=?, n_hits=?, load_ms=?, gdsf_priority=?, "
                           "used_unix=? WHERE id=?");
  for (const BlockEntry& entry : entries) {
    update.bind(1, entry.row.last_use);
    update.bind(2, entry.row.n_hits);
    update.bind(3, entry.row.load_ms);
    update.bind(4, entry.gdsf_priority);
    update.bind(5, entry.row.used_unix);
    bind(update, 6, entry.row.id);
    run(update);
  }
}

void remove_ids(SQLite::Database& database, const char* sql, const std::vector<Digest>& ids) {
  if (ids.empty()) return;
  SQLite::Statement remove(database, sql);
  for (const Digest& id : ids) {
    bind(remove, 1, id);
    run(remove);
  }
}

void write_evicted(SQLite::Database& database, const std::vector<EvictedRow>& rows) {
  if (rows.empty()) return;
  SQLite::Statement insert(database, "INSERT OR REPLACE INTO evicted VALUES (?,?,?)");
  for (const EvictedRow& row : rows) {
    bind(insert, 1, row.id);
    bind(insert, 2, row.content);
    insert.bind(3, row.sequence);
    run(insert);
  }
  SQLite::Statement trim(database,
                         "DELETE FROM evicted WHERE sequence <= "
                         "(SELECT MAX(sequence) FROM evicted) - ?");
  trim.bind(1, static_cast<std::int64_t>(BlockIndex::kMaxEvictedRemembered));
  run(trim);
}

void write_counters(SQLite::Database& database, const Counters& counters) {
  SQLite::Statement update(database,
                           "UPDATE counters SET use_clock=?, n_hits=?, n_misses=?, gdsf_clock=?, "
                           "evicted_sequence=?, is_complete=1 WHERE only_row=1");
  update.bind(1, counters.use_clock);
  update.bind(2, counters.n_hits);
  update.bind(3, counters.n_misses);
  update.bind(4, counters.gdsf_clock);
  update.bind(5, counters.evicted_sequence);
  run(update);
}

}  // namespace

Catalogue::Catalogue(const std::filesystem::path& folder, FileSystem& files)
    : folder_(folder), files_(files) {
  OpenedDatabase opened = open_database(folder, files);
  database_ = std::move(opened.database);
  is_new_ = opened.is_new;
  why_set_aside_ = std::move(opened.why_set_aside);
}

Catalogue::~Catalogue() = default;

void Catalogue::replace(std::string why) {
  database_.reset();
  OpenedDatabase opened = replace_database(folder_, files_, std::move(why));
  database_ = std::move(opened.database);
  is_new_ = opened.is_new;
  why_set_aside_ = std::move(opened.why_set_aside);
}

CatalogueContents Catalogue::read() {
  return with_sql_errors("reading the catalogue", [&] {
    return CatalogueContents{.blocks = read_blocks(*database_),
                             .evicted = read_evicted(*database_),
                             .counters = read_counters(*database_)};
  });
}

void Catalogue::apply(const CatalogueChange& change) {
  with_sql_errors("writing the catalogue", [&] {
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    remove_ids(*database_, "DELETE FROM blocks WHERE id=?", change.removed);
    write_blocks(*database_, change.written);
    remove_ids(*database_, "DELETE FROM evicted WHERE id=?", change.forgotten);
    write_evicted(*database_, change.evicted);
    write_uses(*database_, change.used);
    if (change.counters) write_counters(*database_, *change.counters);
    transaction.commit();
  });
}

void Catalogue::empty_journal() {
  with_sql_errors("emptying the catalogue's journal",
                  [&] { database_->exec("PRAGMA wal_checkpoint(TRUNCATE)"); });
}

std::optional<Digest> Catalogue::fingerprint(const std::filesystem::path& model,
                                             const FileStat& stat) {
  return with_sql_errors("reading the catalogue", [&]() -> std::optional<Digest> {
    SQLite::Statement select(*database_,
                             "SELECT fingerprint FROM fingerprints "
                             "WHERE path=? AND size=? AND mtime_ns=? AND inode=?");
    bind(select, 1, model);
    select.bind(2, stat.size);
    select.bind(3, stat.mtime_ns);
    select.bind(4, static_cast<std::int64_t>(stat.inode));
    if (!select.executeStep()) return std::nullopt;
    return digest_in(select, 0, "fingerprint");
  });
}

void Catalogue::set_fingerprint(const std::filesystem::path& model, const FileStat& stat,
                                const Digest& fingerprint) {
  with_sql_errors("writing the catalogue", [&] {
    SQLite::Statement insert(*database_, "INSERT OR REPLACE INTO fingerprints VALUES (?,?,?,?,?)");
    bind(insert, 1, model);
    insert.bind(2, stat.size);
    insert.bind(3, stat.mtime_ns);
    insert.bind(4, static_cast<std::int64_t>(stat.inode));
    bind(insert, 5, fingerprint);
    run(insert);
  });
}

}  // namespace kvlink::cache
