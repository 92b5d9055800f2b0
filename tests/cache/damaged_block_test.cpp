// SPDX-License-Identifier: Apache-2.0
// Damage in a store's folder: never a wrong answer, a reason for the user, and a rebuild that
// works.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "cache/kv_store.h"
#include "kernels/base/log.h"
#include "tests/support/kv_blocks.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::cache {
namespace {

using namespace std::chrono_literals;
using tests::block_file;
using tests::bytes_of_block_files;
using tests::KvSample;
using tests::make_kv_sample;

class DamagedBlockTest : public ::testing::Test {
 protected:
  DamagedBlockTest() {
    set_log_sink([](LogLevel, std::string_view, std::string_view) {});
    reopen();
  }

  void reopen() {
    store_.reset();
    store_ = value_or_throw(KvStore::open(folder_.path(), {.min_free_bytes = 0}));
  }
  void put(const KvSample& sample) {
    value_or_throw(store_->put(sample.key, sample.block, sample.content, 1ms));
  }
  Lookup load(const KvSample& sample) { return store_->load(sample.key, sample.tokens()); }

  /// After `damage`: a miss for `reason`, twice (the second from the row), then a rebuild.
  void expect_rebuilt_after(const KvSample& sample, MissReason reason,
                            const std::function<void(const std::filesystem::path&)>& damage) {
    put(sample);
    store_->drop_memory();
    damage(block_file(folder_.path(), sample.key));
    for (int i = 0; i < 2; ++i) {
      const Lookup lookup = load(sample);
      ASSERT_TRUE(std::holds_alternative<Miss>(lookup));
      EXPECT_EQ(std::get<Miss>(lookup).reason, reason) << std::get<Miss>(lookup).detail;
      EXPECT_GT(std::get<Miss>(lookup).detail.size(), 40U);
    }
    EXPECT_FALSE(store_->contains(sample.key));
    put(sample);
    const Lookup lookup = load(sample);
    ASSERT_TRUE(std::holds_alternative<Hit>(lookup)) << std::get<Miss>(lookup).detail;
    EXPECT_TRUE(tests::same_block(*std::get<Hit>(lookup).block, sample.block));
    EXPECT_EQ(store_->totals().disk_bytes, bytes_of_block_files(folder_.path()));
  }

  tests::TemporaryFolder folder_;
  std::unique_ptr<KvStore> store_;
};

TEST_F(DamagedBlockTest, AFlippedByteAnywhereIsAMissAndIsRebuilt) {
  const KvSample sample = make_kv_sample(1, {.n_layers = 1});
  const std::size_t n = 3 * 4096;
  for (std::size_t at = 0; at < n; at += 449) {
    expect_rebuilt_after(sample, MissReason::kChecksum, [&](const auto& path) {
      auto bytes = tests::read_bytes(path);
      ASSERT_EQ(bytes.size(), n);
      bytes[at] ^= std::byte{0x10};
      tests::write_bytes(path, bytes);
    });
  }
}

TEST_F(DamagedBlockTest, EachKindOfDamageHasItsReason) {
  const KvSample sample = make_kv_sample(1);
  const auto rewrite = [](auto change) {
    return [change](const std::filesystem::path& path) {
      auto bytes = tests::read_bytes(path);
      change(bytes);
      tests::write_bytes(path, bytes);
    };
  };
  expect_rebuilt_after(sample, MissReason::kVersion,
                       rewrite([](auto& bytes) { bytes[8] = std::byte{2}; }));
  expect_rebuilt_after(sample, MissReason::kChecksum,
                       rewrite([](auto& bytes) { bytes.resize(bytes.size() - 1); }));
  expect_rebuilt_after(sample, MissReason::kChecksum,
                       rewrite([](auto& bytes) { bytes.resize(bytes.size() + 1); }));
  expect_rebuilt_after(sample, MissReason::kChecksum, rewrite([](auto& bytes) { bytes.clear(); }));
  expect_rebuilt_after(sample, MissReason::kFileMissing,
                       [](const auto& path) { std::filesystem::remove(path); });
}

TEST_F(DamagedBlockTest, AnotherBlockUnderThisNameIsNotServed) {
  const KvSample sample = make_kv_sample(1);
  const KvSample other = make_kv_sample(2);
  put(other);
  expect_rebuilt_after(sample, MissReason::kChecksum, [&](const auto& path) {
    tests::write_bytes(path, tests::read_bytes(block_file(folder_.path(), other.key)));
  });
}

TEST_F(DamagedBlockTest, ALinkOrFifoUnderThisNameIsNotReadAndIsReplaced) {
  const KvSample sample = make_kv_sample(1);
  const auto elsewhere = folder_.path() / "elsewhere";
  expect_rebuilt_after(sample, MissReason::kIo, [&](const auto& path) {
    std::filesystem::rename(path, elsewhere);
    std::filesystem::create_symlink(elsewhere, path);
  });
  EXPECT_TRUE(std::filesystem::exists(elsewhere)) << "what a link points to is not ours";
  expect_rebuilt_after(sample, MissReason::kIo, [&](const auto& path) {
    std::filesystem::remove(path);
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  });
}

TEST_F(DamagedBlockTest, TheReasonSurvivesARestart) {
  const KvSample sample = make_kv_sample(1);
  put(sample);
  std::filesystem::resize_file(block_file(folder_.path(), sample.key), 100);
  ASSERT_EQ(std::get<Miss>(load(sample)).reason, MissReason::kChecksum);
  reopen();
  EXPECT_EQ(std::get<Miss>(load(sample)).reason, MissReason::kChecksum);
  EXPECT_EQ(store_->list()->at(0).file_bytes, 0);
  EXPECT_NE(store_->list()->at(0).damage, "");
  EXPECT_EQ(store_->totals().n_blocks, 0);
}

TEST_F(DamagedBlockTest, APinOutlivesDamageAndRebuild) {
  const KvSample sample = make_kv_sample(1);
  put(sample);
  ASSERT_TRUE(store_->set_pinned({}, true));
  std::filesystem::resize_file(block_file(folder_.path(), sample.key), 100);
  ASSERT_EQ(std::get<Miss>(load(sample)).reason, MissReason::kChecksum);
  put(sample);
  EXPECT_EQ(*store_->evict({}, KvStore::Pinned::kKeep), 0);
  EXPECT_TRUE(store_->contains(sample.key));
}

TEST_F(DamagedBlockTest, MemoryServesWhatWasReadBeforeTheFileChanged) {
  const KvSample sample = make_kv_sample(1);
  put(sample);
  ASSERT_TRUE(std::holds_alternative<Hit>(load(sample)));
  std::filesystem::resize_file(block_file(folder_.path(), sample.key), 100);
  const Lookup lookup = load(sample);
  ASSERT_TRUE(std::holds_alternative<Hit>(lookup));
  EXPECT_TRUE(tests::same_block(*std::get<Hit>(lookup).block, sample.block));
}

TEST_F(DamagedBlockTest, VerifyFindsEveryDamageAndReportsProgress) {
  std::vector<KvSample> samples;
  for (std::uint64_t i = 0; i < 8; ++i) samples.push_back(make_kv_sample(i));
  for (const KvSample& sample : samples) put(sample);
  auto bytes = tests::read_bytes(block_file(folder_.path(), samples[2].key));
  bytes.back() ^= std::byte{1};
  tests::write_bytes(block_file(folder_.path(), samples[2].key), bytes);
  std::filesystem::remove(block_file(folder_.path(), samples[5].key));

  std::vector<std::int64_t> seen;
  auto report = value_or_throw(
      store_->verify({}, [&](std::int64_t done, std::int64_t) { seen.push_back(done); }, {}));
  EXPECT_EQ(report.n_checked, 8);
  EXPECT_EQ(report.n_damaged, 2);
  EXPECT_EQ(report.problems.size(), 2U);
  EXPECT_EQ(seen, (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(store_->totals().n_blocks, 6);
  EXPECT_EQ(value_or_throw(store_->verify({}, nullptr, {})).n_damaged, 0);

  std::stop_source stop;
  report = value_or_throw(store_->verify(
      {}, [&](std::int64_t done, std::int64_t) { done == 3 ? stop.request_stop() : false; },
      stop.get_token()));
  EXPECT_EQ(report.n_checked, 3);
}

TEST_F(DamagedBlockTest, SweepRemovesTemporariesAndOrphansAndRowsWithoutFile) {
  const KvSample kept = make_kv_sample(1);
  const KvSample lost = make_kv_sample(2);
  const KvSample cut = make_kv_sample(3);
  for (const KvSample* sample : {&kept, &lost, &cut}) put(*sample);
  store_.reset();
  const auto folder = folder_.path() / "blocks";
  std::filesystem::remove(block_file(folder_.path(), lost.key));
  std::filesystem::resize_file(block_file(folder_.path(), cut.key), 5000);
  const auto orphan = block_file(folder_.path(), make_kv_sample(4).key);
  std::filesystem::create_directories(orphan.parent_path());
  tests::write_bytes(orphan, std::vector<std::byte>(100));
  tests::write_bytes(orphan.string() + ".17-3.tmp", std::vector<std::byte>(100));
  tests::write_bytes(folder / "notes.txt", std::vector<std::byte>(3));
  reopen();
  EXPECT_EQ(store_->sweep().n_temp_files_removed, 1);
  EXPECT_EQ(store_->sweep().n_orphans_removed, 2);
  EXPECT_EQ(store_->sweep().n_rows_without_file, 2);
  EXPECT_TRUE(std::filesystem::exists(folder / "notes.txt")) << "not ours to remove";
  std::filesystem::remove(folder / "notes.txt");
  EXPECT_EQ(store_->totals().disk_bytes, bytes_of_block_files(folder_.path()));
  EXPECT_EQ(tests::count_temporary_files(folder_.path()), 0);
  EXPECT_TRUE(std::holds_alternative<Hit>(load(kept)));
  EXPECT_EQ(std::get<Miss>(load(lost)).reason, MissReason::kNeverEncoded);
}

}  // namespace
}  // namespace kvlink::cache
