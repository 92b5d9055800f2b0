// SPDX-License-Identifier: Apache-2.0
// A real full disk and a real folder without permission, each in a child process.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <optional>

#include "cache/kv_store.h"
#include "tests/support/kv_blocks.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::cache {
namespace {

using namespace std::chrono_literals;
using tests::KvSample;
using tests::make_kv_sample;

constexpr int kCannotPrepare = 77;
constexpr Options kOptions{.min_free_bytes = 0};

/// Runs `body` in a child; its exit status. The child's gtest failures do not reach the parent, so
/// it returns the number of the check that failed.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      ::_exit(body());
    } catch (const std::exception& e) {
      std::fprintf(stderr, "in the child: %s\n", e.what());
      ::_exit(99);
    }
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 98;
  return WEXITSTATUS(status);
}

bool is_served(KvStore& store, const KvSample& sample) {
  const Lookup lookup = store.load(sample.key, sample.tokens());
  const Hit* hit = std::get_if<Hit>(&lookup);
  return hit != nullptr && tests::same_block(*hit->block, sample.block);
}

/// 0, or the number of the step that went wrong.
int fill_the_disk(const std::filesystem::path& folder) {
  std::optional<std::unique_ptr<KvStore>> store = value_or_throw(KvStore::open(folder, kOptions));
  std::uint64_t seed = 1;
  std::optional<Error> error;
  for (; seed < 5000 && !error; ++seed) {
    const KvSample s = make_kv_sample(seed, {.n_layers = 8});
    const auto result = (*store)->put(s.key, s.block, s.content, 1ms);
    if (!result) error = result.error();
  }
  const std::uint64_t n_written = seed - 2;
  if (!error || n_written < 10) return 1;
  if (error->code != ErrorCode::kOutOfMemory) return 2;
  if ((*store)->totals().disk_bytes != tests::bytes_of_block_files(folder)) return 3;
  if (tests::count_temporary_files(folder) != 0) return 4;
  // Before the catalogue had no room either, the last blocks were given that of the first ones.
  std::uint64_t n_served = 0;
  for (std::uint64_t s = 1; s <= n_written; ++s) {
    const KvSample sample = make_kv_sample(s, {.n_layers = 8});
    const Lookup lookup = (*store)->load(sample.key, sample.tokens());
    const Miss* miss = std::get_if<Miss>(&lookup);
    if (miss != nullptr && miss->reason != MissReason::kEvicted) return 5;
    n_served += miss == nullptr && is_served(**store, sample);
  }
  if (2 * n_served < n_written) return 5;
  store.reset();
  store = value_or_throw(KvStore::open(folder, kOptions));
  if ((*store)->totals().n_blocks != std::int64_t(n_served)) return 6;
  // Space is made: writing goes on.
  if (!(*store)->evict({}, KvStore::Pinned::kKeep)) return 7;
  const KvSample s = make_kv_sample(6000, {.n_layers = 8});
  if (!(*store)->put(s.key, s.block, s.content, 1ms)) return 8;
  return is_served(**store, s) ? 0 : 9;
}

TEST(StoreDisk, AFullDiskIsAClearErrorAndNothingIsLost) {
  const tests::TemporaryFolder temporary;
  const int status = in_child([&] {
    const int flags = ::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
    if (::unshare(flags) != 0) return kCannotPrepare;
    ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    if (::mount("tmpfs", temporary.path().c_str(), "tmpfs", 0, "size=4m") != 0)
      return kCannotPrepare;
    return fill_the_disk(temporary.path() / "store");
  });
  if (status == kCannotPrepare) GTEST_SKIP() << "this system lets nobody mount a small tmpfs";
  EXPECT_EQ(status, 0) << "the step of fill_the_disk that went wrong";
}

TEST(StoreDisk, AFolderWithoutPermissionIsAClearError) {
  const tests::TemporaryFolder temporary;
  const auto folder = temporary.path() / "locked";
  const int status = in_child([&] {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0) {
      // Root may write everywhere: become somebody who owns the folder and may not.
      if (::chmod(temporary.path().c_str(), 0755) != 0) return kCannotPrepare;
      ::mkdir(folder.c_str(), 0500);
      if (::chown(folder.c_str(), kNobody, kNobody) != 0 || ::setgid(kNobody) != 0 ||
          ::setuid(kNobody) != 0)
        return kCannotPrepare;
    } else {
      ::mkdir(folder.c_str(), 0500);
    }
    const auto store = KvStore::open(folder / "store", kOptions);
    if (store) return 1;
    if (store.error().code != ErrorCode::kIo) return 2;
    if (store.error().message.find("Check that you own the folder") == std::string::npos) return 3;
    return store.error().message.find("locked") == std::string::npos ? 4 : 0;
  });
  if (status == kCannotPrepare) GTEST_SKIP() << "root here cannot become another user";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace kvlink::cache
