// SPDX-License-Identifier: Apache-2.0
// What was deleted, and what only cannot be seen.
#include "app/file_presence.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "app/folder_sync.h"
#include "tests/app/tiny_library.h"

namespace kvlink::app {
namespace {

namespace fs = std::filesystem;
using tests::story;

class FilePresenceTest : public ::testing::Test {
 protected:
  FilePresenceTest() {
    library_.write("root/kept.md", story("kept", 5));
    library_.write("root/drive/a.md", story("boat", 5));
    library_.write("root/drive/b.md", story("mill", 5));
  }

  fs::path root() { return fs::canonical(library_.document("root")); }
  fs::path drive() { return root() / "drive"; }
  Presence presence(const fs::path& file, const std::vector<fs::path>& reported = {}) {
    return FilePresence(reported).of(file, root());
  }

  tests::TinyLibrary library_;
};

TEST_F(FilePresenceTest, SaysThatAFileIsGoneWhoseFolderHoldsOthers) {
  EXPECT_EQ(presence(drive() / "a.md"), Presence::kHere);
  fs::remove(drive() / "a.md");
  EXPECT_EQ(presence(drive() / "a.md"), Presence::kGone);
}

TEST_F(FilePresenceTest, SaysThatFilesOfADeletedFolderAreGone) {
  fs::remove_all(drive());
  EXPECT_EQ(presence(drive() / "a.md"), Presence::kGone);
}

TEST_F(FilePresenceTest, TakesAnEmptyFolderForAMountPointUnlessToldOtherwise) {
  fs::remove(drive() / "a.md");
  fs::remove(drive() / "b.md");
  EXPECT_EQ(presence(drive() / "a.md"), Presence::kOutOfReach);
  EXPECT_EQ(presence(drive() / "a.md", {drive() / "a.md"}), Presence::kGone);
  EXPECT_EQ(presence(drive() / "a.md", {drive()}), Presence::kGone);
  EXPECT_EQ(presence(drive() / "a.md", {root() / "dri"}), Presence::kOutOfReach);
}

TEST_F(FilePresenceTest, TakesARootThatIsNotThereForADriveThatIsNot) {
  const fs::path file = drive() / "a.md", named = root();
  fs::rename(named, named.string() + "_away");
  EXPECT_EQ(FilePresence().of(file, named), Presence::kOutOfReach);
}

TEST_F(FilePresenceTest, CannotSayWhatItMayNotSee) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may look everywhere";
  fs::permissions(drive(), fs::perms::none);
  EXPECT_EQ(presence(drive() / "a.md"), Presence::kOutOfReach);
  fs::permissions(drive(), fs::perms::owner_all);
}

TEST_F(FilePresenceTest, KeepsDocumentsOfADriveThatIsUnmountedBelowAFolder) {
  const auto session = library_.open();
  library_.add(*session);
  const fs::path away = root().string() + "_away";
  fs::rename(drive(), away);
  fs::create_directory(drive());
  // The drive is followed itself, too: what one folder cannot see is not deleted for the other.
  const auto report = value_or_throw(drop_missing(*session, std::vector{root(), drive()}));
  EXPECT_EQ(report.n_removed, 0);
  EXPECT_EQ(report.n_offline, 2);
  EXPECT_EQ(value_or_throw(session->library().documents()).size(), 3U);
  fs::remove(drive());
  fs::rename(away, drive());
  EXPECT_EQ(value_or_throw(drop_missing(*session, std::vector{root()})).n_online, 2);
}

}  // namespace
}  // namespace kvlink::app
