// SPDX-License-Identifier: Apache-2.0
// Folders that change: what is told, what is left out, and what becomes of documents that are gone.
#include "app/folder_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "app/folder_sync.h"
#include "app/ingestion.h"
#include "tests/app/tiny_library.h"

namespace kvlink::app::tests {
namespace {

using std::chrono::milliseconds;

class FolderWatching : public ::testing::Test {
 protected:
  FolderWatching() { fs::create_directories(root()); }

  fs::path root() const { return fs::weakly_canonical(library_.document("watched")); }

  FolderWatch watch(ScanOptions scan = {}) const {
    const std::vector<fs::path> roots = {root()};
    return value_or_throw(
        FolderWatch::start(roots, {.scan = std::move(scan), .quiet = milliseconds(100)}));
  }

  static bool tells(const std::vector<fs::path>& paths, const fs::path& path) {
    return std::find(paths.begin(), paths.end(), path) != paths.end();
  }

  TinyLibrary library_;
};

TEST_F(FolderWatching, TellsWhatIsWrittenMovedAndDeleted) {
  write_file(root() / "old.md", "old");
  write_file(root() / "gone.md", "gone");
  auto watched = watch();
  write_file(root() / "new.md", "new");
  fs::rename(root() / "old.md", root() / "moved.md");
  fs::remove(root() / "gone.md");
  const auto changes = watched.wait({});
  EXPECT_TRUE(tells(changes.changed, root() / "new.md"));
  EXPECT_TRUE(tells(changes.changed, root() / "moved.md"));
  EXPECT_TRUE(tells(changes.removed, root() / "old.md"));
  EXPECT_TRUE(tells(changes.removed, root() / "gone.md"));
  EXPECT_FALSE(changes.rescan);
}

TEST_F(FolderWatching, TellsOfFilesAndFoldersThatBecomeReadable) {
  write_file(root() / "a.md", "words");
  write_file(root() / "sub" / "b.md", "words");
  const Unprivileged nobody(library_.folder());
  fs::permissions(root() / "a.md", fs::perms::none);
  fs::permissions(root() / "sub", fs::perms::none);
  auto watched = watch();
  EXPECT_EQ(watched.n_watched(), 1);
  fs::permissions(root() / "a.md", fs::perms::owner_all);
  fs::permissions(root() / "sub", fs::perms::owner_all);
  const auto changes = watched.wait({});
  EXPECT_TRUE(tells(changes.changed, root() / "a.md"));
  EXPECT_TRUE(tells(changes.changed, root() / "sub"));
  EXPECT_EQ(watched.n_watched(), 2);
}

TEST_F(FolderWatching, WatchesFoldersThatCome) {
  auto watched = watch();
  fs::create_directories(root() / "sub");
  EXPECT_TRUE(tells(watched.wait({}).changed, root() / "sub"));
  EXPECT_EQ(watched.n_watched(), 2);
  write_file(root() / "sub" / "a.md", "words");
  EXPECT_TRUE(tells(watched.wait({}).changed, root() / "sub" / "a.md"));
}

TEST_F(FolderWatching, LeavesOutHiddenAndExcludedNames) {
  fs::create_directories(root() / ".git");
  fs::create_directories(root() / "node_modules");
  auto watched = watch({.exclude = {"node_modules", "*.log"}});
  EXPECT_EQ(watched.n_watched(), 1);
  write_file(root() / ".hidden.md", "x");
  write_file(root() / "run.log", "x");
  write_file(root() / "seen.md", "x");
  const auto changes = watched.wait({});
  ASSERT_EQ(changes.changed.size(), 1U);
  EXPECT_EQ(changes.changed[0], root() / "seen.md");
}

TEST_F(FolderWatching, FollowsNoLinkInACircle) {
  fs::create_directory_symlink(root(), root() / "loop");
  EXPECT_EQ(watch().n_watched(), 1);
}

TEST_F(FolderWatching, StopsWhenAsked) {
  auto watched = watch();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(watched.wait(stop.get_token()).empty());
}

TEST_F(FolderWatching, RemovesDocumentsWhoseFilesAreGoneButKeepsThoseOfADriveThatIs) {
  library_.write("watched/a.md", story("boat", 5));
  library_.write("watched/b.md", story("mill", 5));
  const auto session = library_.open();
  library_.add(*session);
  const std::vector<fs::path> roots = {root()};
  fs::remove(root() / "a.md");
  const auto removed = value_or_throw(drop_missing(*session, roots));
  EXPECT_EQ(removed.n_removed, 1);
  ASSERT_EQ(value_or_throw(session->library().documents()).size(), 1U);

  fs::rename(root(), root().string() + "_away");
  const auto offline = value_or_throw(drop_missing(*session, roots));
  EXPECT_EQ(offline.n_removed, 0);
  EXPECT_EQ(offline.n_offline, 1);
  EXPECT_TRUE(value_or_throw(session->library().documents())[0].offline);
  fs::create_directories(root());  // an empty mount point
  EXPECT_EQ(value_or_throw(drop_missing(*session, roots)).n_removed, 0);
  fs::remove(root());
  fs::rename(root().string() + "_away", root());
  EXPECT_EQ(value_or_throw(drop_missing(*session, roots)).n_online, 1);
  EXPECT_FALSE(value_or_throw(session->library().documents())[0].offline);
}

TEST_F(FolderWatching, PatternsFitNamesAndPaths) {
  const ScanOptions options{.exclude = {"*.log", "/home/me/*/old"}};
  EXPECT_TRUE(options.excludes("/a/b.log"));
  EXPECT_TRUE(options.excludes("/home/me/x/old"));
  EXPECT_FALSE(options.excludes("/home/me/x/older"));
  library_.write("watched/a.md", "words");
  library_.write("watched/b.log", "words");
  library_.write("watched/.c.md", "words");
  const std::vector<fs::path> roots = {root()};
  auto scan = scan_paths(roots, {}, {.exclude = {"*.log"}, .hidden = true});
  EXPECT_EQ(scan.files.size(), 2U);
  EXPECT_EQ(scan.n_excluded, 1);
  EXPECT_EQ(scan.n_hidden, 0);
}

}  // namespace
}  // namespace kvlink::app::tests
