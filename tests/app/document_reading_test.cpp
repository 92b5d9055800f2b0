// SPDX-License-Identifier: Apache-2.0
// Documents of other formats through the whole of ingestion: places, problems, quarantine, renames.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "app/ingestion.h"
#include "app/place_words.h"
#include "tests/app/tiny_library.h"

namespace kvlink::app::tests {
namespace {

using retrieval::ReadProblem;

class DocumentReading : public ::testing::Test {
 protected:
  /// A session whose documents are read by the hostile child of tests/retrieval.
  std::unique_ptr<Session> open_hostile() const {
    SessionOptions options;
    options.paths = library_.paths();
    options.paths.reader = beside_this_program("kvlink_hostile_child");
    return value_or_throw(Session::open(std::move(options)));
  }

  retrieval::Document find(Session& session, std::string_view name) const {
    const auto path = fs::weakly_canonical(library_.document(name)).string();
    return value_or_throw(session.library().find_path(path)).value();
  }

  TinyLibrary library_;
};

TEST_F(DocumentReading, FindsAPageAndNamesItsPlace) {
  library_.write("cats.html", "<title>Cats</title><h1>Whiskers</h1><p>" + story("cat", 8));
  library_.write("prices.csv", "article,price\nteapot,7\nkettle,12\n");
  const auto session = library_.open();
  const auto report = library_.add(*session, Ingestion::Caching::kNo);
  EXPECT_TRUE(report.all_searchable());
  EXPECT_EQ(report.n_parsed, 2);
  const auto cats = find(*session, "cats.html");
  EXPECT_EQ(cats.title, "Cats");
  EXPECT_EQ(cats.media_type, "text/html");
  const auto chunks = value_or_throw(session->library().chunks(cats.id));
  EXPECT_EQ(chunks[0].chunk.heading, "Whiskers");
  EXPECT_TRUE(place_in_words(chunks[0].chunk.anchor).starts_with("paragraph"));
  const auto rows = value_or_throw(session->library().chunks(find(*session, "prices.csv").id));
  EXPECT_EQ(place_in_words(rows[0].chunk.anchor), "sheet table, rows 1-3");
}

TEST_F(DocumentReading, KeepsTheReasonOfWhatCannotBeRead) {
  library_.write("scan.pdf", "%PDF-1.4 broken");
  library_.write("good.txt", story("boat", 5));
  const auto session = library_.open();
  const auto report = library_.add(*session, Ingestion::Caching::kNo);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].kind, ReadProblem::kDamaged);
  const auto failed = find(*session, "scan.pdf");
  EXPECT_EQ(failed.state, retrieval::DocumentState::kFailed);
  EXPECT_EQ(failed.problem_kind, ReadProblem::kDamaged);
  EXPECT_FALSE(failed.problem.empty());
  EXPECT_EQ(report.n_added, 1);
}

TEST_F(DocumentReading, SetsAsideWhatStopsTheReaderTwice) {
  library_.write("bad.txt", "crash");
  library_.write("good.txt", "fine words");
  const auto session = open_hostile();
  const auto report = library_.add(*session, Ingestion::Caching::kNo);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].kind, ReadProblem::kSetAside);
  EXPECT_NE(report.problems[0].reason.find("signal 11"), std::string::npos);
  EXPECT_EQ(report.n_parsed, 3) << "the crashing one is tried once more";
  EXPECT_EQ(find(*session, "good.txt").state, retrieval::DocumentState::kSearchable);

  const auto again = library_.add(*session, Ingestion::Caching::kNo);
  EXPECT_EQ(again.n_parsed, 0);
  ASSERT_EQ(again.problems.size(), 1U);
  EXPECT_EQ(again.problems[0].kind, ReadProblem::kSetAside);

  library_.write("bad.txt", "harmless now");
  const auto changed = library_.add(*session, Ingestion::Caching::kNo);
  EXPECT_EQ(changed.n_parsed, 1);
  EXPECT_TRUE(changed.problems.empty());
  EXPECT_EQ(find(*session, "bad.txt").state, retrieval::DocumentState::kSearchable);
}

TEST_F(DocumentReading, ReadsWhatWasSetAsideAgainWhenAskedTo) {
  library_.write("bad.txt", "crash");
  {
    const auto session = open_hostile();
    library_.add(*session, Ingestion::Caching::kNo);
    EXPECT_EQ(find(*session, "bad.txt").problem_kind, ReadProblem::kSetAside);
  }
  // Another reader, as after an update, takes it.
  const auto session = library_.open();
  const std::vector<fs::path> paths = {library_.document("bad.txt")};
  Ingestion ingestion(*session, {});
  const auto add = [&](Ingestion::Rereading rereading) {
    return value_or_throw(ingestion.add(paths, Ingestion::Caching::kNo, {}, rereading));
  };
  EXPECT_EQ(add(Ingestion::Rereading::kChanged).n_parsed, 0);
  const auto again = add(Ingestion::Rereading::kAll);
  EXPECT_EQ(again.n_parsed, 1);
  EXPECT_TRUE(again.all_searchable());
}

TEST_F(DocumentReading, IsSilentAboutWhatIsIgnoredUntilItChanges) {
  const auto scan = library_.write("scan.pdf", "%PDF-1.4 broken");
  // What was written a moment ago may change again unseen, so it would be read again.
  fs::last_write_time(scan, fs::file_time_type::clock::now() - std::chrono::hours(1));
  library_.write("good.txt", story("boat", 5));
  const auto session = library_.open();
  library_.add(*session, Ingestion::Caching::kNo);
  const auto id = find(*session, "scan.pdf").id;
  value_or_throw(session->library().set_ignored(std::span(&id, 1), true));
  const auto again = library_.add(*session, Ingestion::Caching::kNo);
  EXPECT_TRUE(again.all_searchable());
  EXPECT_EQ(again.n_ignored, 1);
  EXPECT_EQ(again.n_parsed, 0);
  // Touched, it is read again, and is the same.
  fs::last_write_time(library_.document("scan.pdf"), fs::file_time_type::clock::now());
  EXPECT_EQ(library_.add(*session, Ingestion::Caching::kNo).n_ignored, 1);
  EXPECT_TRUE(find(*session, "scan.pdf").ignored);
  library_.write("scan.pdf", "%PDF-1.4 broken otherwise");
  const auto changed = library_.add(*session, Ingestion::Caching::kNo);
  EXPECT_EQ(changed.problems.size(), 1U);
  EXPECT_FALSE(find(*session, "scan.pdf").ignored);
}

TEST_F(DocumentReading, RecordsAFileThatCannotBeOpenedUntilItCan) {
  const auto file = library_.write("locked.txt", story("boat", 5));
  const auto kept = library_.write("kept.txt", story("mill", 5));
  const Unprivileged nobody(library_.folder());
  const auto session = library_.open();
  const std::vector<fs::path> first = {kept};
  value_or_throw(Ingestion(*session, {}).add(first, Ingestion::Caching::kNo, {}));
  fs::permissions(file, fs::perms::none);
  fs::permissions(kept, fs::perms::none);
  fs::last_write_time(kept, fs::file_time_type::clock::now());
  const auto report = library_.add(*session, Ingestion::Caching::kNo);
  EXPECT_GE(report.problems.size(), 1U);
  const auto locked = find(*session, "locked.txt");
  EXPECT_EQ(locked.state, retrieval::DocumentState::kFailed);
  EXPECT_EQ(locked.problem_kind, ReadProblem::kUnreadable);
  EXPECT_FALSE(locked.problem.empty());
  EXPECT_EQ(find(*session, "kept.txt").state, retrieval::DocumentState::kSearchable)
      << "what was read stays";
  fs::permissions(file, fs::perms::owner_all);
  fs::permissions(kept, fs::perms::owner_all);
  EXPECT_TRUE(library_.add(*session, Ingestion::Caching::kNo).all_searchable());
  EXPECT_EQ(find(*session, "locked.txt").state, retrieval::DocumentState::kSearchable);
}

TEST_F(DocumentReading, LooksAgainAtAnIgnoredFileThatCouldNotBeOpened) {
  const auto file = library_.write("locked.txt", story("boat", 5));
  fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(1));
  const Unprivileged nobody(library_.folder());
  const auto session = library_.open();
  fs::permissions(file, fs::perms::none);
  EXPECT_EQ(library_.add(*session, Ingestion::Caching::kNo).problems.size(), 1U);
  const auto id = find(*session, "locked.txt").id;
  value_or_throw(session->library().set_ignored(std::span(&id, 1), true));
  EXPECT_EQ(library_.add(*session, Ingestion::Caching::kNo).n_ignored, 1);
  fs::permissions(file, fs::perms::owner_all);  // its size, time and inode are as they were
  EXPECT_TRUE(library_.add(*session, Ingestion::Caching::kNo).all_searchable());
  const auto read = find(*session, "locked.txt");
  EXPECT_EQ(read.state, retrieval::DocumentState::kSearchable);
  EXPECT_FALSE(read.ignored);
}

TEST_F(DocumentReading, KeepsTheReasonOfAFileThatCanNoLongerBeOpened) {
  const auto agile = read_text(fs::path(KVLINK_ENCRYPTED_FILES) / "agile.docx");
  const auto file = library_.write("locked.docx", agile);
  const auto dull = library_.write("dull.pdf", "%PDF-1.4 broken");
  const Unprivileged nobody(library_.folder());
  const auto session = library_.open();
  library_.add(*session, Ingestion::Caching::kNo);
  const auto id = find(*session, "dull.pdf").id;
  value_or_throw(session->library().set_ignored(std::span(&id, 1), true));
  for (const auto& path : {file, dull}) {
    fs::last_write_time(path, fs::file_time_type::clock::now());
    fs::permissions(path, fs::perms::none);
  }
  const auto report = library_.add(*session, Ingestion::Caching::kNo);
  EXPECT_EQ(report.problems.size(), 1U) << "and nothing of the ignored one";
  EXPECT_EQ(report.n_ignored, 1);
  EXPECT_EQ(find(*session, "locked.docx").problem_kind, ReadProblem::kNeedsPassword);
  EXPECT_EQ(find(*session, "dull.pdf").problem_kind, ReadProblem::kDamaged);
  EXPECT_TRUE(find(*session, "dull.pdf").ignored);
  fs::permissions(file, fs::perms::owner_all);
  const std::vector<fs::path> paths = {file};
  Ingestion ingestion(*session, {});
  ingestion.set_password("heron & reed");
  EXPECT_TRUE(value_or_throw(ingestion.add(paths, Ingestion::Caching::kNo, {})).all_searchable());
}

TEST_F(DocumentReading, KeepsAPasswordInMemoryOnly) {
  const auto locked =
      library_.write("locked.docx", read_text(fs::path(KVLINK_ENCRYPTED_FILES) / "agile.docx"));
  const std::string path = fs::weakly_canonical(locked).string();
  const std::vector<fs::path> paths = {locked};
  auto session = library_.open();
  const auto add = [&](const std::string& password) {
    Ingestion ingestion(*session, {});
    ingestion.set_password(password);
    return value_or_throw(ingestion.add(paths, Ingestion::Caching::kNo, {}));
  };
  ASSERT_EQ(add("").problems.size(), 1U);
  EXPECT_EQ(find(*session, "locked.docx").problem, "needs a password");
  EXPECT_EQ(add("wrong").problems.at(0).reason, "needs another password");
  EXPECT_EQ(session->passwords().of(path), "");
  EXPECT_TRUE(add("heron & reed").all_searchable());
  EXPECT_EQ(session->passwords().of(path), "heron & reed");
  // Changed, it is read without a question.
  const auto bytes = read_text(fs::path(KVLINK_ENCRYPTED_FILES) / "standard.docx");
  library_.write("locked.docx", bytes);
  EXPECT_TRUE(add("").all_searchable());
  session.reset();
  for (const auto& entry : fs::recursive_directory_iterator(library_.paths().data)) {
    if (!entry.is_regular_file()) continue;
    EXPECT_EQ(read_text(entry.path()).find("heron & reed"), std::string::npos) << entry.path();
  }
}

TEST_F(DocumentReading, ReadsAgainWhatNeededAPassword) {
  library_.write("locked.txt", "password");
  const auto session = open_hostile();
  Ingestion ingestion(*session, {});
  ingestion.set_password("open sesame");
  const std::vector<fs::path> paths = {library_.document("locked.txt")};
  value_or_throw(ingestion.add(paths, Ingestion::Caching::kNo, {}));
  const auto chunks = value_or_throw(session->library().chunks(find(*session, "locked.txt").id));
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(chunks[0].chunk.text, "open sesame");
}

TEST_F(DocumentReading, ARenamedFileKeepsItsPassagesAndBlocks) {
  library_.write("old.md", story("boat", 20));
  const auto session = library_.open();
  library_.add(*session);
  const auto before = find(*session, "old.md");
  fs::rename(library_.document("old.md"), library_.document("new.md"));
  const auto report = library_.add(*session);
  EXPECT_EQ(report.n_parsed, 0);
  EXPECT_EQ(report.n_embedded, 0);
  EXPECT_EQ(report.caching.n_encoded, 0);
  const auto after = find(*session, "new.md");
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(value_or_throw(session->library().documents()).size(), 1U);
}

TEST_F(DocumentReading, AnEditEmbedsOnlyWhatChanged) {
  const std::string text = story("boat", 60);
  library_.write("a.md", text);
  for (int i = 0; i < 5; ++i) library_.write("b" + std::to_string(i) + ".md", story("mill", 6));
  const auto session = library_.open();
  const auto first = library_.add(*session, Ingestion::Caching::kNo);
  EXPECT_GT(first.n_embedded, 8);
  library_.write("a.md", text + "\n\nOne more sentence about the green boat.\n");
  const auto second = library_.add(*session, Ingestion::Caching::kNo);
  EXPECT_EQ(second.n_parsed, 1);
  EXPECT_GE(second.n_embedded, 1);
  EXPECT_LE(second.n_embedded, 2);
  const auto chunks = value_or_throw(session->library().chunks(find(*session, "a.md").id));
  EXPECT_NE(chunks.back().chunk.text.find("green boat"), std::string::npos);
}

TEST_F(DocumentReading, TakesFilesByContentWhereTheNameSaysNothing) {
  library_.write("notes.xyz", "Words in a file of a kind of its own.");
  library_.write("data.bin", std::string("\0\1\2\3", 4));
  const auto session = library_.open();
  const auto report = library_.add(*session, Ingestion::Caching::kNo);
  EXPECT_EQ(report.n_added, 1);
  ASSERT_EQ(report.unsupported.size(), 1U);
  EXPECT_TRUE(report.unsupported[0].ends_with("data.bin"));
}

}  // namespace
}  // namespace kvlink::app::tests
