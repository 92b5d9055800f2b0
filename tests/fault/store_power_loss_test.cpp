// SPDX-License-Identifier: Apache-2.0
// The power fails at a random file system call. What was not synced by then is lost or not, at
// random, as on a real disk: contents of unsynced files, names in unsynced folders, removals.
#include <gtest/gtest.h>

#include <functional>
#include <list>
#include <map>
#include <random>
#include <set>

#include "cache/kv_store.h"
#include "kernels/base/log.h"
#include "tests/support/kv_blocks.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::cache {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using tests::KvSample;
using tests::make_kv_sample;

/// A disk that forgets. Calls after the power failed throw kIo and do nothing.
class ForgetfulFileSystem final : public FileSystem {
 public:
  explicit ForgetfulFileSystem(std::uint64_t seed) : random_(seed) {}

  /// Power fails at call number `nth` from now.
  void fail_power_at(std::int64_t nth) { calls_left_ = nth; }
  bool has_power() const { return calls_left_ > 0; }

  /// Brings the folder into one of the states a disk may be in after the power came back.
  void forget() {
    for (auto change = unsynced_.rbegin(); change != unsynced_.rend(); ++change) {
      if (random_() % 2 == 0) change->undo();
    }
    unsynced_.clear();
  }

  std::unique_ptr<PendingFile> create(const fs::path& path, std::int64_t bytes) override {
    spend();
    return std::make_unique<Pending>(*this, path, base_.create(path, bytes));
  }
  std::unique_ptr<ReadableFile> open(const fs::path& path) override {
    spend();
    return base_.open(path);
  }
  std::optional<FileStat> stat(const fs::path& path) override {
    spend();
    return base_.stat(path);
  }
  void remove(const fs::path& path) override {
    spend();
    remember_file(path);
    base_.remove(path);
  }
  void rename(const fs::path& from, const fs::path& to) override {
    spend();
    base_.rename(from, to);
  }
  std::vector<fs::path> list(const fs::path& folder) override {
    spend();
    return base_.list(folder);
  }
  void make_folder(const fs::path& folder) override {
    spend();
    base_.make_folder(folder);
  }
  void sync_folder(const fs::path& folder) override {
    spend();
    std::erase_if(unsynced_, [&](const Unsynced& change) { return change.folder == folder; });
  }
  std::int64_t free_bytes(const fs::path& folder) override {
    spend();
    return base_.free_bytes(folder);
  }
  void drop_page_cache(const fs::path&) override { spend(); }

 private:
  struct Unsynced {
    fs::path folder;
    std::function<void()> undo;
  };

  class Pending final : public PendingFile {
   public:
    Pending(ForgetfulFileSystem& disk, fs::path path, std::unique_ptr<PendingFile> base)
        : disk_(disk), path_(std::move(path)), base_(std::move(base)) {}
    ~Pending() override {
      // Without power nobody removes the temporary file: it stays with what reached the disk.
      if (!disk_.has_power() && !is_published_) disk_.leave_temporary(path_, bytes_, is_synced_);
    }
    void write(std::span<const std::byte> bytes) override {
      disk_.spend();
      base_->write(bytes);
      bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
      is_synced_ = false;
    }
    void sync() override {
      disk_.spend();
      is_synced_ = true;
    }
    void publish() override {
      disk_.spend();
      disk_.remember_file(path_);
      base_->publish();
      is_published_ = true;
      if (!is_synced_) disk_.scramble_later(path_);
    }
    void sync_folder() override { disk_.sync_folder(path_.parent_path()); }

   private:
    ForgetfulFileSystem& disk_;
    fs::path path_;
    std::unique_ptr<PendingFile> base_;
    std::vector<std::byte> bytes_;
    bool is_synced_ = false;
    bool is_published_ = false;
  };

  void spend() {
    if (calls_left_ > 0 && --calls_left_ > 0) return;
    fail(ErrorCode::kIo, "the power is off");
  }
  /// The name's state from here on is undone unless its folder is synced.
  void remember_file(const fs::path& path) {
    if (fs::exists(path)) {
      unsynced_.push_back({path.parent_path(), [path, bytes = tests::read_bytes(path)] {
                             tests::write_bytes(path, bytes);
                           }});
    } else {
      unsynced_.push_back({path.parent_path(), [path] { fs::remove(path); }});
    }
  }
  void scramble_later(const fs::path& path) {
    unsynced_.push_back({{}, [path] {
                           auto bytes = tests::read_bytes(path);
                           std::fill(bytes.begin() + std::ssize(bytes) / 2, bytes.end(),
                                     std::byte{0});
                           tests::write_bytes(path, bytes);
                         }});
  }
  void leave_temporary(const fs::path& path, std::vector<std::byte> bytes, bool is_synced) {
    if (!is_synced) bytes.resize(bytes.empty() ? 0 : random_() % bytes.size());
    const fs::path name = path.string() + ".0-" + std::to_string(random_()) + ".tmp";
    if (fs::exists(name.parent_path())) tests::write_bytes(name, bytes);
  }

  FileSystem& base_ = FileSystem::posix();
  std::mt19937_64 random_;
  std::int64_t calls_left_ = INT64_MAX;
  std::list<Unsynced> unsynced_;
};

constexpr std::int64_t kOne = 5 * 4096;
constexpr Options kOptions{.disk_budget_bytes = 8 * kOne, .min_free_bytes = 0};
constexpr std::uint64_t kSeeds = 24;

std::set<std::uint64_t> present(KvStore& store) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    if (store.contains(make_kv_sample(seed).key)) seeds.insert(seed);
  }
  return seeds;
}

/// One operation at random: mostly puts, some of which evict.
void run_one(KvStore& store, std::mt19937_64& random) {
  const KvSample s = make_kv_sample(random() % kSeeds);
  BlockFilter filter;
  filter.content = s.content;
  switch (random() % 6) {
    case 0:
      static_cast<void>(store.evict(filter, KvStore::Pinned::kInclude));
      return;
    case 1:
      static_cast<void>(store.erase_content(s.content));
      return;
    default:
      static_cast<void>(store.put(s.key, s.block, s.content, 1ms));
  }
}

TEST(StorePowerLoss, WhatWasCommittedIsThereAndNothingElse) {
  set_log_sink([](LogLevel, std::string_view, std::string_view) {});
  constexpr std::uint64_t kReplays = 400;
  std::int64_t n_required = 0;
  std::int64_t n_swept = 0;
  for (std::uint64_t replay = 0; replay < kReplays; ++replay) {
    SCOPED_TRACE("replay " + std::to_string(replay));
    const tests::TemporaryFolder folder;
    ForgetfulFileSystem disk(replay);
    std::mt19937_64 random(replay);
    std::set<std::uint64_t> committed;
    {
      const auto store = value_or_throw(KvStore::open(folder.path(), kOptions, disk));
      disk.fail_power_at(1 + static_cast<std::int64_t>(random() % 120));
      while (disk.has_power()) {
        const std::set<std::uint64_t> before = present(*store);
        run_one(*store, random);
        const std::set<std::uint64_t> after = present(*store);
        committed = after;
        // The operation that was cut off may have removed some, and has acknowledged nothing new.
        if (!disk.has_power())
          std::erase_if(committed, [&](std::uint64_t seed) { return !before.contains(seed); });
      }
    }
    disk.forget();
    const auto store = value_or_throw(KvStore::open(folder.path(), kOptions));
    EXPECT_EQ(store->sweep().damage, "");
    for (const std::uint64_t seed : committed) {
      const KvSample s = make_kv_sample(seed);
      const Lookup lookup = store->load(s.key, s.tokens());
      ASSERT_TRUE(std::holds_alternative<Hit>(lookup)) << std::get<Miss>(lookup).detail;
      EXPECT_TRUE(tests::same_block(*std::get<Hit>(lookup).block, s.block));
    }
    EXPECT_EQ(value_or_throw(store->verify({}, nullptr, {})).n_damaged, 0);
    EXPECT_EQ(store->totals().disk_bytes, tests::bytes_of_block_files(folder.path()));
    EXPECT_EQ(tests::count_temporary_files(folder.path()), 0);
    EXPECT_EQ(store->sweep().n_rows_without_file, 0) << "a row outlived its file";
    n_required += std::ssize(committed);
    n_swept += store->sweep().n_orphans_removed + store->sweep().n_temp_files_removed;
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(n_required, std::int64_t(kReplays)) << "too little was written to show anything";
  EXPECT_GT(n_swept, std::int64_t(kReplays) / 10) << "too little was lost to show anything";
}

}  // namespace
}  // namespace kvlink::cache
