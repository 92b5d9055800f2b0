// SPDX-License-Identifier: Apache-2.0
// A library that follows folders: what it takes over, and what a stop leaves as it was.
#include "app/folder_following.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>

#include "tests/app/tiny_library.h"

namespace kvlink::app::tests {
namespace {

using std::chrono::milliseconds;

class Following : public ::testing::Test {
 protected:
  Following() : session_(library_.open()), ingestion_(*session_, {}) {}

  FolderFollowing follow(const std::vector<fs::path>& roots, FolderFollowing::Events events) {
    auto watch = value_or_throw(FolderWatch::start(roots, {.quiet = milliseconds(100)}));
    return {*session_,        ingestion_, std::move(watch), {}, Ingestion::Caching::kNo,
            std::move(events)};
  }

  /// Follows until `stop_` is asked to, or for so long that nothing will come any more.
  bool run(FolderFollowing& following) {
    const std::jthread clock([&](std::stop_token over) {
      for (int i = 0; i < 600 && !over.stop_requested(); ++i) {
        std::this_thread::sleep_for(milliseconds(50));
      }
      stop_.request_stop();
    });
    return value_or_throw(following.run(stop_.get_token()));
  }

  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& document : value_or_throw(session_->library().documents())) {
      found.insert(fs::path(document.path).filename().string());
    }
    return found;
  }

  using Names = std::set<std::string>;
  TinyLibrary library_;
  std::unique_ptr<Session> session_;
  Ingestion ingestion_;
  std::stop_source stop_;
};

TEST_F(Following, DropsNothingWhenTheStopComesWhileARenamedFileIsAdded) {
  library_.write("a.md", story("boat", 5));
  library_.write("kept.md", story("mill", 5));
  library_.add(*session_, Ingestion::Caching::kNo);
  std::int64_t n_removed = 0;
  auto following =
      follow({library_.document("")},
             {.on_added = {}, .on_synced = [&](auto& synced) { n_removed += synced.n_removed; }});
  ingestion_.set_events({.on_scanned = {},
                         .on_file = [&](const ScannedFile&) { stop_.request_stop(); },
                         .on_text = {},
                         .on_indexed = {}});
  fs::rename(library_.document("a.md"), library_.document("b.md"));
  EXPECT_FALSE(run(following)) << "something is left to do";
  EXPECT_EQ(n_removed, 0);
  EXPECT_EQ(names(), (Names{"a.md", "kept.md"}));

  const auto rest = library_.add(*session_, Ingestion::Caching::kNo);
  EXPECT_EQ(rest.n_parsed, 0) << "it is still known by its content";
  EXPECT_EQ(names(), (Names{"b.md", "kept.md"}));
}

TEST_F(Following, TakesOverWhatChangesDuringTheFirstAddition) {
  library_.write("a.md", story("boat", 5));
  auto following = follow({library_.document("")}, {.on_added =
                                                        [&](const IngestReport& report) {
                                                          EXPECT_EQ(report.n_added, 1);
                                                          stop_.request_stop();
                                                        },
                                                    .on_synced = {}});
  ingestion_.set_events({.on_scanned = {},
                         .on_file =
                             [&](const ScannedFile& file) {
                               if (file.path.filename() != "a.md") return;
                               library_.write("late.md", story("mill", 5));
                             },
                         .on_text = {},
                         .on_indexed = {}});
  const std::vector roots = {library_.document("")};
  EXPECT_EQ(value_or_throw(ingestion_.add(roots, Ingestion::Caching::kNo, {})).n_added, 1);
  EXPECT_TRUE(run(following));
  EXPECT_EQ(names(), (Names{"a.md", "late.md"}));
}

TEST_F(Following, KeepsTheDocumentsOfAFolderThatIsMovedAwayUntilItIsBack) {
  library_.write("a.md", story("boat", 5));
  library_.add(*session_, Ingestion::Caching::kNo);
  const fs::path folder = fs::canonical(library_.document(""));
  const fs::path away = folder.string() + "_away";
  SyncReport total;
  auto following = follow({folder}, {.on_added = {}, .on_synced = [&](const SyncReport& synced) {
                                       total.n_removed += synced.n_removed;
                                       total.n_offline += synced.n_offline;
                                       if (synced.n_offline > 0) stop_.request_stop();
                                     }});
  fs::rename(folder, away);
  EXPECT_TRUE(run(following));
  EXPECT_EQ(total.n_removed, 0);
  EXPECT_EQ(total.n_offline, 1);
  fs::rename(away, folder);
}

TEST_F(Following, AFileThatWasNamedItselfIsFollowedAlone) {
  const fs::path file = library_.write("a.md", story("boat", 5));
  library_.add(*session_, Ingestion::Caching::kNo);
  auto following = follow({file}, {.on_added =
                                       [&](const IngestReport& report) {
                                         EXPECT_EQ(report.n_updated, 1);
                                         EXPECT_EQ(report.n_added, 0);
                                         stop_.request_stop();
                                       },
                                   .on_synced = {}});
  library_.write("neighbour.md", story("mill", 5));
  library_.write("a.md", story("lock", 5));
  EXPECT_TRUE(run(following));
  EXPECT_EQ(names(), Names{"a.md"});
}

}  // namespace
}  // namespace kvlink::app::tests
