// SPDX-License-Identifier: Apache-2.0
// kill -9 at random moments: every acknowledged block is there afterwards, and nothing else.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <random>
#include <set>
#include <thread>

#include "cache/kv_store.h"
#include "tests/support/kv_blocks.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::cache {
namespace {

using namespace std::chrono_literals;
using tests::KvSample;

constexpr int kKills = 200;
constexpr std::size_t kMaxKept = 30;
constexpr Options kOptions{.min_free_bytes = 0};

KvSample sample(std::uint64_t seed) {
  return tests::make_kv_sample(seed, {.n_layers = 6, .n_tokens = 40});
}

/// What the writer tells: it wrote a block (after put returned), or is about to remove one.
struct Message {
  enum class Kind : std::uint64_t { kWritten, kRemoving } kind;
  std::uint64_t seed;
};

/// Puts and evicts until it is killed. Runs in a forked child: no gtest, no return.
[[noreturn]] void write_blocks(const std::filesystem::path& folder, std::set<std::uint64_t> kept,
                               std::uint64_t next_seed, int pipe) {
  const auto tell = [pipe](Message message) {
    if (::write(pipe, &message, sizeof(message)) != sizeof(message)) ::_exit(2);
  };
  auto store = KvStore::open(folder, kOptions);
  if (!store) ::_exit(3);
  std::mt19937_64 random(next_seed);
  for (;; ++next_seed) {
    const KvSample s = sample(next_seed);
    if (!(*store)->put(s.key, s.block, s.content, 1ms)) ::_exit(4);
    tell({Message::Kind::kWritten, next_seed});
    kept.insert(next_seed);
    while (kept.size() > kMaxKept || (!kept.empty() && random() % 4 == 0)) {
      const std::uint64_t seed = *kept.begin();
      tell({Message::Kind::kRemoving, seed});
      BlockFilter filter;
      filter.content = sample(seed).content;
      const auto n = random() % 2 == 0 ? (*store)->erase_content(*filter.content)
                                       : (*store)->evict(filter, KvStore::Pinned::kInclude);
      if (!n || *n != 1) ::_exit(5);
      kept.erase(seed);
    }
  }
}

/// Reads what the child told before it died.
void read_messages(int pipe, std::set<std::uint64_t>& kept, std::set<std::uint64_t>& uncertain) {
  Message message{};
  while (::read(pipe, &message, sizeof(message)) == sizeof(message)) {
    if (message.kind == Message::Kind::kWritten) {
      kept.insert(message.seed);
    } else {
      kept.erase(message.seed);
      uncertain.insert(message.seed);
    }
  }
}

TEST(StoreKill, EveryAcknowledgedBlockSurvivesKillsAtRandomMoments) {
  const tests::TemporaryFolder temporary;
  const auto folder = temporary.path() / "store";
  std::mt19937_64 random(2026);
  std::set<std::uint64_t> kept;
  std::int64_t n_acknowledged = 0;
  std::int64_t n_orphans = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    const std::uint64_t first_seed = static_cast<std::uint64_t>(kill + 1) * 100'000;
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      write_blocks(folder, kept, first_seed, ends[1]);
    }
    ::close(ends[1]);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    std::set<std::uint64_t> uncertain;
    const std::size_t n_before = kept.size();
    read_messages(ends[0], kept, uncertain);
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed by itself: " << WEXITSTATUS(status);
    n_acknowledged += std::int64_t(kept.size() + uncertain.size()) - std::int64_t(n_before);

    const auto store = value_or_throw(KvStore::open(folder, kOptions));
    EXPECT_EQ(store->sweep().damage, "");
    EXPECT_EQ(store->sweep().n_rows_without_file, 0) << "a row was committed before its file";
    n_orphans += store->sweep().n_orphans_removed + store->sweep().n_temp_files_removed;
    std::set<Digest> known;
    for (const std::uint64_t seed : kept) {
      const KvSample s = sample(seed);
      known.insert(s.key.id());
      const Lookup lookup = store->load(s.key, s.tokens());
      ASSERT_TRUE(std::holds_alternative<Hit>(lookup)) << std::get<Miss>(lookup).detail;
      ASSERT_TRUE(tests::same_block(*std::get<Hit>(lookup).block, s.block));
    }
    EXPECT_EQ(value_or_throw(store->verify({}, nullptr, {})).n_damaged, 0);
    EXPECT_EQ(store->totals().disk_bytes, tests::bytes_of_block_files(folder));
    EXPECT_EQ(tests::count_temporary_files(folder), 0);
    // A block written but not acknowledged, or announced and not removed, is allowed: drop both.
    for (const BlockRow& row : value_or_throw(store->list())) {
      if (known.contains(row.id)) continue;
      BlockFilter filter;
      filter.id_prefix = row.id.hex();
      value_or_throw(store->evict(filter, KvStore::Pinned::kInclude));
    }
    ASSERT_EQ(store->totals().n_blocks, std::int64_t(kept.size()));
    if (HasFailure()) return;
  }
  std::printf("%d kills, %lld blocks acknowledged, %lld files swept\n", kKills,
              static_cast<long long>(n_acknowledged), static_cast<long long>(n_orphans));
  EXPECT_GT(n_acknowledged, kKills * 2) << "the writer hardly wrote: the test shows nothing";
}

}  // namespace
}  // namespace kvlink::cache
