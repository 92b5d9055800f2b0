// SPDX-License-Identifier: Apache-2.0
// kv.db: old and new schemas, damage, and a hostile database.
#include "cache/catalogue.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

#include <ctime>
#include <random>

#include "cache/kv_store.h"
#include "cache/schema.h"
#include "kernels/base/log.h"
#include "tests/support/kv_blocks.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::cache {
namespace {

using namespace std::chrono_literals;
using tests::KvSample;
using tests::make_kv_sample;

class CatalogueTest : public ::testing::Test {
 protected:
  CatalogueTest() {
    set_log_sink([](LogLevel, std::string_view, std::string_view) {});
    for (std::uint64_t i = 0; i < 5; ++i) samples_.push_back(make_kv_sample(i));
  }
  Result<std::unique_ptr<KvStore>> open() {
    return KvStore::open(folder_.path(), {.min_free_bytes = 0});
  }
  void fill() {
    const auto store = value_or_throw(open());
    for (const KvSample& s : samples_) value_or_throw(store->put(s.key, s.block, s.content, 1ms));
  }
  std::filesystem::path database() const { return folder_.path() / "kv.db"; }
  void run_sql(const std::string& sql) {
    SQLite::Database database_file(database().string(), SQLite::OPEN_READWRITE);
    database_file.exec(sql);
  }
  /// All blocks are served, and nothing but them is there.
  void expect_whole(KvStore& store) {
    for (const KvSample& sample : samples_) {
      const Lookup lookup = store.load(sample.key, sample.tokens());
      ASSERT_TRUE(std::holds_alternative<Hit>(lookup)) << std::get<Miss>(lookup).detail;
      EXPECT_TRUE(tests::same_block(*std::get<Hit>(lookup).block, sample.block));
    }
    EXPECT_EQ(store.totals().disk_bytes, tests::bytes_of_block_files(folder_.path()));
  }
  /// The database was set aside, and nothing was lost.
  void expect_rebuilt() {
    const auto store = value_or_throw(open());
    EXPECT_EQ(store->sweep().n_rows_rebuilt, 5);
    EXPECT_NE(store->sweep().damage, "");
    EXPECT_TRUE(std::filesystem::exists(database().string() + ".damaged-1"));
    expect_whole(*store);
  }

  tests::TemporaryFolder folder_;
  std::vector<KvSample> samples_;
};

TEST_F(CatalogueTest, MigratesAnOlderSchemaAfterABackup) {
  fill();
  // Back to version 1, as that version would have left it.
  run_sql(
      "DROP TABLE evicted; ALTER TABLE counters DROP COLUMN is_complete;"
      "ALTER TABLE blocks DROP COLUMN used_unix; PRAGMA user_version=1");
  {
    const auto store = value_or_throw(open());
    EXPECT_EQ(store->sweep().damage, "");
    expect_whole(*store);
    ASSERT_TRUE(store->evict({}, KvStore::Pinned::kKeep));
  }
  const std::string backup = database().string() + ".backup-1";
  SQLite::Database old(backup, SQLite::OPEN_READONLY);
  EXPECT_EQ(old.execAndGet("PRAGMA user_version").getInt(), 1);
  EXPECT_EQ(old.execAndGet("SELECT count(*) FROM blocks").getInt(), 5);
  EXPECT_FALSE(old.tableExists("evicted"));
  SQLite::Database now(database().string(), SQLite::OPEN_READONLY);
  EXPECT_EQ(now.execAndGet("PRAGMA user_version").getInt64(), std::int64_t(schema_steps().size()));
  EXPECT_EQ(now.execAndGet("SELECT count(*) FROM evicted").getInt(), 5);
}

TEST_F(CatalogueTest, WhenABlockWasUsedIsUnknownUntilItIsUsedAndThenKept) {
  fill();
  // Back to version 2, as that version would have left it.
  run_sql("ALTER TABLE blocks DROP COLUMN used_unix; PRAGMA user_version=2");
  const auto before = static_cast<std::int64_t>(std::time(nullptr));
  {
    const auto store = value_or_throw(open());
    EXPECT_EQ(store->sweep().damage, "");
    for (const BlockRow& row : value_or_throw(store->list())) {
      EXPECT_EQ(row.used_unix, 0);
      EXPECT_GT(row.last_use, 0);
    }
    ASSERT_TRUE(std::holds_alternative<Hit>(store->load(samples_[2].key, samples_[2].tokens())));
  }
  EXPECT_TRUE(std::filesystem::exists(database().string() + ".backup-2"));
  const auto store = value_or_throw(open());
  for (const BlockRow& row : value_or_throw(store->list())) {
    if (row.id == samples_[2].key.id()) {
      EXPECT_GE(row.used_unix, before);
      EXPECT_LE(row.used_unix, static_cast<std::int64_t>(std::time(nullptr)));
    } else {
      EXPECT_EQ(row.used_unix, 0);
    }
  }
}

TEST_F(CatalogueTest, AClockThatJumpsBackChangesNoOrderOfUses) {
  BlockIndex index;
  std::vector<Digest> ids;
  for (const KvSample& sample : samples_) {
    BlockEntry entry;
    entry.row.id = sample.key.id();
    entry.row.file_bytes = 10;
    entry.tokens = sample.key.tokens;
    index.put(entry);
    ids.push_back(entry.row.id);
  }
  std::int64_t now = 2'000'000'000;
  for (const Digest& id : ids) index.count_hit(*index.find(id), now -= 500'000'000);
  EXPECT_EQ(index.find(ids[0])->row.used_unix, 1'500'000'000);
  EXPECT_EQ(index.find(ids[4])->row.used_unix, -500'000'000);
  const auto victims = choose_victims(Eviction::kLru, index.evictable(), 20);
  ASSERT_TRUE(victims.has_value());
  ASSERT_EQ(victims->size(), 2U);
  EXPECT_EQ((*victims)[0].id, ids[0]);
  EXPECT_EQ((*victims)[1].id, ids[1]);
}

TEST_F(CatalogueTest, EveryReleasedSchemaStepLeadsToTheNewest) {
  for (std::size_t version = 1; version < schema_steps().size(); ++version) {
    const tests::TemporaryFolder folder;
    {
      SQLite::Database old((folder.path() / "kv.db").string(),
                           SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
      for (const char* step : schema_steps().first(version)) old.exec(step);
      old.exec("PRAGMA user_version=" + std::to_string(version));
    }
    const auto store = value_or_throw(KvStore::open(folder.path(), {.min_free_bytes = 0}));
    EXPECT_EQ(store->sweep().damage, "");
    value_or_throw(store->put(samples_[0].key, samples_[0].block, samples_[0].content, 1ms));
    EXPECT_TRUE(store->contains(samples_[0].key));
  }
}

TEST_F(CatalogueTest, RefusesANewerSchemaAndLeavesItAlone) {
  fill();
  run_sql("PRAGMA user_version=99");
  const auto before = tests::read_bytes(database());
  const auto store = open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(store.error().message.find("newer version"), std::string::npos);
  EXPECT_EQ(tests::bytes_of_block_files(folder_.path()), 5 * 5 * 4096);
  run_sql("PRAGMA user_version=" + std::to_string(schema_steps().size()));
  expect_whole(*value_or_throw(open()));
}

TEST_F(CatalogueTest, RebuildsFromTheFilesWhenItIsNoDatabase) {
  fill();
  tests::write_bytes(database(), std::vector<std::byte>(5000, std::byte{'x'}));
  expect_rebuilt();
}

TEST_F(CatalogueTest, RebuildsFromTheFilesWhenItIsGoneOrEmpty) {
  fill();
  std::filesystem::remove(database());
  {
    const auto store = value_or_throw(open());
    EXPECT_EQ(store->sweep().n_rows_rebuilt, 5);
    expect_whole(*store);
  }
  tests::write_bytes(database(), {});
  const auto store = value_or_throw(open());
  EXPECT_EQ(store->sweep().n_rows_rebuilt, 5);
  expect_whole(*store);
}

TEST_F(CatalogueTest, RebuildsFromTheFilesWhenAnEarlierRebuildWasInterrupted) {
  fill();
  std::filesystem::remove(database());
  // The new database exists, and the process dies before its rows are made.
  EXPECT_TRUE(Catalogue(folder_.path(), FileSystem::posix()).is_new());
  const auto store = value_or_throw(open());
  EXPECT_EQ(store->sweep().n_rows_rebuilt, 5);
  expect_whole(*store);
}

TEST_F(CatalogueTest, RebuildsFromTheFilesWhenARowIsImpossible) {
  for (const char* change :
       {"UPDATE blocks SET file_bytes=-1", "UPDATE blocks SET content=x'0011'",
        "UPDATE blocks SET tokens=zeroblob(32)", "UPDATE blocks SET dtype=77",
        "UPDATE blocks SET n_tokens='many'", "UPDATE blocks SET encode_ms=9e999",
        "UPDATE blocks SET damage_reason=1000", "DELETE FROM counters", "DROP TABLE blocks",
        "ALTER TABLE blocks DROP COLUMN pinned",
        "DROP TABLE blocks; CREATE VIEW blocks AS SELECT 1"}) {
    SCOPED_TRACE(change);
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      std::filesystem::remove_all(entry.path());
    fill();
    run_sql(change);
    expect_rebuilt();
  }
}

TEST_F(CatalogueTest, DamageAnywhereInTheDatabaseNeverGivesAWrongBlock) {
  fill();
  const auto good = tests::read_bytes(database());
  std::mt19937_64 random(5);
  for (int i = 0; i < 60; ++i) {
    auto bytes = good;
    for (int k = 0; k < 4; ++k) bytes[random() % bytes.size()] ^= std::byte{0x40};
    tests::write_bytes(database(), bytes);
    const auto store = open();
    if (!store) {
      EXPECT_EQ(store.error().code, ErrorCode::kUnsupported) << store.error().message;
      continue;  // the flip made it look like a newer schema
    }
    for (const KvSample& sample : samples_) {
      const Lookup lookup = (*store)->load(sample.key, sample.tokens());
      if (const Hit* hit = std::get_if<Hit>(&lookup)) {
        EXPECT_TRUE(tests::same_block(*hit->block, sample.block));
      } else {
        value_or_throw((*store)->put(sample.key, sample.block, sample.content, 1ms));
      }
    }
    EXPECT_EQ((*store)->totals().disk_bytes, tests::bytes_of_block_files(folder_.path()));
  }
}

TEST_F(CatalogueTest, AJournalOfAnotherDatabaseDoesNoHarm) {
  fill();
  tests::write_bytes(database().string() + "-wal", std::vector<std::byte>(8192, std::byte{7}));
  expect_whole(*value_or_throw(open()));
}

TEST_F(CatalogueTest, ATriggerInTheDatabaseDoesNotRun) {
  fill();
  run_sql("CREATE TRIGGER t AFTER INSERT ON blocks BEGIN DELETE FROM blocks; END");
  {
    const auto store = value_or_throw(open());
    ASSERT_TRUE(store->set_pinned({}, true));
  }
  const auto store = value_or_throw(open());
  EXPECT_EQ(store->totals().n_blocks, 5);
}

TEST_F(CatalogueTest, ARowThatContradictsItsFileDoesNotServe) {
  fill();
  run_sql("UPDATE blocks SET content=zeroblob(32)");
  const auto store = value_or_throw(open());
  const Lookup lookup = store->load(samples_[0].key, samples_[0].tokens());
  ASSERT_TRUE(std::holds_alternative<Miss>(lookup));
  EXPECT_EQ(std::get<Miss>(lookup).reason, MissReason::kChecksum);
}

TEST_F(CatalogueTest, EvictionMemoryIsBounded) {
  Catalogue catalogue(folder_.path(), FileSystem::posix());
  CatalogueChange change;
  constexpr std::int64_t kMax = BlockIndex::kMaxEvictedRemembered;
  for (std::int64_t i = 1; i <= kMax + 5; ++i) {
    change.evicted.push_back(
        {.id = sha256("id " + std::to_string(i)), .content = sha256("content"), .sequence = i});
  }
  catalogue.apply(change);
  const auto rows = catalogue.read().evicted;
  ASSERT_EQ(std::int64_t(rows.size()), kMax);
  EXPECT_EQ(rows.front().sequence, 6);

  BlockIndex index;
  for (const EvictedRow& row : change.evicted) index.remember_evicted(row);
  EXPECT_EQ(std::int64_t(index.of_contents({sha256("content")}).evicted.size()), kMax);
}

}  // namespace
}  // namespace kvlink::cache
