// SPDX-License-Identifier: Apache-2.0
// Every FileSystem call of every store operation fails once, and ever after: a typed error, a store
// that goes on, and nothing acknowledged lost.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "cache/kv_store.h"
#include "cache/schema.h"
#include "kernels/base/log.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/kv_blocks.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::cache {
namespace {

using namespace std::chrono_literals;
using tests::FaultyFileSystem;
using tests::KvSample;
using tests::make_kv_sample;

constexpr std::int64_t kOne = 5 * 4096;  // bytes of one sample's file
constexpr std::int64_t kMaxCalls = 400;

/// What a faulty run is about: it may throw Exception or report through gtest.
struct Scenario {
  const char* name;
  Options options;
  /// The operation, on an open store; its error, if it has one.
  std::function<std::optional<Error>(KvStore&)> run;
  /// Whether one failed call leaves totals and files equal at once, not only after a restart.
  bool keeps_totals = false;
  /// Samples (by seed) that must be served afterwards, whether the operation failed or not.
  std::set<std::uint64_t> must_remain;
};

std::optional<Error> error_of(const auto& result) {
  return result ? std::nullopt : std::optional(result.error());
}

Result<void> put(KvStore& store, std::uint64_t seed) {
  const KvSample s = make_kv_sample(seed);
  return store.put(s.key, s.block, s.content, 1ms);
}

/// A hit must hold the right bytes; a miss may only be for a reason that fits a failing system.
bool is_served(KvStore& store, std::uint64_t seed) {
  const KvSample s = make_kv_sample(seed);
  const Lookup lookup = store.load(s.key, s.tokens());
  if (const Hit* hit = std::get_if<Hit>(&lookup)) {
    EXPECT_TRUE(tests::same_block(*hit->block, s.block));
    return true;
  }
  const Miss& miss = std::get<Miss>(lookup);
  EXPECT_NE(miss.reason, MissReason::kTokensDiffer);
  EXPECT_NE(miss.reason, MissReason::kVersion);
  return false;
}

class StoreFaultTest : public ::testing::TestWithParam<tests::Fault> {
 protected:
  StoreFaultTest() {
    set_log_sink([](LogLevel, std::string_view, std::string_view) {});
    const auto store = value_or_throw(KvStore::open(seed_.path() / "s", {.min_free_bytes = 0}));
    for (const std::uint64_t seed : {1, 2, 3}) value_or_throw(put(*store, seed));
  }

  /// A copy of a store with samples 1, 2, 3, and what interrupted runs leave.
  std::filesystem::path fresh_copy() {
    const auto folder = seed_.path() / ("copy" + std::to_string(n_copies_++));
    std::filesystem::copy(seed_.path() / "s", folder, std::filesystem::copy_options::recursive);
    const auto orphan = tests::block_file(folder, make_kv_sample(9).key);
    std::filesystem::create_directories(orphan.parent_path());
    tests::write_bytes(orphan, std::vector<std::byte>(10));
    tests::write_bytes(orphan.string() + ".1-1.tmp", std::vector<std::byte>(10));
    return folder;
  }

  /// After the faults: opens, agrees with its files, serves what it must, and takes new blocks.
  void expect_sound(const std::filesystem::path& folder, const Scenario& scenario) {
    const auto store = value_or_throw(KvStore::open(folder, scenario.options));
    EXPECT_EQ(store->sweep().damage, "");
    EXPECT_EQ(store->totals().disk_bytes, tests::bytes_of_block_files(folder));
    EXPECT_EQ(tests::count_temporary_files(folder), 0);
    for (const std::uint64_t seed : scenario.must_remain) EXPECT_TRUE(is_served(*store, seed));
    EXPECT_EQ(value_or_throw(store->verify({}, nullptr, {})).n_damaged, 0);
    value_or_throw(put(*store, 77));
    EXPECT_TRUE(is_served(*store, 77));
    EXPECT_EQ(store->totals().disk_bytes, tests::bytes_of_block_files(folder));
  }

  /// Runs `scenario` with call 1, 2, … failing until a run meets no fault. Returns how many.
  std::int64_t run_all(const Scenario& scenario, tests::Times times) {
    for (std::int64_t nth = 1; nth < kMaxCalls; ++nth) {
      SCOPED_TRACE(std::string(scenario.name) + ", call " + std::to_string(nth));
      const auto folder = fresh_copy();
      FaultyFileSystem files;
      std::int64_t n_failed = 0;
      {
        const auto store = value_or_throw(KvStore::open(folder, scenario.options, files));
        files.fail_call(nth, GetParam(), times);
        const std::optional<Error> error = scenario.run(*store);
        n_failed = files.n_failed();
        files.heal();
        if (error) {
          EXPECT_GT(n_failed, 0) << error->message;
          EXPECT_TRUE(error->code == ErrorCode::kIo || error->code == ErrorCode::kOutOfMemory)
              << error->message;
        }
        if (scenario.keeps_totals && times == tests::Times::kOnce) {
          EXPECT_EQ(store->totals().disk_bytes, tests::bytes_of_block_files(folder));
        }
        // The same store goes on when the system works again.
        for (const std::uint64_t seed : {1, 2, 3, 4}) {
          if (!is_served(*store, seed)) value_or_throw(put(*store, seed));
          EXPECT_TRUE(is_served(*store, seed));
        }
      }
      expect_sound(folder, {.name = "",
                            .options = scenario.options,
                            .run = {},
                            .keeps_totals = false,
                            .must_remain = {4}});
      std::filesystem::remove_all(folder);
      if (n_failed == 0) return nth - 1;
      if (HasFailure()) break;
    }
    ADD_FAILURE() << "the operation never ran clean";
    return 0;
  }

  void run_once_and_ever_after(const Scenario& scenario, std::int64_t at_least_calls) {
    for (const auto times : {tests::Times::kOnce, tests::Times::kEverAfter})
      EXPECT_GE(run_all(scenario, times), at_least_calls);
  }

  tests::TemporaryFolder seed_;
  int n_copies_ = 0;
};

TEST_P(StoreFaultTest, Put) {
  run_once_and_ever_after({.name = "put",
                           .options = {.min_free_bytes = 0},
                           .run = [](KvStore& s) { return error_of(put(s, 4)); },
                           .keeps_totals = true,
                           .must_remain = {1, 2, 3}},
                          7);
}

TEST_P(StoreFaultTest, PutThatEvicts) {
  run_once_and_ever_after({.name = "put that evicts",
                           .options = {.disk_budget_bytes = 3 * kOne, .min_free_bytes = 0},
                           .run = [](KvStore& s) { return error_of(put(s, 4)); },
                           .must_remain = {}},
                          8);
}

TEST_P(StoreFaultTest, Load) {
  run_once_and_ever_after({.name = "load",
                           .options = {.min_free_bytes = 0},
                           .run = [](KvStore& s) -> std::optional<Error> {
                             is_served(s, 2);
                             return std::nullopt;
                           },
                           .must_remain = {1, 3}},
                          3);
}

TEST_P(StoreFaultTest, Evict) {
  run_once_and_ever_after(
      {.name = "evict",
       .options = {.min_free_bytes = 0},
       .run = [](KvStore& s) { return error_of(s.evict({}, KvStore::Pinned::kInclude)); },
       .must_remain = {}},
      3);
}

TEST_P(StoreFaultTest, EraseContent) {
  run_once_and_ever_after(
      {.name = "erase",
       .options = {.min_free_bytes = 0},
       .run = [](KvStore& s) { return error_of(s.erase_content(make_kv_sample(2).content)); },
       .must_remain = {1, 3}},
      2);
}

TEST_P(StoreFaultTest, Verify) {
  run_once_and_ever_after({.name = "verify",
                           .options = {.min_free_bytes = 0},
                           .run = [](KvStore& s) { return error_of(s.verify({}, nullptr, {})); },
                           .must_remain = {}},
                          9);
}

/// Opening fails at every call: the next opening, with a system that works, finds everything.
TEST_P(StoreFaultTest, OpenOfAnyState) {
  using Prepare = void (*)(const std::filesystem::path&);
  const Prepare as_is = [](const auto&) {};
  const Prepare without_database = [](const auto& folder) {
    std::filesystem::remove(folder / "kv.db");
  };
  const Prepare with_garbage = [](const auto& folder) {
    tests::write_bytes(folder / "kv.db", std::vector<std::byte>(9000, std::byte{'?'}));
  };
  for (const Prepare prepare : {as_is, without_database, with_garbage}) {
    for (const auto times : {tests::Times::kOnce, tests::Times::kEverAfter}) {
      for (std::int64_t nth = 1;; ++nth) {
        ASSERT_LT(nth, kMaxCalls);
        SCOPED_TRACE("call " + std::to_string(nth));
        const auto folder = fresh_copy();
        prepare(folder);
        FaultyFileSystem files;
        files.fail_call(nth, GetParam(), times);
        const bool is_open = KvStore::open(folder, {.min_free_bytes = 0}, files).has_value();
        const std::int64_t n_failed = files.n_failed();
        EXPECT_TRUE(is_open || n_failed > 0);
        {
          const auto store = value_or_throw(KvStore::open(folder, {.min_free_bytes = 0}));
          EXPECT_EQ(store->totals().disk_bytes, tests::bytes_of_block_files(folder));
          EXPECT_EQ(tests::count_temporary_files(folder), 0);
          // The one header that could not be read while a lost catalogue was made again may be
          // given up.
          std::size_t n_served = 0;
          for (const std::uint64_t seed : {1, 2, 3}) n_served += is_served(*store, seed) ? 1 : 0;
          EXPECT_GE(n_served, prepare != as_is && n_failed > 0 ? 2U : 3U);
          value_or_throw(put(*store, 4));
        }
        std::filesystem::remove_all(folder);
        if (n_failed == 0) break;
        if (HasFailure()) return;
      }
    }
  }
}

class StoreRaceTest : public ::testing::Test {
 protected:
  StoreRaceTest()
      : store_(value_or_throw(KvStore::open(folder_.path(), {.min_free_bytes = 0}, files_))) {
    value_or_throw(put(*store_, 1));
  }
  static BlockFilter content_of(std::uint64_t seed) {
    BlockFilter filter;
    filter.content = make_kv_sample(seed).content;
    return filter;
  }

  tests::TemporaryFolder folder_;
  FaultyFileSystem files_;
  std::unique_ptr<KvStore> store_;
};

TEST_F(StoreRaceTest, ABlockErasedWhileItIsReadServesOnceAndLeavesNothing) {
  files_.during_next_read([&] { EXPECT_EQ(*store_->erase_content(make_kv_sample(1).content), 1); });
  EXPECT_TRUE(is_served(*store_, 1));
  EXPECT_EQ(store_->totals().memory_bytes, 0);
  EXPECT_FALSE(is_served(*store_, 1));
}

TEST_F(StoreRaceTest, AReadThatFailsAfterItsFileWasReplacedDoesNotCondemnTheNewOne) {
  for (const bool is_damage : {false, true}) {
    files_.during_next_read([&] {
      value_or_throw(store_->evict(content_of(1), KvStore::Pinned::kInclude));
      value_or_throw(put(*store_, 1));
      if (is_damage) {
        // Damage on the disk that only the reader of the removed file meets cannot be made here:
        // the reader is told so instead.
        throw Exception({ErrorCode::kCorrupt, "the old file is damaged"});
      }
      files_.fail_call(1, tests::Fault::kIoError, tests::Times::kOnce);
    });
    EXPECT_FALSE(is_served(*store_, 1));
    EXPECT_TRUE(store_->contains(make_kv_sample(1).key));
    EXPECT_TRUE(is_served(*store_, 1));
    store_->drop_memory();
  }
}

TEST_F(StoreRaceTest, AFileThatVanishesBecauseItWasEvictedIsAMissForThatReason) {
  const KvSample s = make_kv_sample(1);
  files_.during_next_read([&] {
    value_or_throw(store_->evict(content_of(1), KvStore::Pinned::kInclude));
    throw Exception({ErrorCode::kNotFound, "gone"});
  });
  const Lookup lookup = store_->load(s.key, s.tokens());
  ASSERT_TRUE(std::holds_alternative<Miss>(lookup));
  EXPECT_EQ(std::get<Miss>(lookup).reason, MissReason::kEvicted);
}

INSTANTIATE_TEST_SUITE_P(Every, StoreFaultTest,
                         ::testing::Values(tests::Fault::kIoError, tests::Fault::kDiskFull,
                                           tests::Fault::kShortWrite,
                                           tests::Fault::kIoErrorAfterwards),
                         [](const auto& info) {
                           switch (info.param) {
                             case tests::Fault::kIoError:
                               return "IoError";
                             case tests::Fault::kDiskFull:
                               return "DiskFull";
                             case tests::Fault::kShortWrite:
                               return "ShortWrite";
                             case tests::Fault::kIoErrorAfterwards:
                               return "IoErrorAfterwards";
                           }
                           return "Unknown";
                         });

}  // namespace
}  // namespace kvlink::cache
