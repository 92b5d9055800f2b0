// SPDX-License-Identifier: Apache-2.0
#include "cache/kv_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <thread>

#include "tests/support/kv_blocks.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/unwritable_files.h"

namespace kvlink::cache {
namespace {

using namespace std::chrono_literals;
using tests::block_file;
using tests::bytes_of_block_files;
using tests::KvSample;
using tests::make_kv_sample;
using tests::same_block;

class KvStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<KvStore> open(Options options = {.min_free_bytes = 0}) {
    return value_or_throw(KvStore::open(folder(), options));
  }
  std::filesystem::path folder() const { return temporary_.path() / "cache"; }

  static void put(KvStore& store, const KvSample& sample, std::chrono::nanoseconds cost = 10ms) {
    value_or_throw(store.put(sample.key, sample.block, sample.content, cost));
  }
  static Lookup load(KvStore& store, const KvSample& sample) {
    return store.load(sample.key, sample.tokens());
  }
  static MissReason reason_of(const Lookup& lookup) {
    EXPECT_TRUE(std::holds_alternative<Miss>(lookup)) << "it was a hit";
    if (!std::holds_alternative<Miss>(lookup)) throw std::runtime_error("hit");
    EXPECT_FALSE(std::get<Miss>(lookup).detail.empty());
    return std::get<Miss>(lookup).reason;
  }
  void expect_totals_equal_files(KvStore& store) {
    EXPECT_EQ(store.totals().disk_bytes, bytes_of_block_files(folder()));
    Totals sums;
    for (const BlockRow& row : value_or_throw(store.list())) {
      sums.disk_bytes += row.file_bytes;
      if (!row.damage.empty()) continue;
      ++sums.n_blocks;
      sums.n_tokens += row.n_tokens;
    }
    EXPECT_EQ(store.totals().disk_bytes, sums.disk_bytes);
    EXPECT_EQ(store.totals().n_blocks, sums.n_blocks);
    EXPECT_EQ(store.totals().n_tokens, sums.n_tokens);
  }
  std::uintmax_t journal_bytes() const {
    return std::filesystem::file_size(folder() / "kv.db-wal");
  }

  tests::TemporaryFolder temporary_;
};

TEST_F(KvStoreTest, RoundTripsEveryDtypeFromDiskAndMemoryAfterReopening) {
  std::vector<KvSample> samples;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8Kv}) {
    for (const std::int64_t n_tokens : {1, 7, 130}) {
      samples.push_back(make_kv_sample(
          samples.size(),
          {.n_layers = 3, .n_kv_heads = 2, .head_dim = 24, .dtype = dtype, .n_tokens = n_tokens}));
    }
  }
  {
    const auto store = open();
    for (const KvSample& sample : samples) put(*store, sample);
  }
  const auto store = open();
  for (const Tier tier : {Tier::kDisk, Tier::kMemory}) {
    for (const KvSample& sample : samples) {
      const Lookup lookup = load(*store, sample);
      ASSERT_TRUE(std::holds_alternative<Hit>(lookup)) << std::get<Miss>(lookup).detail;
      const Hit& hit = std::get<Hit>(lookup);
      EXPECT_TRUE(same_block(*hit.block, sample.block));
      EXPECT_EQ(hit.tier, tier);
      EXPECT_EQ(hit.bytes_read > 0, tier == Tier::kDisk);
    }
  }
  EXPECT_EQ(store->totals().n_hits, 2 * std::int64_t(samples.size()));
  EXPECT_EQ(store->totals().n_blocks, std::int64_t(samples.size()));
  expect_totals_equal_files(*store);
}

TEST_F(KvStoreTest, SaysWhyABlockDoesNotServe) {
  const auto store = open();
  const KvSample sample = make_kv_sample(1);
  EXPECT_EQ(reason_of(load(*store, sample)), MissReason::kNeverEncoded);
  put(*store, sample);

  BlockKey other = sample.key;
  other.recipe = sha256("another recipe");
  EXPECT_EQ(reason_of(store->load(other, sample.tokens())), MissReason::kOtherRecipe);
  other.model = sha256("another model");
  EXPECT_EQ(reason_of(store->load(other, sample.tokens())), MissReason::kOtherModel);

  std::vector<std::int32_t> tokens(sample.tokens().begin(), sample.tokens().end());
  ++tokens[0];
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(reason_of(store->load(sample.key, tokens)), MissReason::kTokensDiffer);
    EXPECT_TRUE(std::holds_alternative<Hit>(load(*store, sample)));  // from disk, then memory
  }

  EXPECT_EQ(*store->evict({}, KvStore::Pinned::kKeep), 1);
  EXPECT_EQ(reason_of(load(*store, sample)), MissReason::kEvicted);
  EXPECT_EQ(store->totals().n_misses, 6);
}

TEST_F(KvStoreTest, RemembersEvictionsAcrossRestarts) {
  const KvSample sample = make_kv_sample(1);
  {
    const auto store = open();
    put(*store, sample);
    ASSERT_TRUE(store->evict({}, KvStore::Pinned::kKeep));
  }
  const auto store = open();
  EXPECT_EQ(reason_of(load(*store, sample)), MissReason::kEvicted);
  put(*store, sample);
  EXPECT_TRUE(std::holds_alternative<Hit>(load(*store, sample)));
}

TEST_F(KvStoreTest, EraseContentLeavesNoMemoryOfIt) {
  const KvSample kept = make_kv_sample(1);
  const KvSample erased = make_kv_sample(2);
  KvSample earlier = make_kv_sample(3);
  earlier.content = erased.content;
  {
    const auto store = open();
    put(*store, kept);
    put(*store, erased);
    put(*store, earlier);
    BlockFilter filter;
    filter.id_prefix = earlier.key.id().hex().substr(0, 10);
    EXPECT_EQ(*store->evict(filter, KvStore::Pinned::kKeep), 1);
    filter.id_prefix = erased.key.id().hex();
    EXPECT_EQ(*store->set_pinned(filter, true), 1);
    EXPECT_EQ(*store->erase_content(erased.content), 1);
    EXPECT_EQ(reason_of(load(*store, erased)), MissReason::kNeverEncoded);
    EXPECT_EQ(reason_of(load(*store, earlier)), MissReason::kNeverEncoded);
    EXPECT_TRUE(std::holds_alternative<Hit>(load(*store, kept)));
    expect_totals_equal_files(*store);
    // The digest is gone from every byte of the folder, the journal included.
    const auto needle = std::as_bytes(std::span(erased.content.bytes));
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder())) {
      if (!entry.is_regular_file()) continue;
      const auto bytes = tests::read_bytes(entry.path());
      EXPECT_EQ(std::search(bytes.begin(), bytes.end(), needle.begin(), needle.end()), bytes.end())
          << entry.path();
    }
  }
  EXPECT_EQ(reason_of(load(*open(), earlier)), MissReason::kNeverEncoded);
}

TEST_F(KvStoreTest, ErasesManyContentsAtOnceAndDoesNothingForUnknownOnes) {
  const auto store = open();
  std::vector<Digest> contents;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const KvSample sample = make_kv_sample(seed, {.n_tokens = std::int64_t(seed)});
    put(*store, sample);
    contents.push_back(sample.content);
  }
  BlockFilter filter;
  filter.content = contents[0];
  EXPECT_EQ(*store->evict(filter, KvStore::Pinned::kKeep), 1);
  const KvSample damaged = make_kv_sample(2, {.n_tokens = 2});
  tests::write_bytes(block_file(folder(), damaged.key), {});
  EXPECT_EQ(reason_of(load(*store, damaged)), MissReason::kChecksum);
  expect_totals_equal_files(*store);

  const auto journal = journal_bytes();
  EXPECT_EQ(*store->erase_content(sha256("unknown")), 0);
  EXPECT_EQ(journal_bytes(), journal) << "there was nothing to empty it for";
  contents.resize(4);
  contents.push_back(sha256("unknown"));
  EXPECT_EQ(*store->erase_contents(contents), 3) << "one had been evicted";
  EXPECT_EQ(journal_bytes(), 0U);
  EXPECT_EQ(store->list()->size(), 2U);
  EXPECT_EQ(reason_of(load(*store, make_kv_sample(1, {.n_tokens = 1}))), MissReason::kNeverEncoded);
  expect_totals_equal_files(*store);
}

TEST_F(KvStoreTest, WhatAnErrorLeftIsErasedByTheNextCallUnlessItIsThereAgain) {
  const auto store = open();
  std::vector<Digest> contents;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    put(*store, make_kv_sample(seed));
    contents.push_back(make_kv_sample(seed).content);
  }
  {
    const tests::UnwritableFiles disk;
    EXPECT_FALSE(store->erase_contents(contents));
    EXPECT_FALSE(store->erase_contents({}));
  }
  EXPECT_EQ(store->list()->size(), 3U);
  put(*store, make_kv_sample(2));
  EXPECT_EQ(*store->erase_contents({}), 2);
  EXPECT_TRUE(store->contains(make_kv_sample(2).key));
  EXPECT_EQ(*store->erase_contents({}), 0);
  expect_totals_equal_files(*store);
}

TEST_F(KvStoreTest, PutOfAnExistingKeyOnlyRefreshes) {
  const auto store = open();
  const KvSample first = make_kv_sample(1);
  const KvSample second = make_kv_sample(2);
  put(*store, first);
  put(*store, second);
  const auto written = std::filesystem::last_write_time(block_file(folder(), first.key));
  put(*store, first);
  EXPECT_EQ(std::filesystem::last_write_time(block_file(folder(), first.key)), written);
  std::int64_t first_use = 0;
  std::int64_t second_use = 0;
  for (const BlockRow& row : value_or_throw(store->list()))
    (row.id == first.key.id() ? first_use : second_use) = row.last_use;
  EXPECT_GT(first_use, second_use);
  EXPECT_EQ(store->totals().n_blocks, 2);
}

TEST_F(KvStoreTest, RefusesBlocksThatMayNotBeStored) {
  const auto store = open();
  const KvSample sample = make_kv_sample(1);
  BlockKey wrong = sample.key;
  wrong.tokens = sha256("other tokens");
  auto result = store->put(wrong, sample.block, sample.content, 1ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidInput);

  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8Kv}) {
    KvSample infinite = make_kv_sample(2, {.dtype = dtype});
    const auto plane = infinite.block.plane(1, Plane::kValues);
    plane[2] = std::byte{0x80};
    plane[3] = std::byte{0x7f};
    if (dtype == DType::kF16) plane[3] = std::byte{0x7c};
    result = store->put(infinite.key, infinite.block, infinite.content, 1ms);
    ASSERT_FALSE(result) << dtype_name(dtype);
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidInput);
    EXPECT_NE(result.error().message.find("values of layer 1"), std::string::npos);
  }

  const KvBlock empty({.n_layers = 1, .n_kv_heads = 1, .head_dim = 8}, {});
  const BlockKey key = BlockKey::of(sample.key.model, sample.key.recipe, {});
  result = store->put(key, empty, sample.content, 1ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(bytes_of_block_files(folder()), 0);
}

TEST_F(KvStoreTest, FiltersRowsByContentModelAndIdPrefix) {
  const auto store = open();
  const KvSample a = make_kv_sample(1);
  KvSample b = make_kv_sample(2);
  b.key.model = sha256("another model");
  put(*store, a);
  put(*store, b);
  BlockFilter filter;
  filter.content = a.content;
  EXPECT_EQ(store->list(filter)->at(0).id, a.key.id());
  filter = {};
  filter.model = b.key.model;
  EXPECT_EQ(store->list(filter)->size(), 1U);
  filter = {};
  filter.not_model = b.key.model;
  EXPECT_EQ(store->list(filter)->at(0).id, a.key.id());
  filter = {};
  filter.id_prefix = "zz";
  EXPECT_TRUE(store->list(filter)->empty());
  const BlockRow row = store->list()->at(0);
  EXPECT_EQ(row.n_tokens, 5);
  EXPECT_DOUBLE_EQ(row.encode_ms, 10.0);
  EXPECT_EQ(row.dtype, DType::kF16);
}

TEST_F(KvStoreTest, PinsSurviveEvictionAndRestart) {
  const KvSample pinned = make_kv_sample(1);
  const KvSample other = make_kv_sample(2);
  {
    const auto store = open();
    put(*store, pinned);
    put(*store, other);
    BlockFilter filter;
    filter.content = pinned.content;
    EXPECT_EQ(*store->set_pinned(filter, true), 1);
  }
  const auto store = open();
  EXPECT_EQ(*store->evict({}, KvStore::Pinned::kKeep), 1);
  EXPECT_TRUE(store->contains(pinned.key));
  EXPECT_FALSE(store->contains(other.key));
  EXPECT_EQ(*store->evict({}, KvStore::Pinned::kInclude), 1);
  EXPECT_EQ(store->totals().disk_bytes, 0);
  expect_totals_equal_files(*store);
}

TEST_F(KvStoreTest, UseCountsSurviveAnOrderlyEnd) {
  const KvSample sample = make_kv_sample(1);
  {
    const auto store = open();
    put(*store, sample);
    for (int i = 0; i < 3; ++i) load(*store, sample);
    load(*store, make_kv_sample(2));
  }
  const auto store = open();
  EXPECT_EQ(store->list()->at(0).n_hits, 3);
  EXPECT_EQ(store->totals().n_hits, 3);
  EXPECT_EQ(store->totals().n_misses, 1);
}

TEST_F(KvStoreTest, RemembersAFingerprintUntilTheFileChanges) {
  std::filesystem::create_directories(folder());
  const auto model = folder() / "model.gguf";
  tests::write_bytes(model, std::as_bytes(std::span("weights")));
  {
    const auto store = open();
    EXPECT_FALSE(store->remembered_fingerprint(model));
    ASSERT_TRUE(store->remember_fingerprint(model, sha256("weights")));
    EXPECT_FALSE(store->remembered_file_hash(model)) << "another thing to remember";
    ASSERT_TRUE(store->remember_file_hash(model, sha256("bytes")));
  }
  const auto store = open();
  EXPECT_EQ(store->remembered_fingerprint(model), sha256("weights"));
  EXPECT_EQ(store->remembered_file_hash(model), sha256("bytes"));
  tests::write_bytes(model, std::as_bytes(std::span("heavier weights")));
  EXPECT_FALSE(store->remembered_fingerprint(model));
  EXPECT_FALSE(store->remembered_file_hash(model));
  const auto missing = store->remember_fingerprint(folder() / "no such file", sha256("x"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

TEST_F(KvStoreTest, EverythingIsPrivateWhateverTheUmask) {
  const mode_t before = ::umask(0);
  const auto store = open();
  put(*store, make_kv_sample(1));
  ::umask(before);
  std::set<std::string> seen;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder())) {
    struct ::stat status {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, entry.is_directory() ? 0700U : 0600U) << entry.path();
    seen.insert(entry.path().filename().string());
  }
  EXPECT_TRUE(seen.contains("kv.db"));
  EXPECT_TRUE(seen.contains("kv.db-wal"));
  EXPECT_TRUE(seen.contains("CACHEDIR.TAG"));
}

TEST_F(KvStoreTest, ASecondUserOfTheFolderIsRefused) {
  const auto store = open();
  const auto second = KvStore::open(folder(), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kBusy);
  put(*store, make_kv_sample(1));
}

TEST_F(KvStoreTest, AFolderThatCannotBeMadeIsAClearError) {
  tests::write_bytes(temporary_.path() / "file", {});
  const auto store = KvStore::open(temporary_.path() / "file" / "cache", {});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kIo);
  EXPECT_NE(store.error().message.find("file"), std::string::npos);
}

TEST_F(KvStoreTest, ManyThreadsUseOneStore) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 60;
  const std::int64_t one = 3 * 4096 + 4096 * 2;
  const auto store =
      open({.disk_budget_bytes = 40 * one, .memory_budget_bytes = 20 * one, .min_free_bytes = 0});
  std::atomic<int> n_wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        const KvSample sample = make_kv_sample(static_cast<std::uint64_t>((i * 7 + t * 3) % 50));
        if (!store->put(sample.key, sample.block, sample.content, 1ms)) ++n_wrong;
        const Lookup lookup = load(*store, sample);
        if (const Hit* hit = std::get_if<Hit>(&lookup)) {
          if (!same_block(*hit->block, sample.block)) ++n_wrong;
        } else if (std::get<Miss>(lookup).reason != MissReason::kEvicted) {
          ++n_wrong;  // another thread's put may have evicted it; nothing else may happen
        }
        if (i % 20 == t) {
          BlockFilter filter;
          filter.content = sample.content;
          if (!store->evict(filter, KvStore::Pinned::kKeep)) ++n_wrong;
        }
        if (i % 15 == t && !store->set_budgets((20 + i % 3 * 10) * one, (10 + t) * one)) ++n_wrong;
        if (i % 30 == t && !store->verify({}, nullptr, {})) ++n_wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(n_wrong, 0);
  EXPECT_EQ(store->verify({}, nullptr, {})->n_damaged, 0);
  EXPECT_LE(store->totals().disk_bytes, store->options().disk_budget_bytes);
  EXPECT_LE(store->totals().memory_bytes, store->options().memory_budget_bytes);
  expect_totals_equal_files(*store);
}

}  // namespace
}  // namespace kvlink::cache
