// SPDX-License-Identifier: Apache-2.0
// A stop of ingestion: nothing more is begun, what was committed stays, the next start goes on.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "app/ingestion.h"
#include "tests/app/tiny_library.h"

namespace kvlink::app::tests {
namespace {

constexpr int kFiles = 40;
/// Files that threads may have read, or begun to, before their turn (ReadAhead).
constexpr int kMostAhead = 16;

class IngestionStop : public ::testing::Test {
 protected:
  void write_files() const {
    for (int i = 0; i < kFiles; ++i) {
      library_.write("d" + std::to_string(i) + ".md", story("boat " + std::to_string(i), 6));
    }
  }

  IngestReport add(Session& session, IngestEvents events, const IngestCallback& on_progress = {}) {
    Ingestion ingestion(session, on_progress);
    ingestion.set_events(std::move(events));
    const std::vector paths = {library_.document("")};
    return value_or_throw(ingestion.add(paths, Ingestion::Caching::kYes, stop_.get_token()));
  }

  static std::set<std::string> paths_in(Session& session) {
    std::set<std::string> paths;
    for (const auto& document : value_or_throw(session.library().documents())) {
      paths.insert(document.path);
    }
    return paths;
  }

  static std::int64_t n_blocks(Session& session) { return session.store().totals().n_blocks; }

  std::stop_source stop_;
  TinyLibrary library_;
};

TEST_F(IngestionStop, BeginsNoFileMoreKeepsEveryCommitAndTheNextStartGoesOn) {
  write_files();
  constexpr std::size_t kBefore = 5;
  std::size_t n_begun = 0;
  std::set<std::string> committed;
  IngestEvents events;
  events.on_file = [&](const ScannedFile&) { ++n_begun; };
  events.on_indexed = [&](const ScannedFile& file, retrieval::DocumentId, const Error* problem) {
    EXPECT_EQ(problem, nullptr);
    committed.insert(file.path.string());
    if (committed.size() == kBefore) stop_.request_stop();
  };
  {
    const auto session = library_.open();
    const auto report = add(*session, std::move(events));
    EXPECT_TRUE(report.cancelled);
    EXPECT_TRUE(report.problems.empty());
    EXPECT_EQ(n_begun, kBefore);
    EXPECT_EQ(report.n_added, std::ssize(committed));
    EXPECT_LE(report.n_parsed, std::ssize(committed) + kMostAhead);
    EXPECT_EQ(report.caching.n_encoded, 0);
    EXPECT_EQ(paths_in(*session), committed);
  }
  const auto session = library_.open();
  EXPECT_EQ(paths_in(*session), committed) << "as it was when the process ended";
  const auto rest = library_.add(*session);
  EXPECT_TRUE(rest.all_searchable());
  EXPECT_EQ(rest.n_unchanged, std::ssize(committed));
  EXPECT_EQ(rest.n_added, kFiles - std::ssize(committed));
  EXPECT_EQ(rest.n_parsed, rest.n_added) << "what was committed is not parsed again";
  EXPECT_EQ(rest.caching.n_left, 0);
  EXPECT_EQ(n_blocks(*session), session->library().n_chunks());
}

TEST_F(IngestionStop, LeavesNothingOfADocumentThatWasInWork) {
  library_.write("a.md", story("mill", 6));
  library_.write("b.md", story("boat", 400));
  const auto session = library_.open();
  std::set<std::string> begun;
  IngestEvents events;
  events.on_text = [&](const ScannedFile& file) {
    begun.insert(file.path.filename().string());
    if (file.path.filename() == "b.md") stop_.request_stop();
  };
  const auto report = add(*session, std::move(events));
  ASSERT_TRUE(begun.contains("b.md"));
  EXPECT_TRUE(report.cancelled);
  EXPECT_TRUE(report.problems.empty()) << "a stop is no problem of the file";
  std::int64_t n_chunks = 0;
  for (const auto& document : value_or_throw(session->library().documents())) {
    EXPECT_FALSE(document.path.ends_with("b.md"));
    n_chunks += std::ssize(value_or_throw(session->library().chunks(document.id)));
  }
  EXPECT_EQ(session->library().n_chunks(), n_chunks);
  EXPECT_EQ(report.n_embedded, n_chunks) << "no passage of it was embedded after the stop";
  EXPECT_TRUE(library_.add(*session).all_searchable());
  EXPECT_EQ(n_blocks(*session), session->library().n_chunks());
}

TEST_F(IngestionStop, EncodesNoBlockMoreAndTheNextRunMakesTheRest) {
  write_files();
  const auto session = library_.open();
  const auto report = add(*session, {}, [&](const IngestProgress& progress) {
    if (progress.phase == IngestPhase::kCaching) stop_.request_stop();
  });
  EXPECT_TRUE(report.cancelled);
  EXPECT_EQ(report.n_added, kFiles) << "the stop came when everything was searchable";
  EXPECT_EQ(report.caching.n_encoded, 0);
  EXPECT_EQ(report.caching.n_left, session->library().n_chunks());
  EXPECT_EQ(n_blocks(*session), 0);
  const auto rest = library_.add(*session);
  EXPECT_EQ(rest.n_parsed, 0);
  EXPECT_EQ(rest.caching.n_left, 0);
  EXPECT_EQ(n_blocks(*session), session->library().n_chunks());
}

TEST_F(IngestionStop, EndsAReaderThatHangsAndHoldsNothingAgainstItsFile) {
  library_.write("a.txt", "fine words");
  library_.write("b.txt", "wait");  // its reader does nothing, for ever
  SessionOptions options;
  options.paths = library_.paths();
  options.paths.reader = beside_this_program("kvlink_hostile_child");
  const auto session = value_or_throw(Session::open(std::move(options)));
  IngestEvents events;
  events.on_indexed = [&](const ScannedFile&, retrieval::DocumentId, const Error*) {
    stop_.request_stop();
  };
  const auto report = add(*session, std::move(events));
  EXPECT_TRUE(report.cancelled);
  EXPECT_EQ(report.n_added, 1);
  EXPECT_TRUE(report.problems.empty());
  EXPECT_EQ(paths_in(*session).size(), 1U);
  EXPECT_EQ(value_or_throw(session->library().reader_failure(sha256("wait"))).n, 0)
      << "it was stopped, not too slow";
}

}  // namespace
}  // namespace kvlink::app::tests
