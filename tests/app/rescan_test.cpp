// SPDX-License-Identifier: Apache-2.0
// A folder looked through again: only what changed is opened, parsed, embedded and encoded.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <string>

#include "tests/app/tiny_library.h"

namespace kvlink::app::tests {
namespace {

class RescanTest : public ::testing::Test {
 protected:
  /// Times closer than the file system's grain prove nothing: files written just now are read
  /// again.
  static void age(const fs::path& file, int hours = 24) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(hours));
  }

  TinyLibrary library_;
};

TEST_F(RescanTest, OpensNoFileWhoseSizeTimeAndInodeAreAsTheyWere) {
  const auto a = library_.write("a.md", story("boat", 12));
  const auto b = library_.write("b.md", story("mill", 12));
  age(a);
  const auto session = library_.open();
  EXPECT_EQ(library_.add(*session).n_opened, 2);
  const auto again = library_.add(*session);
  EXPECT_EQ(again.n_unchanged, 2);
  EXPECT_EQ(again.n_opened, 1) << "b.md had just been written when it was read";
  age(b);
  EXPECT_EQ(library_.add(*session).n_opened, 1) << "its time is another";
  const auto settled = library_.add(*session);
  EXPECT_EQ(settled.n_opened, 0) << "the time that it was found unchanged with is known";
  EXPECT_EQ(settled.n_unchanged, 2);
  EXPECT_EQ(settled.n_bytes, 0);
}

TEST_F(RescanTest, OpensAFileThatWasReplacedByOneOfTheSameSizeAndTime) {
  const auto a = library_.write("a.md", "The boat is red.\n");
  age(a);
  const auto time = fs::last_write_time(a);
  const auto session = library_.open();
  library_.add(*session);
  const auto other = library_.write("other", "The boat is blu.\n");
  fs::last_write_time(other, time);
  fs::rename(other, a);
  const auto replaced = library_.add(*session);
  EXPECT_EQ(replaced.n_opened, 1);
  EXPECT_EQ(replaced.n_updated, 1);
}

TEST_F(RescanTest, NamesTheProblemOfAFileThatIsAsItWasWithoutReadingIt) {
  const auto empty = library_.write("empty.md", "");
  age(empty);
  const auto session = library_.open();
  const auto first = library_.add(*session);
  ASSERT_EQ(first.problems.size(), 1U);
  const auto again = library_.add(*session);
  EXPECT_EQ(again.n_opened, 0);
  EXPECT_EQ(again.n_parsed, 0);
  ASSERT_EQ(again.problems.size(), 1U);
  EXPECT_EQ(again.problems[0].reason, first.problems[0].reason);
  EXPECT_EQ(again.problems[0].kind, retrieval::ReadProblem::kNoText);
  EXPECT_EQ(again.problems[0].code, first.problems[0].code);
  library_.write("empty.md", "The boat is back.\n");
  EXPECT_EQ(library_.add(*session).n_updated, 1);
}

TEST_F(RescanTest, OpensEverythingWhenAllIsToBeReadAnew) {
  age(library_.write("a.md", story("boat", 12)));
  const auto session = library_.open();
  library_.add(*session);
  Ingestion ingestion(*session, {});
  const fs::path folder = library_.document("");
  const auto report = value_or_throw(ingestion.add(std::span(&folder, 1), Ingestion::Caching::kNo,
                                                   {}, Ingestion::Rereading::kAll));
  EXPECT_EQ(report.n_opened, 1);
  EXPECT_EQ(report.n_parsed, 1);
}

/// Rows as if every file of a folder had been added: copies of those of the document that was.
void copy_document(const fs::path& database, const fs::path& first, int n) {
  SQLite::Database db(database.string(), SQLite::OPEN_READWRITE);
  db.exec("BEGIN");
  SQLite::Statement document(
      db,
      "INSERT INTO documents (path, title, media_type, content, file_bytes, mtime_ns, state, "
      "problem, n_chunks, n_tokens, added_unix, problem_kind, inode) SELECT ?, title, media_type, "
      "content, file_bytes, ?, state, problem, n_chunks, n_tokens, added_unix, problem_kind, ? "
      "FROM documents WHERE id = 1");
  for (int i = 1; i < n; ++i) {
    const auto path = first.parent_path() / ("d" + std::to_string(i) + ".md");
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    document.bind(1, path.string());
    document.bind(2, std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec);
    document.bind(3, static_cast<std::int64_t>(status.st_ino));
    document.exec();
    document.reset();
  }
  db.exec(
      "INSERT INTO chunks (document_id, ordinal, heading, text, byte_begin, byte_end, line_begin, "
      "line_end, n_tokens, content, place, place_begin, place_end, place_label) SELECT d.id, "
      "c.ordinal, c.heading, c.text, c.byte_begin, c.byte_end, c.line_begin, c.line_end, "
      "c.n_tokens, c.content, c.place, c.place_begin, c.place_end, c.place_label "
      "FROM documents d JOIN chunks c ON c.document_id = 1 WHERE d.id > 1");
  db.exec(
      "INSERT INTO vectors SELECT c.id, v.space_id, v.vector FROM chunks c JOIN chunks f ON "
      "f.document_id = 1 AND f.ordinal = c.ordinal JOIN vectors v ON v.chunk_id = f.id "
      "WHERE c.document_id > 1");
  db.exec("INSERT INTO chunks_fts (chunks_fts) VALUES ('rebuild')");
  db.exec("COMMIT");
}

TEST_F(RescanTest, OneFileTouchedAmongTenThousandIsOneParseJob) {
  constexpr int kFiles = 10'000;
  const std::string text = story("boat", 12);
  const auto first = fs::weakly_canonical(library_.write("d0.md", text));
  age(first);
  library_.add(*library_.open());
  for (int i = 1; i < kFiles; ++i) {
    age(library_.write("d" + std::to_string(i) + ".md", text));
  }
  copy_document(library_.paths().data / "library.db", first, kFiles);
  if (HasFatalFailure()) return;
  const auto session = library_.open();
  const auto untouched = library_.add(*session);
  EXPECT_EQ(untouched.n_unchanged, kFiles);
  EXPECT_EQ(untouched.n_opened, 0);
  library_.write("d7777.md", text + "\n\nThe boat was painted green in the last year.\n");
  const auto report = library_.add(*session);
  EXPECT_EQ(report.n_updated, 1);
  EXPECT_EQ(report.n_unchanged, kFiles - 1);
  EXPECT_EQ(report.n_opened, 1);
  EXPECT_EQ(report.n_parsed, 1);
  EXPECT_GE(report.n_embedded, 1);
  EXPECT_LE(report.n_embedded, 2) << "only the passages whose text changed";
  EXPECT_EQ(report.caching.n_encoded, report.n_embedded);
}

}  // namespace
}  // namespace kvlink::app::tests
