// SPDX-License-Identifier: Apache-2.0
// Folders that change: what is told, what is left out, and what becomes of documents that are gone.
#include "app/folder_watch.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <algorithm>
#include <thread>

#include "app/folder_sync.h"
#include "app/ingestion.h"
#include "tests/app/tiny_library.h"

namespace kvlink::app::tests {
namespace {

using std::chrono::milliseconds;

/// The next changes; none after so long that none will come.
FolderChanges next(FolderWatch& watched) {
  std::stop_source give_up;
  const std::jthread clock([&](std::stop_token over) {
    for (int i = 0; i < 600 && !over.stop_requested(); ++i) {
      std::this_thread::sleep_for(milliseconds(50));
    }
    give_up.request_stop();
  });
  return watched.wait(give_up.get_token());
}

/// A drive at a folder, for as long as it lives or until it is taken away.
class Drive {
 public:
  explicit Drive(fs::path at)
      : at_(std::move(at)), there_(::mount("none", at_.c_str(), "tmpfs", 0, nullptr) == 0) {}
  ~Drive() {
    if (there_) take_away();
  }
  Drive(const Drive&) = delete;
  Drive& operator=(const Drive&) = delete;

  bool there() const { return there_; }
  void take_away() { there_ = ::umount2(at_.c_str(), MNT_DETACH) != 0; }

 private:
  fs::path at_;
  bool there_;
};

class FolderWatching : public ::testing::Test {
 protected:
  FolderWatching() { fs::create_directories(root()); }

  fs::path root() const { return fs::weakly_canonical(library_.document("watched")); }

  FolderWatch watch(ScanOptions scan = {}) const {
    const std::vector<fs::path> roots = {root()};
    return value_or_throw(
        FolderWatch::start(roots, {.scan = std::move(scan), .quiet = milliseconds(100)}));
  }

  static FolderWatch watch_only(const std::vector<fs::path>& roots) {
    return value_or_throw(FolderWatch::start(
        roots, {.quiet = milliseconds(100), .rescan_every = std::chrono::seconds(1)}));
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

TEST_F(FolderWatching, TellsOfAWatchedFolderThatGoesAwayAndComesBack) {
  write_file(root() / "sub" / "a.md", "words");
  auto watched = watch();
  const fs::path folder = root();
  const fs::path away = folder.string() + "_away";
  fs::rename(folder, away);
  EXPECT_TRUE(tells(next(watched).removed, folder));
  write_file(away / "sub" / "b.md", "not where it is watched");
  fs::rename(away, folder);
  EXPECT_EQ(next(watched).changed, std::vector{folder});
  EXPECT_EQ(watched.n_watched(), 3) << "with the one that it came back to";
  write_file(folder / "sub" / "c.md", "words");
  EXPECT_EQ(next(watched).changed, std::vector{folder / "sub" / "c.md"});
  fs::remove_all(folder);
  EXPECT_TRUE(tells(next(watched).removed, folder));
}

TEST_F(FolderWatching, TellsOfAFolderWhoseParentIsMoved) {
  const fs::path folder = root() / "deep" / "notes";
  fs::create_directories(folder);
  auto watched = watch_only({folder});
  fs::rename(root() / "deep", root() / "elsewhere");
  EXPECT_EQ(next(watched).removed, std::vector{folder});
  fs::rename(root() / "elsewhere", root() / "deep");
  EXPECT_TRUE(next(watched).rescan);
}

TEST_F(FolderWatching, ForgetsFoldersThatAreMovedOut) {
  fs::create_directories(root() / "sub" / "deep");
  auto watched = watch();
  EXPECT_EQ(watched.n_watched(), 3);
  const fs::path away = root().string() + "_away";
  fs::rename(root() / "sub", away);
  EXPECT_EQ(next(watched).removed, std::vector{root() / "sub"});
  EXPECT_EQ(watched.n_watched(), 1);
  write_file(away / "deep" / "a.md", "not below the folder any more");
  write_file(root() / "b.md", "words");
  EXPECT_EQ(next(watched).changed, std::vector{root() / "b.md"});
}

TEST_F(FolderWatching, WatchesAFileThatWasNamedItself) {
  const fs::path file = root() / ".notes.md";
  write_file(file, "old");
  auto watched = watch_only({file});
  EXPECT_EQ(watched.n_watched(), 1);
  write_file(root() / "other.md", "not asked for");
  write_file(root() / "saved", "new");
  fs::rename(root() / "saved", file);  // as editors save
  EXPECT_EQ(next(watched).changed, std::vector{file});
  fs::remove(root() / "other.md");
  fs::remove(file);
  EXPECT_EQ(next(watched).removed, std::vector{file});
  write_file(file, "back");
  EXPECT_EQ(next(watched).changed, std::vector{file});
  fs::rename(root(), root().string() + "_away");
  EXPECT_EQ(next(watched).removed, std::vector{file}) << "with the folder it lies in";
}

TEST_F(FolderWatching, TakesNothingForDeletedWhoseDriveIsTakenAway) {
  Drive drive(root());
  if (!drive.there()) GTEST_SKIP() << "no drive may be mounted here";
  library_.write("watched/a.md", story("boat", 5));
  library_.write("watched/sub/b.md", story("mill", 5));
  const auto session = library_.open();
  library_.add(*session);
  auto watched = watch();
  drive.take_away();
  const auto changes = next(watched);
  EXPECT_TRUE(changes.rescan);
  EXPECT_TRUE(changes.removed.empty());
  const auto synced = value_or_throw(drop_missing(*session, watched.roots(), changes.removed));
  EXPECT_EQ(synced.n_removed, 0);
  EXPECT_EQ(synced.n_offline, 2);
  write_file(root() / "c.md", "at the mount point");
  EXPECT_EQ(next(watched).changed, std::vector{root() / "c.md"});
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
