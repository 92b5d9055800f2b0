// SPDX-License-Identifier: Apache-2.0
// Room kept for a full disk: made, given up, made again; what a session and an ingestion say.
#include "app/disk_reserve.h"

#include <gtest/gtest.h>

#include "app/folder_following.h"
#include "tests/app/tiny_library.h"

namespace kvlink::app::tests {
namespace {

/// The real one, on a disk that is as full as the test says.
class SmallDisk final : public FileSystem {
 public:
  std::int64_t free = std::int64_t{1} << 30;

  std::unique_ptr<PendingFile> create(const fs::path& path, std::int64_t bytes) override {
    return real_.create(path, bytes);
  }
  std::unique_ptr<ReadableFile> open(const fs::path& path) override { return real_.open(path); }
  std::optional<FileStat> stat(const fs::path& path) override { return real_.stat(path); }
  void remove(const fs::path& path) override { real_.remove(path); }
  void rename(const fs::path& from, const fs::path& to) override { real_.rename(from, to); }
  std::vector<fs::path> list(const fs::path& folder) override { return real_.list(folder); }
  void make_folder(const fs::path& folder) override { real_.make_folder(folder); }
  void sync_folder(const fs::path& folder) override { real_.sync_folder(folder); }
  std::int64_t free_bytes(const fs::path&) override { return free; }
  void drop_page_cache(const fs::path& path) override { real_.drop_page_cache(path); }

 private:
  FileSystem& real_ = FileSystem::posix();
};

TEST(DiskReserve, IsGivenUpOnAFullDiskAndMadeAgainWhenThereIsPlenty) {
  const kvlink::tests::TemporaryFolder folder;
  const fs::path file = folder.path() / "reserve";
  SmallDisk disk;
  DiskReserve reserve(folder.path(), disk);
  EXPECT_FALSE(reserve.settle());
  EXPECT_EQ(fs::file_size(file), std::uintmax_t{DiskReserve::kBytes});
  disk.free = DiskReserve::kScarceBytes;  // enough, while the file is there
  EXPECT_FALSE(reserve.settle());
  disk.free = DiskReserve::kScarceBytes - 1;
  EXPECT_TRUE(reserve.settle());
  EXPECT_FALSE(fs::exists(file));
  // What it gave is not taken back at once.
  disk.free = DiskReserve::kBytes + DiskReserve::kScarceBytes;
  EXPECT_TRUE(reserve.settle());
  EXPECT_FALSE(fs::exists(file));
  disk.free = DiskReserve::kBytes + DiskReserve::kBytesToAdd;
  EXPECT_FALSE(reserve.settle());
  EXPECT_TRUE(fs::exists(file));
}

TEST(DiskReserve, TakesAwayWhatAKilledProcessLeftHalfMade) {
  const kvlink::tests::TemporaryFolder folder;
  write_file(folder.path() / "reserve.123-4.tmp", "half");
  write_file(folder.path() / "other.tmp", "kept");
  SmallDisk disk;
  EXPECT_FALSE(DiskReserve(folder.path(), disk).settle());
  EXPECT_FALSE(fs::exists(folder.path() / "reserve.123-4.tmp"));
  EXPECT_TRUE(fs::exists(folder.path() / "other.tmp"));
}

TEST(DiskReserve, OnAFullDiskQuestionsAreAnsweredAndAddingSaysWhy) {
  const TinyLibrary library;
  library.write("otter.md", story("otter", 30));
  SmallDisk disk;
  {
    auto session = library.open({}, disk);
    EXPECT_TRUE(library.add(*session).problems.empty());
    EXPECT_EQ(session->why_no_room(), "");
  }
  disk.free = 0;
  auto session = library.open({}, disk);
  ASSERT_FALSE(session->notices().empty());
  EXPECT_NE(session->notices().front().find("is full"), std::string::npos);
  EXPECT_FALSE(ask(*session, "What has the otter?").sources.empty());
  library.write("seal.md", story("seal", 30));
  library.write("whale.md", story("whale", 30));
  const auto report = library.add(*session);
  ASSERT_EQ(report.problems.size(), 1U) << "one sentence for all that waits";
  EXPECT_EQ(report.problems.front().code, ErrorCode::kOutOfMemory);
  EXPECT_NE(report.problems.front().reason.find("2 more files"), std::string::npos);
  EXPECT_EQ(value_or_throw(session->library().documents()).size(), 1U);
}

TEST(DiskReserve, AFollowedFolderLosesNothingThatIsRenamedWhileTheDiskIsFull) {
  const TinyLibrary library;
  library.write("a.md", story("otter", 5));
  library.write("kept.md", story("seal", 5));
  SmallDisk disk;
  const auto session = library.open({}, disk);
  library.add(*session, Ingestion::Caching::kNo);
  const auto paths = [&] {
    std::vector<std::string> names;
    for (const auto& document : value_or_throw(session->library().documents())) {
      names.push_back(fs::path(document.path).filename());
    }
    return names;
  };
  std::stop_source stop;
  bool was_full = false;
  const auto on_added = [&](const IngestReport& report) {
    EXPECT_EQ(report.cut_short, !was_full);
    if (was_full) {
      stop.request_stop();
      return;
    }
    was_full = true;
    disk.free = std::int64_t{1} << 30;
    library.write("next.md", story("whale", 5));
  };
  const auto on_synced = [&](const SyncReport& synced) { EXPECT_EQ(synced.n_removed, 0); };
  const std::vector roots = {library.document("")};
  Ingestion ingestion(*session, {});
  FolderFollowing following(
      *session, ingestion,
      value_or_throw(FolderWatch::start(roots, {.quiet = std::chrono::milliseconds(100)})), {},
      Ingestion::Caching::kNo, {on_added, on_synced});
  disk.free = 0;
  fs::rename(library.document("a.md"), library.document("b.md"));
  EXPECT_TRUE(value_or_throw(following.run(stop.get_token())));
  EXPECT_EQ(paths(), (std::vector<std::string>{"b.md", "kept.md", "next.md"}));
}

}  // namespace
}  // namespace kvlink::app::tests
