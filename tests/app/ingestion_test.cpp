// SPDX-License-Identifier: Apache-2.0
// From files to passages and blocks: increments, removals, stops, budgets and hostile files.
#include "app/ingestion.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <thread>

#include "app/low_priority.h"
#include "app/reconcile.h"
#include "retrieval/chunker.h"
#include "tests/app/tiny_library.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/unwritable_files.h"

namespace kvlink::app::tests {
namespace {

using cache::KvStore;

class IngestionTest : public ::testing::Test {
 protected:
  retrieval::Document find(Session& session, std::string_view name) {
    const auto path = fs::weakly_canonical(library_.document(name)).string();
    return value_or_throw(session.library().find_path(path)).value();
  }

  static std::set<Digest> contents_of_blocks(Session& session) {
    std::set<Digest> contents;
    for (const auto& row : value_or_throw(session.store().list())) contents.insert(row.content);
    return contents;
  }

  static std::set<Digest> contents_of_chunks(Session& session) {
    std::set<Digest> contents;
    for (const auto& document : value_or_throw(session.library().documents())) {
      for (const auto& chunk : value_or_throw(session.library().chunks(document.id))) {
        contents.insert(chunk.content);
      }
    }
    return contents;
  }

  static const FileProblem* problem_of(const IngestReport& report, std::string_view name) {
    for (const auto& problem : report.problems) {
      if (problem.path.ends_with(name)) return &problem;
    }
    return nullptr;
  }

  TinyLibrary library_;
};

TEST(LowPriority, IsOfTheThreadAloneAndNeverAboveWhatItHad) {
  const auto niceness = [] { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); };
  const int before = niceness();
  int lowered = 0, inherited = 0;
  std::thread([&] {
    lower_own_priority();
    lowered = niceness();
    std::thread([&] { inherited = niceness(); }).join();
  }).join();
  EXPECT_EQ(lowered, std::max(before, 10));
  EXPECT_EQ(inherited, lowered);
  EXPECT_EQ(niceness(), before);
}

TEST(PassageSizes, ThatSettingsAllowAreAllowedByTheChunker) {
  const kvlink::tests::TemporaryFolder folder;
  const auto file = folder.path() / "settings.json";
  const auto is_chunkable = [](std::int64_t max_tokens) {
    const auto chunks = returning([&] {
      return retrieval::chunk_text("", {}, [](std::string_view text) { return std::ssize(text); },
                                   {.target_tokens = 16, .max_tokens = max_tokens});
    });
    return chunks.has_value();
  };
  for (const std::int32_t n : {16, 31, 32, 8192, 8193}) {
    Settings settings;
    settings.chunk_target_tokens = 16;
    settings.chunk_max_tokens = n;
    const bool is_allowed = settings_problem(settings).empty();
    EXPECT_EQ(is_allowed, n >= 32 && n <= 8192) << n;
    EXPECT_TRUE(!is_allowed || is_chunkable(n)) << n;
    write_file(file,
               R"({"chunk_target_tokens": 16, "chunk_max_tokens": )" + std::to_string(n) + "}");
    const auto loaded = value_or_throw(load_settings(file));
    EXPECT_EQ(loaded.settings.chunk_max_tokens, is_allowed ? n : 256);
    EXPECT_EQ(loaded.notices.empty(), is_allowed) << n;
  }
  EXPECT_FALSE(is_chunkable(31));
}

TEST_F(IngestionTest, MakesEveryPassageSearchableAndCached) {
  library_.write("a.md", story("boat", 12));
  library_.write("sub/b.txt", story("mill", 12));
  const auto session = library_.open();
  const auto report = library_.add(*session);
  EXPECT_EQ(report.n_added, 2);
  EXPECT_TRUE(report.all_searchable());
  EXPECT_EQ(report.caching.n_left, 0);
  EXPECT_EQ(report.caching.n_encoded, session->library().n_chunks());
  EXPECT_EQ(contents_of_blocks(*session), contents_of_chunks(*session));
}

TEST_F(IngestionTest, UnchangedFilesAreSkippedAndEditedOnesEncodeOnlyChangedPassages) {
  library_.write("a.md", story("boat", 30));
  library_.write("b.md", story("mill", 12));
  const auto session = library_.open();
  library_.add(*session);
  const auto again = library_.add(*session);
  EXPECT_EQ(again.n_unchanged, 2);
  EXPECT_EQ(again.caching.n_encoded, 0);

  library_.write("a.md", story("boat", 30) + "\n\nThe boat was painted green in the last year.\n");
  const auto edited = library_.add(*session);
  EXPECT_EQ(edited.n_updated, 1);
  EXPECT_EQ(edited.n_unchanged, 1);
  EXPECT_GE(edited.caching.n_encoded, 1);
  EXPECT_LT(edited.caching.n_encoded, find(*session, "a.md").n_chunks / 2);
  EXPECT_EQ(contents_of_blocks(*session), contents_of_chunks(*session))
      << "a block of text that is gone was left behind, or a new one is missing";
}

TEST_F(IngestionTest, RemovingErasesBlocksThatNoOtherDocumentShares) {
  library_.write("a.md", story("boat", 12));
  library_.write("copy.md", story("boat", 12));
  library_.write("b.md", story("mill", 12));
  const auto session = library_.open();
  library_.add(*session);
  const auto all = contents_of_blocks(*session);
  const auto remove = [&](const char* name) {
    const auto id = find(*session, name).id;
    return value_or_throw(
        remove_documents(session->library(), session->store(), std::span(&id, 1)));
  };
  EXPECT_EQ(remove("a.md"), 0);
  EXPECT_EQ(contents_of_blocks(*session), all) << "the copy still needs them";
  EXPECT_GT(remove("copy.md"), 0);
  EXPECT_EQ(contents_of_blocks(*session), contents_of_chunks(*session));
  EXPECT_EQ(value_or_throw(session->library().documents()).size(), 1U);
}

TEST_F(IngestionTest, AFileThatCannotBeRemovedKeepsNoOtherBlockOfTheText) {
  library_.write("a.md", story("boat", 12));
  kvlink::tests::FaultyFileSystem files;
  const auto session = library_.open({}, files);
  library_.add(*session);
  ASSERT_GT(contents_of_blocks(*session).size(), 2U);
  const auto id = find(*session, "a.md").id;
  files.fail_call(1, kvlink::tests::Fault::kIoError, kvlink::tests::Times::kOnce);
  EXPECT_FALSE(remove_documents(session->library(), session->store(), std::span(&id, 1)));
  EXPECT_EQ(files.n_failed(), 1);
  EXPECT_TRUE(contents_of_blocks(*session).empty());
}

TEST_F(IngestionTest, BlocksOfTextThatDiedWithAProcessAreErasedAtTheNextStart) {
  library_.write("a.md", story("boat", 12));
  {
    const auto session = library_.open();
    library_.add(*session);
    // A process that dies between the library's commit and the store's leaves this behind.
    const auto id = find(*session, "a.md").id;
    ASSERT_TRUE(session->library().remove(std::span(&id, 1)));
    EXPECT_FALSE(contents_of_blocks(*session).empty());
  }
  write_file(library_.paths().lock_file(), "999999\n");
  const auto session = library_.open();
  EXPECT_TRUE(contents_of_blocks(*session).empty());
}

TEST_F(IngestionTest, BlocksThatCouldNotBeErasedGoWhenTheNextSessionStarts) {
  library_.write("a.md", story("boat", 12));
  {
    auto session = library_.open();
    library_.add(*session);
    const auto documents = value_or_throw(session->library().documents());
    value_or_throw(session->library().remove(std::vector{documents.front().id}));
    const auto erased = value_or_throw(session->library().erase_removed());
    ASSERT_GT(erased.orphaned.size(), 1U);
    const kvlink::tests::UnwritableFiles disk;
    ASSERT_FALSE(session->store().erase_contents(erased.orphaned));
    session.reset();
  }
  EXPECT_TRUE(read_text(library_.paths().lock_file()).starts_with(std::to_string(::getpid())));
  EXPECT_TRUE(value_or_throw(library_.open()->store().list()).empty());
  EXPECT_TRUE(read_text(library_.paths().lock_file()).starts_with("\n")) << "it is set right";
}

TEST_F(IngestionTest, AStoppedRunKeepsWhatItHasAndTheNextOneFinishes) {
  for (int i = 0; i < 6; ++i) {
    library_.write("d" + std::to_string(i) + ".md", story("boat " + std::to_string(i), 12));
  }
  const auto session = library_.open();
  const fs::path documents = library_.document("");
  for (const auto phase : {IngestPhase::kIndexing, IngestPhase::kCaching}) {
    std::stop_source stop;
    Ingestion ingestion(*session, [&](const IngestProgress& progress) {
      const bool some_done = progress.n_files_done > 1 || progress.n_tokens_done > 0;
      if (progress.phase == phase && some_done) stop.request_stop();
    });
    const auto report = value_or_throw(
        ingestion.add(std::span(&documents, 1), Ingestion::Caching::kYes, stop.get_token()));
    EXPECT_TRUE(report.cancelled || report.caching.n_left == 0);
    EXPECT_TRUE(report.problems.empty());
  }
  const auto report = library_.add(*session);
  EXPECT_FALSE(report.cancelled);
  EXPECT_EQ(value_or_throw(session->library().documents()).size(), 6U);
  EXPECT_EQ(contents_of_blocks(*session), contents_of_chunks(*session));
}

TEST_F(IngestionTest, AStopEndsTheWaitForQuestionsBeforeACommit) {
  const ScannedFile file{library_.write("empty.md", ""), 0};
  const auto session = library_.open();
  const auto text = value_or_throw(FileTextReader(*session, {}).read(file, {}));
  std::stop_source stop;
  stop.request_stop();
  const auto indexed = DocumentIndexer(*session).index(file, text, stop.get_token());
  ASSERT_FALSE(indexed);
  EXPECT_EQ(indexed.error().code, ErrorCode::kCancelled) << indexed.error().message;
}

TEST_F(IngestionTest, TheDiskBudgetStopsCachingNotSearching) {
  library_.write("a.md", story("boat", 60));
  const auto session = library_.open([](Settings& s) { s.disk_budget_bytes = 256 << 10; });
  const auto report = library_.add(*session);
  EXPECT_TRUE(report.all_searchable());
  EXPECT_GT(report.caching.n_encoded, 0);
  EXPECT_GT(report.caching.n_left, 0);
  EXPECT_NE(report.caching.stopped_because.find("budget"), std::string::npos);
  EXPECT_LE(session->store().totals().disk_bytes, 256 << 10);
  EXPECT_EQ(report.caching.n_encoded + report.caching.n_left, session->library().n_chunks());
}

TEST_F(IngestionTest, AFullDiskIsSaidAndLeavesEverythingSearchable) {
  library_.write("a.md", story("boat", 12));
  kvlink::tests::FaultyFileSystem files;
  const auto session = library_.open({}, files);
  const auto indexed = library_.add(*session, Ingestion::Caching::kNo);
  EXPECT_TRUE(indexed.all_searchable());
  files.fail_call(1, kvlink::tests::Fault::kDiskFull, kvlink::tests::Times::kEverAfter);
  const auto report = library_.add(*session);
  EXPECT_FALSE(report.caching.stopped_because.empty());
  EXPECT_GT(files.n_failed(), 0);
  EXPECT_EQ(session->store().totals().n_blocks, 0);
  files.heal();
  EXPECT_EQ(library_.add(*session).caching.stopped_because, "");
  EXPECT_EQ(contents_of_blocks(*session), contents_of_chunks(*session));
}

TEST_F(IngestionTest, ABlockOfAnAnswerThatWasNotWrittenDoesNotEndTheNextRun) {
  library_.write("a.md", story("boat", 12));
  kvlink::tests::FaultyFileSystem files;
  const auto session = library_.open({}, files);
  library_.add(*session, Ingestion::Caching::kNo);
  files.fail_call(1, kvlink::tests::Fault::kDiskFull, kvlink::tests::Times::kEverAfter);
  ask(*session, "boat");
  for (int i = 0; i < 10'000 && !session->writer().failure(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_TRUE(session->writer().failure());
  files.heal();
  const auto report = library_.add(*session);
  EXPECT_EQ(report.caching.stopped_because, "");
  EXPECT_EQ(report.caching.n_left, 0);
  EXPECT_EQ(contents_of_blocks(*session), contents_of_chunks(*session));
}

TEST_F(IngestionTest, HostileFilesFailAloneWithAReason) {
  library_.write("good.md", story("boat", 6));
  library_.write("empty.md", "");
  library_.write("blank.txt", " \n\n \t\n");
  library_.write("binary.txt", std::string("\x7f"
                                           "ELF\0\0\1\2\0\xff",
                                           10) +
                                   std::string(3000, '\0'));
  library_.write("broken.txt", "caf\xe9 au lait, \xff\xfe and the rest of a plain sentence.");
  library_.write("huge.txt", "x");
  fs::resize_file(library_.document("huge.txt"), std::uintmax_t{1} << 30);
  library_.write("picture.png", "not read");
  library_.write(".hidden.md", "not taken");
  ASSERT_EQ(::mkfifo(library_.document("pipe.txt").c_str(), 0600), 0);
  fs::create_symlink(library_.document(""), library_.document("loop"));
  fs::create_symlink("self.md", library_.document("self.md"));

  const auto session = library_.open();
  const auto report = library_.add(*session);
  EXPECT_FALSE(report.all_searchable());
  EXPECT_EQ(report.n_added, 2) << "good.md and broken.txt";
  for (const char* name : {"empty.md", "blank.txt", "binary.txt", "huge.txt"}) {
    ASSERT_NE(problem_of(report, name), nullptr) << name;
    EXPECT_FALSE(problem_of(report, name)->reason.empty()) << name;
  }
  EXPECT_NE(problem_of(report, "huge.txt")->reason.find("larger than"), std::string::npos);
  ASSERT_EQ(report.unsupported.size(), 1U);
  EXPECT_TRUE(report.unsupported[0].ends_with("picture.png"));
  EXPECT_FALSE(find(*session, "broken.txt").problem.empty()) << "the repair is not told";
  EXPECT_EQ(find(*session, "empty.md").state, retrieval::DocumentState::kFailed);
}

TEST_F(IngestionTest, AFileWithoutPermissionIsAProblemOfItsOwn) {
  library_.write("good.md", story("boat", 6));
  library_.write("closed.md", story("mill", 6));
  fs::permissions(library_.document("closed.md"), fs::perms::none);
  const Unprivileged user(library_.folder());
  const auto session = library_.open();
  const auto report = library_.add(*session);
  EXPECT_EQ(report.n_added, 1);
  ASSERT_NE(problem_of(report, "closed.md"), nullptr);
  EXPECT_EQ(problem_of(report, "closed.md")->code, ErrorCode::kIo);
}

TEST_F(IngestionTest, AFileThatTurnsUnusableLosesItsOldText) {
  library_.write("a.md", story("boat", 12));
  const auto session = library_.open();
  library_.add(*session);
  library_.write("a.md", "");
  const auto report = library_.add(*session);
  EXPECT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(session->library().n_chunks(), 0);
  EXPECT_TRUE(contents_of_blocks(*session).empty());
  library_.write("a.md", story("boat", 12));
  EXPECT_EQ(library_.add(*session).n_updated, 1);
}

TEST_F(IngestionTest, AMissingPathIsNamed) {
  const auto session = library_.open();
  Ingestion ingestion(*session, {});
  const fs::path missing = library_.document("nowhere.md");
  const auto report =
      value_or_throw(ingestion.add(std::span(&missing, 1), Ingestion::Caching::kYes, {}));
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].code, ErrorCode::kNotFound);
  EXPECT_FALSE(report.all_searchable());
}

TEST_F(IngestionTest, ProgressIsToldAtMostTenTimesASecondAndEndsComplete) {
  for (int i = 0; i < 30; ++i) {
    library_.write("d" + std::to_string(i) + ".md", story("boat " + std::to_string(i), 3));
  }
  const auto session = library_.open();
  std::vector<IngestProgress> told;
  const fs::path documents = library_.document("");
  const auto begin = std::chrono::steady_clock::now();
  Ingestion ingestion(*session, [&](const IngestProgress& progress) { told.push_back(progress); });
  value_or_throw(ingestion.add(std::span(&documents, 1), Ingestion::Caching::kYes, {}));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  // Five tellings open and close phases whatever the time.
  EXPECT_LE(static_cast<double>(told.size()), took.count() * 10 + 6);
  EXPECT_EQ(told.back().phase, IngestPhase::kCaching);
  EXPECT_EQ(told.back().n_files_done, 30);
  EXPECT_EQ(told.back().n_tokens_done, told.back().n_tokens);
}

TEST_F(IngestionTest, AQuestionOvertakesIngestionOnAnotherThread) {
  library_.write("a.md", story("boat", 60));
  const auto session = library_.open();
  library_.add(*session, Ingestion::Caching::kNo);
  std::jthread ingesting([&] { library_.add(*session); });
  const Answer answer = ask(*session, "boat");
  EXPECT_GT(answer.n_tokens, 0);
  ingesting.join();
  EXPECT_EQ(contents_of_blocks(*session), contents_of_chunks(*session));
}

}  // namespace
}  // namespace kvlink::app::tests
