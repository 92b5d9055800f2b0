// SPDX-License-Identifier: Apache-2.0
// Removed documents: out of sight at once, out of the files step by step.
#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/retrieval/library_fixture.h"

namespace kvlink::retrieval {
namespace {

class RemovalTest : public LibraryTest {
 protected:
  /// Documents of three chunks that all speak of boats.
  std::vector<DocumentId> fill(Library& library, int n, const std::string& name = "/doc") {
    std::vector<DocumentId> ids;
    for (int i = 0; i < n; ++i) {
      const auto number = std::to_string(i);
      ids.push_back(
          must(library.commit(make_document(
                   name + number, {"Boat " + number + " sails.", "Boat boat boat " + number,
                                   "Boat " + number + " is at rest."})))
              .id);
    }
    return ids;
  }

  std::int64_t count(const std::string& rows) const {
    SQLite::Database db(database().string(), SQLite::OPEN_READONLY);
    return db.execAndGet("SELECT count(*) FROM " + rows).getInt64();
  }

  std::string all_bytes() const {
    std::string bytes;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      std::ifstream in(entry.path(), std::ios::binary);
      bytes.append(std::istreambuf_iterator<char>(in), {});
    }
    return bytes;
  }
};

TEST_F(RemovalTest, ForgetsWhatStoppedTheReaderWithTheLastDocumentOfThatContent) {
  auto library = open();
  const auto add = [&](const std::string& path, const std::string& bytes) {
    auto added = make_document(path, {});
    added.document.content = sha256(bytes);
    added.document.state = DocumentState::kFailed;
    added.document.problem_kind = ReadProblem::kCrashed;
    return must(library->commit(added)).id;
  };
  const auto first = add("/first", "a");
  const auto second = add("/second", "a");
  add("/third", "b");
  const auto n_failures = [&](const std::string& bytes) {
    return must(library->reader_failure(sha256(bytes))).n;
  };
  for (const char* bytes : {"a", "b"}) {
    must(library->note_reader_failure(sha256(bytes), ReadProblem::kCrashed, "signal 11"));
  }
  remove_and_erase(*library, first);
  EXPECT_EQ(n_failures("a"), 1) << "another document has that content";
  remove_and_erase(*library, second);
  EXPECT_EQ(n_failures("a"), 0);
  add("/third", "c");
  EXPECT_EQ(n_failures("b"), 0) << "its document has another content";
  // Of a document that was never committed, as after a stop: gone at the next start.
  must(library->note_reader_failure(sha256("lost"), ReadProblem::kCrashed, "signal 11"));
  must(library->note_reader_failure(sha256("c"), ReadProblem::kCrashed, "signal 11"));
  library.reset();
  library = open();
  EXPECT_EQ(n_failures("lost"), 0);
  EXPECT_EQ(n_failures("c"), 1);
  EXPECT_EQ(count("reader_failures"), 1);
}

TEST_F(RemovalTest, HidesManyDocumentsWithoutTouchingTheirRows) {
  auto library = open();
  auto ids = fill(*library, 400);
  const auto kept = must(library->commit(make_document("/kept", {"A boat of its own."}))).id;
  const auto chunk = must(library->chunks(ids[7])).front();
  must(library->remove(ids));
  EXPECT_EQ(count("chunks"), 1201) << "rows are erased later";
  EXPECT_EQ(count("vectors"), 1201);
  ASSERT_EQ(must(library->documents()).size(), 1u);
  EXPECT_EQ(must(library->documents())[0].id, kept);
  EXPECT_EQ(library->n_chunks(), 1);
  EXPECT_EQ(must(library->chunk_contents()).size(), 1u);
  EXPECT_FALSE(must(library->find_path("/doc7")));
  EXPECT_TRUE(must(library->find_content(sha256("/doc7"))).empty());
  EXPECT_FALSE(must(library->chunk(chunk.id)));
  EXPECT_TRUE(must(library->chunks(ids[7])).empty());
  EXPECT_TRUE(must(library->stale_vectors()).empty());
  EXPECT_TRUE(library->relocate({kept, 1, 2}, "/doc7")) << "its name is free";
}

TEST_F(RemovalTest, FindsWhatIsLeftBehindWordsThatAreStillIndexed) {
  auto library = open();
  must(library->commit(make_document("/kept", {"Far from it, one boat among many other words."})));
  must(library->remove(fill(*library, 100)));
  for (const bool by_words : {true, false}) {
    SearchRequest request;
    const auto vector = embed("boat");
    request.text = "boat";
    if (!by_words) request.vector = vector;
    const auto hits = must(library->search(request));
    ASSERT_EQ(hits.size(), 1u) << by_words;
    EXPECT_EQ(hits[0].path, "/kept");
  }
  SearchRequest filtered;
  filtered.text = "boat in:doc";
  EXPECT_TRUE(must(library->search(filtered)).empty());
}

TEST_F(RemovalTest, ErasesInShortStepsUntilNoFileHoldsAnything) {
  auto library = open();
  auto ids = fill(*library, 300);
  ids.push_back(must(library->commit(make_document("/secret", {"Secret 9qzcanary."}))).id);
  fill(*library, 40, "/other");
  must(library->remove(ids));
  std::int64_t left = count("chunks");
  int n_steps = 0;
  for (bool done = false; !done; ++n_steps) {
    done = must(library->erase_removed()).done;
    const auto now = count("chunks");
    EXPECT_LE(left - now, 132) << "a step is short";
    left = now;
  }
  EXPECT_GE(n_steps, 8);
  EXPECT_EQ(count("chunks"), 120);
  EXPECT_EQ(count("documents"), 40);
  EXPECT_EQ(count("meta WHERE key IN ('purge_words', 'erase_removed')"), 0);
  EXPECT_EQ(all_bytes().find("9qzcanary"), std::string::npos);
}

TEST_F(RemovalTest, ErasesWordsBesideCommitsThatGoOn) {
  auto library = open();
  fill(*library, 60);
  const auto secret = must(library->commit(make_document("/secret", {"Secret 9qzcanary."}))).id;
  fill(*library, 60, "/more");
  must(library->remove(std::span(&secret, 1)));
  int n = 0;
  for (bool done = false; !done && n < 200; ++n) {
    done = must(library->erase_removed()).done;
    if (n < 30) fill(*library, 3, "/beside" + std::to_string(n));
  }
  EXPECT_LT(n, 200);
  EXPECT_EQ(all_bytes().find("9qzcanary"), std::string::npos);
  library.reset();
  SQLite::Database(database().string(), SQLite::OPEN_READWRITE)
      .exec("INSERT INTO chunks_fts (chunks_fts, rank) VALUES ('integrity-check', 1)");
}

TEST_F(RemovalTest, GivesThePathToAnotherDocumentAtOnce) {
  auto library = open();
  const auto old = fill(*library, 1)[0];
  must(library->remove(std::span(&old, 1)));
  const auto again = fill(*library, 1)[0];
  EXPECT_NE(again, old);
  EXPECT_TRUE(erase_all_removed(*library).empty()) << "its text is that of the new one";
  EXPECT_EQ(must(library->documents()).size(), 1u);
  EXPECT_EQ(search(*library, "Boat 0 sails.").front().path, "/doc0");
}

TEST_F(RemovalTest, LeavesAllWhenOneIsNotThere) {
  auto library = open();
  auto ids = fill(*library, 3);
  ids.push_back(99);
  EXPECT_EQ(library->remove(ids).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(must(library->documents()).size(), 3u);
  EXPECT_FALSE(search(*library, "Boat 1 sails.").empty());
  ids.back() = ids.front();
  EXPECT_EQ(library->remove(ids).error().code, ErrorCode::kNotFound) << "named twice";
  EXPECT_EQ(must(library->documents()).size(), 3u);
}

TEST_F(RemovalTest, GoesOnAfterARestart) {
  {
    auto library = open();
    auto ids = fill(*library, 100);
    ids.pop_back();
    must(library->remove(ids));
    must(library->erase_removed());
  }
  std::filesystem::remove(vector_file());  // made again without them
  auto library = open();
  EXPECT_EQ(must(library->documents()).size(), 1u);
  const auto hits = search(*library, "Boat 5 sails.");
  for (const auto& hit : hits) EXPECT_EQ(hit.path, "/doc99");
  EXPECT_GT(erase_all_removed(*library).size(), 100u);
  EXPECT_EQ(count("chunks"), 3);
  EXPECT_EQ(count("vectors"), 3);
}

TEST_F(RemovalTest, LeavesWordsOfALargeLibraryToTheNextRemoval) {
  LibraryOptions options;
  options.max_closing_chunks = 2;
  const auto reopen = [&] { return open(FileSystem::posix(), options); };
  auto library = reopen();
  fill(*library, 2);
  must(library->commit(make_document("/a", {"Contains 9qzcanary once."})));
  must(library->commit(make_document("/a", {"Contains nothing."})));
  library.reset();
  EXPECT_EQ(count("meta WHERE key = 'purge_words'"), 1);
  library = reopen();
  remove_and_erase(*library, 1);
  EXPECT_EQ(all_bytes().find("9qzcanary"), std::string::npos);
}

}  // namespace
}  // namespace kvlink::retrieval
