// SPDX-License-Identifier: Apache-2.0
// Which blocks leave, by hand-computed orders, and budgets to the byte.
#include "cache/eviction.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/kv_blocks.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::cache {
namespace {

using namespace std::chrono_literals;
using tests::bytes_of_block_files;
using tests::KvSample;
using tests::make_kv_sample;

Candidate candidate(const char* name, BlockUse use) { return {sha256(name), use}; }

std::vector<Digest> ids_of(const std::vector<Candidate>& candidates) {
  std::vector<Digest> ids;
  for (const Candidate& c : candidates) ids.push_back(c.id);
  return ids;
}

TEST(ChooseVictims, OrdersByPolicy) {
  // name: bytes, uses, last use, GDSF priority
  const std::vector<Candidate> all = {
      candidate("a", {.bytes = 10, .n_uses = 9, .last_use = 1, .gdsf_priority = 2.0}),
      candidate("b", {.bytes = 10, .n_uses = 1, .last_use = 3, .gdsf_priority = 3.0}),
      candidate("c", {.bytes = 10, .n_uses = 5, .last_use = 2, .gdsf_priority = 1.0})};
  const auto order = [&](Eviction policy) { return ids_of(*choose_victims(policy, all, 25)); };
  const Digest a = sha256("a");
  const Digest b = sha256("b");
  const Digest c = sha256("c");
  EXPECT_EQ(order(Eviction::kLru), (std::vector{a, c, b}));
  EXPECT_EQ(order(Eviction::kLfu), (std::vector{b, c, a}));
  EXPECT_EQ(order(Eviction::kGdsf), (std::vector{c, a, b}));
}

TEST(ChooseVictims, TakesNoMoreThanNeeded) {
  const std::vector<Candidate> all = {candidate("small", {.bytes = 1, .last_use = 1}),
                                      candidate("middle", {.bytes = 4, .last_use = 2}),
                                      candidate("large", {.bytes = 10, .last_use = 3})};
  const auto victims = [&](std::int64_t needed) {
    return ids_of(*choose_victims(Eviction::kLru, all, needed));
  };
  EXPECT_TRUE(victims(0).empty());
  EXPECT_EQ(victims(1), std::vector{sha256("small")});
  EXPECT_EQ(victims(5), (std::vector{sha256("small"), sha256("middle")}));
  EXPECT_EQ(victims(10), std::vector{sha256("large")});  // the two before it were not needed
  EXPECT_EQ(victims(11), (std::vector{sha256("small"), sha256("large")}));
  EXPECT_FALSE(choose_victims(Eviction::kLru, all, 16));
}

TEST(ChooseVictims, TiesFallToTheOneUnusedForLongest) {
  const std::vector<Candidate> all = {candidate("later", {.bytes = 1, .last_use = 2}),
                                      candidate("earlier", {.bytes = 1, .last_use = 1})};
  for (const Eviction policy : {Eviction::kGdsf, Eviction::kLfu, Eviction::kLru})
    EXPECT_EQ(ids_of(*choose_victims(policy, all, 1)), std::vector{sha256("earlier")});
}

TEST(GdsfPriority, GrowsWithCostAndUseAndFallsWithSize) {
  EXPECT_DOUBLE_EQ(gdsf_priority({.cost_ms = 30, .bytes = 10, .n_uses = 2}, 5), 11.0);
  EXPECT_DOUBLE_EQ(gdsf_priority({.cost_ms = 30, .bytes = 0, .n_uses = 2}, 5), 65.0);
}

/// Blocks of five tokens: one page of header and four of planes.
constexpr std::int64_t kOne = 5 * 4096;

class StoreEvictionTest : public ::testing::Test {
 protected:
  void open(Options options) {
    store_.reset();
    store_ = value_or_throw(KvStore::open(folder_.path(), options));
  }
  Result<void> try_put(std::uint64_t seed, std::chrono::nanoseconds cost = 10ms) {
    const KvSample sample = make_kv_sample(seed);
    return store_->put(sample.key, sample.block, sample.content, cost);
  }
  void put(std::uint64_t seed, std::chrono::nanoseconds cost = 10ms) {
    value_or_throw(try_put(seed, cost));
  }
  bool load(std::uint64_t seed) {
    const KvSample sample = make_kv_sample(seed);
    return std::holds_alternative<Hit>(store_->load(sample.key, sample.tokens()));
  }
  /// Seeds below 20 that are still there.
  std::set<std::uint64_t> present() {
    std::set<std::uint64_t> seeds;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      if (store_->contains(make_kv_sample(seed).key)) seeds.insert(seed);
    }
    EXPECT_EQ(store_->totals().disk_bytes, bytes_of_block_files(folder_.path()));
    EXPECT_LE(store_->totals().disk_bytes, store_->options().disk_budget_bytes);
    return seeds;
  }
  void pin(std::uint64_t seed) {
    BlockFilter filter;
    filter.content = make_kv_sample(seed).content;
    EXPECT_EQ(*store_->set_pinned(filter, true), 1);
  }

  using Seeds = std::set<std::uint64_t>;
  tests::TemporaryFolder folder_;
  std::unique_ptr<KvStore> store_;
};

TEST_F(StoreEvictionTest, LruDropsWhatWasNotUsedForLongest) {
  open({.disk_budget_bytes = 3 * kOne, .eviction = Eviction::kLru, .min_free_bytes = 0});
  for (const std::uint64_t seed : {1, 2, 3}) put(seed);
  load(1);
  put(4);
  EXPECT_EQ(present(), (Seeds{1, 3, 4}));
  put(3);  // refreshes
  put(5);
  EXPECT_EQ(present(), (Seeds{3, 4, 5}));
}

TEST_F(StoreEvictionTest, LfuDropsWhatWasUsedLeast) {
  open({.disk_budget_bytes = 3 * kOne, .eviction = Eviction::kLfu, .min_free_bytes = 0});
  for (const std::uint64_t seed : {1, 2, 3}) put(seed);
  for (const std::uint64_t seed : {1, 1, 2, 3, 3}) load(seed);
  put(4);
  EXPECT_EQ(present(), (Seeds{1, 3, 4}));
}

TEST_F(StoreEvictionTest, GdsfKeepsWhatIsDearAndAges) {
  open({.disk_budget_bytes = 3 * kOne, .eviction = Eviction::kGdsf, .min_free_bytes = 0});
  // In units of ms per block, with the clock at 0: 40, 10, 20.
  put(1, 40ms);
  put(2, 10ms);
  put(3, 20ms);
  load(2);       // 10 x 2 = 20, later than 3
  put(4, 30ms);  // 3 leaves (20, older than 2): the clock is 20, so 4 has 20 + 30 = 50
  EXPECT_EQ(present(), (Seeds{1, 2, 4}));
  put(5, 15ms);  // 2 leaves (20): 5 has 20 + 15 = 35
  EXPECT_EQ(present(), (Seeds{1, 4, 5}));
  put(6, 6ms);  // 5 leaves (35): 6 has 35 + 6 = 41
  EXPECT_EQ(present(), (Seeds{1, 4, 6}));
  put(7, 1ms);  // 1 leaves (40): it was dear, but not used while the clock rose past it
  EXPECT_EQ(present(), (Seeds{4, 6, 7}));
}

TEST_F(StoreEvictionTest, TheAgeingClockSurvivesARestart) {
  const Options options{.disk_budget_bytes = 2 * kOne, .min_free_bytes = 0};
  open(options);
  put(1, 40ms);
  put(2, 50ms);
  put(3, 60ms);  // 1 leaves: the clock is 40, 3 has 100
  open(options);
  put(4, 20ms);  // 2 leaves (50): 4 has 50 + 20 = 70
  put(5, 1ms);   // 4 leaves (70), not 3 (100)
  EXPECT_EQ(present(), (Seeds{3, 5}));
}

TEST_F(StoreEvictionTest, TheBudgetIsExact) {
  open({.disk_budget_bytes = 2 * kOne - 1, .min_free_bytes = 0});
  put(1);
  put(2);
  EXPECT_EQ(present(), Seeds{2});
  open({.disk_budget_bytes = 2 * kOne, .min_free_bytes = 0});
  put(3);
  EXPECT_EQ(present(), (Seeds{2, 3}));
}

TEST_F(StoreEvictionTest, RefusesWhatCanNeverFitAndEvictsNothing) {
  open({.disk_budget_bytes = 2 * kOne, .min_free_bytes = 0});
  put(1);
  put(2);
  const KvSample large = make_kv_sample(9, {.n_layers = 20});
  const auto result = store_->put(large.key, large.block, large.content, 1ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kOutOfMemory);
  EXPECT_NE(result.error().message.find("budget"), std::string::npos);
  EXPECT_EQ(present(), (Seeds{1, 2}));
}

TEST_F(StoreEvictionTest, PinsAreNotEvictedAndAFullyPinnedBudgetRefuses) {
  open({.disk_budget_bytes = 2 * kOne, .eviction = Eviction::kLru, .min_free_bytes = 0});
  put(1);
  pin(1);
  put(2);
  put(3);
  EXPECT_EQ(present(), (Seeds{1, 3}));
  pin(3);
  const auto result = try_put(4);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kOutOfMemory);
  EXPECT_EQ(present(), (Seeds{1, 3}));
}

TEST_F(StoreEvictionTest, ALowerBudgetAppliesAtTheNextStart) {
  open({.disk_budget_bytes = 4 * kOne, .eviction = Eviction::kLru, .min_free_bytes = 0});
  for (const std::uint64_t seed : {1, 2, 3, 4}) put(seed);
  pin(1);
  open({.disk_budget_bytes = 2 * kOne, .eviction = Eviction::kLru, .min_free_bytes = 0});
  EXPECT_EQ(present(), (Seeds{1, 4}));
}

TEST_F(StoreEvictionTest, PinsBeyondALoweredBudgetStayAndAllOthersLeave) {
  open({.disk_budget_bytes = 4 * kOne, .min_free_bytes = 0});
  for (const std::uint64_t seed : {1, 2, 3}) put(seed);
  pin(1);
  pin(2);
  open({.disk_budget_bytes = kOne, .min_free_bytes = 0});
  EXPECT_TRUE(store_->contains(make_kv_sample(1).key));
  EXPECT_TRUE(store_->contains(make_kv_sample(2).key));
  EXPECT_FALSE(store_->contains(make_kv_sample(3).key));
}

TEST_F(StoreEvictionTest, KeepsTheAskedSpaceFreeOnTheDisk) {
  open({.disk_budget_bytes = 9 * kOne, .min_free_bytes = 0});
  put(1);
  open({.disk_budget_bytes = 9 * kOne, .min_free_bytes = std::int64_t{1} << 60});
  const auto result = try_put(2);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kOutOfMemory);
  EXPECT_NE(result.error().message.find("free"), std::string::npos);
  EXPECT_EQ(present(), Seeds{1});
}

TEST_F(StoreEvictionTest, MemoryKeepsItsOwnBudget) {
  const std::int64_t planes = kOne - 4096;
  open({.memory_budget_bytes = 2 * planes, .eviction = Eviction::kLru, .min_free_bytes = 0});
  for (const std::uint64_t seed : {1, 2, 3}) put(seed);
  EXPECT_EQ(store_->totals().memory_bytes, 0);
  for (const std::uint64_t seed : {1, 2, 1, 3}) EXPECT_TRUE(load(seed));
  EXPECT_EQ(store_->totals().memory_bytes, 2 * planes);
  std::set<Digest> in_memory;
  for (const BlockRow& row : value_or_throw(store_->list())) {
    if (row.in_memory) in_memory.insert(row.id);
  }
  EXPECT_EQ(in_memory, (std::set{make_kv_sample(1).key.id(), make_kv_sample(3).key.id()}));
  store_->drop_memory();
  EXPECT_EQ(store_->totals().memory_bytes, 0);

  open({.memory_budget_bytes = 0, .min_free_bytes = 0});
  EXPECT_TRUE(load(1));
  EXPECT_EQ(store_->totals().memory_bytes, 0);
}

TEST_F(StoreEvictionTest, WhatIsEvictedLeavesMemoryButServesWhoHoldsIt) {
  open({.min_free_bytes = 0});
  put(1);
  const KvSample sample = make_kv_sample(1);
  const Lookup lookup = store_->load(sample.key, sample.tokens());
  ASSERT_TRUE(store_->evict({}, KvStore::Pinned::kKeep));
  EXPECT_EQ(store_->totals().memory_bytes, 0);
  EXPECT_TRUE(tests::same_block(*std::get<Hit>(lookup).block, sample.block));
}

TEST_F(StoreEvictionTest, NegativeBudgetsAreRefused) {
  const auto store = KvStore::open(folder_.path(), {.disk_budget_bytes = -1});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kInvalidInput);
}

TEST_F(StoreEvictionTest, ASmallerDiskBudgetIsInForceAtOnceAndKeepsPins) {
  open({.disk_budget_bytes = 6 * kOne, .eviction = Eviction::kLru, .min_free_bytes = 0});
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6}) put(seed);
  pin(1);
  load(2);
  EXPECT_EQ(value_or_throw(store_->set_budgets(3 * kOne + kOne / 2, 0)), 3);
  EXPECT_EQ(store_->options().disk_budget_bytes, 3 * kOne + kOne / 2);
  EXPECT_EQ(present(), (Seeds{1, 2, 6}));
  put(7);
  EXPECT_EQ(present(), (Seeds{1, 2, 7}));
  // A larger one removes nothing and has room.
  EXPECT_EQ(value_or_throw(store_->set_budgets(4 * kOne, 0)), 0);
  put(8);
  EXPECT_EQ(present(), (Seeds{1, 2, 7, 8}));
  // Pins stay where they alone are too much.
  EXPECT_EQ(value_or_throw(store_->set_budgets(0, 0)), 3);
  EXPECT_TRUE(store_->contains(make_kv_sample(1).key));
  EXPECT_EQ(store_->totals().n_blocks, 1);
  const auto negative = store_->set_budgets(-1, 0);
  ASSERT_FALSE(negative);
  EXPECT_EQ(negative.error().code, ErrorCode::kInvalidInput);
}

TEST_F(StoreEvictionTest, AStoppedRemovalIsFinishedByTheNextStart) {
  open({.disk_budget_bytes = 10 * kOne, .min_free_bytes = 0});
  for (std::uint64_t seed = 0; seed < 10; ++seed) put(seed);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(value_or_throw(store_->set_budgets(2 * kOne, 0, stop.get_token())), 0);
  EXPECT_EQ(store_->totals().n_blocks, 10);
  // Whatever is written meanwhile keeps to the new budget.
  put(11);
  EXPECT_EQ(store_->totals().n_blocks, 2);
  open({.disk_budget_bytes = kOne, .min_free_bytes = 0});
  EXPECT_EQ(present().size(), 1U);
}

TEST_F(StoreEvictionTest, AnotherMemoryBudgetKeepsWhatIsUsedMostAndLeavesTheDiskAlone) {
  open({.memory_budget_bytes = std::int64_t{1} << 20,
        .eviction = Eviction::kLfu,
        .min_free_bytes = 0});
  for (const std::uint64_t seed : {1, 2, 3, 4}) put(seed);
  for (const std::uint64_t seed : {1, 2, 3, 4, 3, 3}) load(seed);
  const std::int64_t all = store_->totals().memory_bytes;
  EXPECT_EQ(value_or_throw(store_->set_budgets(std::int64_t{1} << 40, all / 4)), 0);
  EXPECT_EQ(store_->totals().memory_bytes, all / 4);
  EXPECT_EQ(present(), (Seeds{1, 2, 3, 4}));
  for (const BlockRow& row : value_or_throw(store_->list()))
    EXPECT_EQ(row.in_memory, row.id == make_kv_sample(3).key.id());
  value_or_throw(store_->set_budgets(std::int64_t{1} << 40, 0));
  EXPECT_EQ(store_->totals().memory_bytes, 0);
  load(1);
  EXPECT_EQ(store_->totals().memory_bytes, 0);
  value_or_throw(store_->set_budgets(std::int64_t{1} << 40, all));
  load(1);
  EXPECT_EQ(store_->totals().memory_bytes, all / 4);
}

}  // namespace
}  // namespace kvlink::cache
