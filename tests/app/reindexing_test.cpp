// SPDX-License-Identifier: Apache-2.0
// Another embedder is chosen: the one before goes on finding passages until the new one has read
// them all; no file is read again and no cache is lost.
#include "app/reindexing.h"

#include <gtest/gtest.h>

#include "tests/app/tiny_library.h"
#include "tests/support/tiny_model.h"

namespace kvlink::app::tests {
namespace {

constexpr const char* kQuestion = "How many parts has the boat?";

class ReindexingTest : public ::testing::Test {
 protected:
  ReindexingTest() {
    kvlink::tests::write_tiny_embedder(library_.paths().models / "young-embedder", 7);
    library_.write("boats.md", story("boat", 12));
    library_.write("mills.md", story("mill", 12));
    library_.add(*library_.open());
  }
  std::unique_ptr<Session> open_other() const {
    return library_.open([](Settings& settings) { settings.embedder = "young-embedder"; });
  }
  static std::string found(Session& session) {
    std::string places;
    for (const auto& source : ask(session, kQuestion).sources) {
      places += source.path + ":" + std::to_string(source.chunk.ordinal) + " ";
    }
    return places;
  }
  /// Whether the vectors that are searched are the embedder's own.
  static bool has_vectors_of_embedder(Session& session) {
    for (const auto& document : value_or_throw(session.library().documents())) {
      const auto stored = value_or_throw(session.library().vectors(document.id));
      for (const auto& chunk : value_or_throw(session.library().chunks(document.id))) {
        const std::string text = chunk.prompt();
        const auto made =
            value_or_throw(session.embed(std::span(&text, 1), inference::Priority::kIngestion));
        if (stored.at(chunk.content) != made) return false;
      }
    }
    return true;
  }

  TinyLibrary library_;
};

TEST_F(ReindexingTest, TheEmbedderBeforeServesUntilAllIsRead) {
  const std::string before = found(*library_.open());
  const auto session = open_other();
  ASSERT_TRUE(session->is_between_embedders());
  EXPECT_EQ(found(*session), before);
  EXPECT_TRUE(has_vectors_of_embedder(*session));
  const Digest former = session->embedder()->fingerprint();

  std::int64_t last = 0;
  const std::int64_t n = session->library().n_chunks();
  const auto report = reindex(*session,
                              [&](std::int64_t done, std::int64_t total) {
                                EXPECT_GT(done, last);
                                EXPECT_EQ(total, n);
                                last = done;
                                // Questions are answered meanwhile, as before.
                                EXPECT_EQ(session->embedder()->fingerprint(), former);
                                EXPECT_EQ(found(*session), before);
                              },
                              {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->done);
  EXPECT_EQ(report->n_embedded, n);
  EXPECT_EQ(last, n);
  EXPECT_FALSE(session->is_between_embedders());
  EXPECT_NE(session->embedder()->fingerprint(), former);
  EXPECT_TRUE(has_vectors_of_embedder(*session));
  const Answer answer = ask(*session, kQuestion);
  EXPECT_FALSE(answer.sources.empty());
  EXPECT_EQ(answer.reading.n_document_tokens_encoded, 0) << "caches have nothing to do with it";
}

TEST_F(ReindexingTest, WhatWasReadBeforeAStopIsNotReadAgain) {
  std::int64_t n_first = 0;
  {
    const auto session = open_other();
    std::stop_source stop;
    const auto report = value_or_throw(reindex(
        *session, [&](std::int64_t, std::int64_t) { stop.request_stop(); }, stop.get_token()));
    EXPECT_FALSE(report.done);
    EXPECT_TRUE(session->is_between_embedders());
    n_first = report.n_embedded;
    EXPECT_GT(n_first, 0);
  }
  const auto session = open_other();
  const auto report = value_or_throw(reindex(*session, {}, {}));
  EXPECT_TRUE(report.done);
  EXPECT_EQ(report.n_embedded + n_first, session->library().n_chunks());
}

TEST_F(ReindexingTest, DocumentsThatComeMeanwhileAreFoundAtOnceAndReadToo) {
  const auto session = open_other();
  library_.write("otters.md", story("otter", 12));
  const auto added = library_.add(*session);
  EXPECT_EQ(added.n_added, 1);
  EXPECT_EQ(added.n_unchanged, 2) << "nothing is read again for another embedder";
  EXPECT_EQ(added.n_parsed, 1);
  EXPECT_TRUE(has_vectors_of_embedder(*session));
  EXPECT_TRUE(value_or_throw(reindex(*session, {}, {})).done);
  EXPECT_TRUE(has_vectors_of_embedder(*session));
}

TEST_F(ReindexingTest, WithoutTheEmbedderBeforeWordsFindPassages) {
  fs::rename(library_.paths().models / "tiny-embedder", library_.folder() / "gone");
  const auto session = open_other();
  EXPECT_FALSE(session->is_between_embedders());
  EXPECT_FALSE(session->notices().empty());
  EXPECT_FALSE(found(*session).empty());
  EXPECT_TRUE(value_or_throw(reindex(*session, {}, {})).done);
  EXPECT_TRUE(has_vectors_of_embedder(*session));
}

TEST_F(ReindexingTest, AnEmbedderThatWasMovedIsFoundByItsFingerprint) {
  fs::rename(library_.paths().models / "tiny-embedder", library_.paths().models / "renamed");
  EXPECT_TRUE(open_other()->is_between_embedders());
}

TEST_F(ReindexingTest, NothingIsDoneWhereNothingIsToDo) {
  const auto session = library_.open();
  const auto report = value_or_throw(reindex(*session, {}, {}));
  EXPECT_TRUE(report.done);
  EXPECT_EQ(report.n_embedded, 0);
}

}  // namespace
}  // namespace kvlink::app::tests
