// SPDX-License-Identifier: Apache-2.0
#include "retrieval/library.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <limits>
#include <thread>

#include "tests/retrieval/library_fixture.h"

namespace kvlink::retrieval {
namespace {

TEST_F(LibraryTest, ReturnsWhatWasCommitted) {
  auto added = make_document("/docs/a.txt", {"The first passage.", "The second one."}, "A title");
  added.document.file_bytes = 33;
  added.document.mtime_ns = 44;
  added.document.inode = 66;
  added.document.problem = "1 malformed character replaced";
  added.document.added_unix = 55;
  added.chunks[1].heading = "Part \u203A Two";
  DocumentId id = 0;
  {
    auto library = open();
    id = must(library->commit(added)).id;
  }
  auto library = open();
  const auto documents = must(library->documents());
  ASSERT_EQ(documents.size(), 1u);
  const Document& d = documents[0];
  EXPECT_EQ(d.id, id);
  EXPECT_EQ(d.path, "/docs/a.txt");
  EXPECT_EQ(d.title, "A title");
  EXPECT_EQ(d.media_type, "text/plain");
  EXPECT_EQ(d.content, added.document.content);
  EXPECT_EQ(d.file_bytes, 33);
  EXPECT_EQ(d.mtime_ns, 44);
  EXPECT_EQ(d.inode, 66);
  EXPECT_EQ(d.state, DocumentState::kSearchable);
  EXPECT_EQ(d.problem, added.document.problem);
  EXPECT_EQ(d.added_unix, 55);
  EXPECT_EQ(d.n_chunks, 2);
  EXPECT_EQ(d.n_tokens, added.chunks[0].n_tokens + added.chunks[1].n_tokens);
  EXPECT_EQ(library->n_chunks(), 2);
  const auto chunks = must(library->chunks(id));
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[1].ordinal, 1);
  EXPECT_EQ(chunks[1].title, "A title");
  EXPECT_EQ(chunks[1].chunk.text, "The second one.");
  EXPECT_EQ(chunks[1].chunk.heading, "Part \u203A Two");
  EXPECT_EQ(chunks[1].chunk.anchor.byte_begin, added.chunks[1].anchor.byte_begin);
  EXPECT_EQ(chunks[1].chunk.anchor.line_end, 2);
  EXPECT_EQ(chunks[1].content, sha256(chunks[1].prompt()));
  EXPECT_EQ(must(library->chunk(chunks[1].id))->chunk.text, "The second one.");
  EXPECT_FALSE(must(library->chunk(chunks[1].id + 100)).has_value());
  EXPECT_EQ(must(library->find_path("/docs/a.txt"))->id, id);
  EXPECT_FALSE(must(library->find_path("/docs/b.txt")).has_value());
}

TEST_F(LibraryTest, FindsByWordsByVectorAndByBoth) {
  auto library = open();
  must(library->commit(make_document("/a", {"Otters juggle stones on their backs."})));
  must(library->commit(make_document("/b", {"Volcanoes throw ash into the sky."})));
  must(library->commit(make_document("/c", {"The tax return is due in July."})));
  const auto hits = search(*library, "Why do otters juggle?");
  ASSERT_FALSE(hits.empty());
  EXPECT_EQ(hits[0].path, "/a");
  EXPECT_EQ(hits[0].lexical_rank, 1);
  EXPECT_EQ(hits[0].dense_rank, 1);
  EXPECT_GT(hits[0].cosine, 0.3);

  const auto words_only = must(library->search({"VOLCANO ashes", {}, 5, {}}));
  ASSERT_EQ(words_only.size(), 1u);  // by stem, without regard to case
  EXPECT_EQ(words_only[0].path, "/b");
  EXPECT_EQ(words_only[0].dense_rank, 0);

  const auto vector = embed("The tax return is due in July.");
  const auto vector_only = must(library->search({"unrelated wording", vector, 5, {}}));
  ASSERT_EQ(vector_only.size(), 1u);
  EXPECT_EQ(vector_only[0].path, "/c");
  EXPECT_EQ(vector_only[0].lexical_rank, 0);
  EXPECT_NEAR(vector_only[0].cosine, 1.0, 1e-5);
}

TEST_F(LibraryTest, FindsNothingWhenNothingIsRelevant) {
  auto library = open();
  EXPECT_TRUE(search(*library, "anything").empty());
  must(library->commit(make_document("/a", {"The cat is on the mat."})));
  EXPECT_TRUE(must(library->search({"who is it", {}, 5, {}})).empty());
  EXPECT_TRUE(must(library->search({"quantum chromodynamics", {}, 5, {}})).empty());
  EXPECT_EQ(must(library->search({"a cat", {}, 5, {}})).size(), 1u);
}

TEST_F(LibraryTest, ShowsEqualPassagesOnce) {
  auto library = open();
  auto one = make_document("/one", {"Copied words about harbours."}, "Same");
  auto two = make_document("/two", {"Copied words about harbours."}, "Same");
  must(library->commit(one));
  must(library->commit(two));
  must(library->commit(make_document("/three", {"Other words about harbours."})));
  EXPECT_EQ(search(*library, "words about harbours").size(), 2u);
}

TEST_F(LibraryTest, SearchesInChosenDocumentsOnly) {
  auto library = open();
  std::vector<DocumentId> ids;
  for (const char* path : {"/a", "/b", "/c"}) {
    ids.push_back(
        must(library->commit(make_document(path, {std::string("Lanterns in ") + path, "More."})))
            .id);
  }
  const auto vector = embed("Lanterns in");
  const auto hits = must(library->search({"lanterns", vector, 5, {ids[1], ids[2]}}));
  ASSERT_EQ(hits.size(), 2u);
  for (const auto& hit : hits) EXPECT_NE(hit.chunk.document, ids[0]);
}

TEST_F(LibraryTest, ReplacesADocumentUnderItsId) {
  auto library = open();
  const auto first = must(library->commit(make_document("/a", {"Old words.", "Kept words."})));
  EXPECT_TRUE(first.orphaned.empty());
  const auto old_chunks = must(library->chunks(first.id));
  const auto second = must(library->commit(make_document("/a", {"Kept words.", "Fresh words."})));
  EXPECT_EQ(second.id, first.id);
  ASSERT_EQ(second.orphaned.size(), 1u);
  EXPECT_EQ(second.orphaned[0], old_chunks[0].content);
  EXPECT_EQ(must(library->documents()).size(), 1u);
  EXPECT_EQ(library->n_chunks(), 2);
  EXPECT_TRUE(must(library->search({"old", {}, 5, {}})).empty());
  EXPECT_EQ(must(library->search({"fresh", {}, 5, {}})).size(), 1u);
  for (const auto& chunk : must(library->chunks(first.id))) EXPECT_GT(chunk.id, old_chunks[1].id);
}

TEST_F(LibraryTest, ReplacesADocumentWhoseTitleChanged) {
  auto library = open();
  must(library->commit(make_document("/a", {"Words."}, "Zebra")));
  must(library->commit(make_document("/a", {"Words."}, "Giraffe")));
  EXPECT_TRUE(must(library->search({"zebra", {}, 5, {}})).empty());
  EXPECT_EQ(must(library->search({"giraffe", {}, 5, {}})).size(), 1u);
}

TEST_F(LibraryTest, NamesContentsThatNoDocumentSharesWhenRemoving) {
  auto library = open();
  const auto a = must(library->commit(make_document("/a", {"Shared.", "Own."}, "T"))).id;
  const auto b = must(library->commit(make_document("/b", {"Shared."}, "T"))).id;
  const auto chunks = must(library->chunks(a));
  const auto orphaned = remove_and_erase(*library, a);
  ASSERT_EQ(orphaned.size(), 1u);
  EXPECT_EQ(orphaned[0], chunks[1].content);
  EXPECT_EQ(remove_and_erase(*library, b).size(), 1u);
  EXPECT_EQ(library->n_chunks(), 0);
  EXPECT_EQ(library->remove(std::span(&b, 1)).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(search(*library, "Shared").empty());
}

TEST_F(LibraryTest, KeepsFailedDocumentsWithTheirReason) {
  auto library = open();
  NewDocument failed;
  failed.document.path = "/broken.txt";
  failed.document.state = DocumentState::kFailed;
  failed.document.problem = "this is binary content";
  must(library->commit(failed));
  const auto found = must(library->find_path("/broken.txt"));
  EXPECT_EQ(found->state, DocumentState::kFailed);
  EXPECT_EQ(found->problem, "this is binary content");
  EXPECT_TRUE(must(library->stale_vectors()).empty());
}

TEST_F(LibraryTest, ListsDocumentsWithoutVectorsOfThisEmbedder) {
  DocumentId with = 0, without = 0;
  {
    auto library = open();
    with = must(library->commit(make_document("/a", {"Windmills turn."}))).id;
    auto document = make_document("/b", {"Windmills stand still."});
    document.vectors.clear();
    without = must(library->commit(document)).id;
    EXPECT_EQ(must(library->stale_vectors()), std::vector<DocumentId>{without});
    EXPECT_EQ(search(*library, "windmills").size(), 2u);
  }
  auto other = must(Library::open(folder_.path(), {sha256("another embedder"), kDim}));
  EXPECT_EQ(must(other->stale_vectors()), (std::vector<DocumentId>{with, without}));
  const auto hits = search(*other, "windmills");
  ASSERT_EQ(hits.size(), 2u);
  EXPECT_EQ(hits[0].dense_rank, 1) << "the vectors of the embedder before serve";
}

TEST_F(LibraryTest, RefusesRequestsThatMakeNoSense) {
  auto library = open();
  const auto code = [](const auto& result) { return result.error().code; };
  EXPECT_EQ(code(library->search({" \n", {}, 5, {}})), ErrorCode::kInvalidInput);
  EXPECT_EQ(code(library->search({"x", {}, 0, {}})), ErrorCode::kInvalidInput);
  const std::vector<float> short_vector(3, 1.0f);
  EXPECT_EQ(code(library->search({"x", short_vector, 5, {}})), ErrorCode::kInvalidInput);
  auto bad = make_document("/a", {"Text."});
  bad.vectors[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(code(library->commit(bad)), ErrorCode::kInvalidInput);
  bad.vectors.assign(kDim, 0.0f);
  EXPECT_EQ(code(library->commit(bad)), ErrorCode::kInvalidInput);
  bad.vectors.resize(3);
  EXPECT_EQ(code(library->commit(bad)), ErrorCode::kInvalidInput);
  EXPECT_EQ(code(library->commit(NewDocument{})), ErrorCode::kInvalidInput);
  EXPECT_EQ(code(Library::open(folder_.path(), {Digest{}, 0})), ErrorCode::kInvalidInput);
  EXPECT_TRUE(must(library->documents()).empty());
}

TEST_F(LibraryTest, TakesAnyWordsForAQuery) {
  auto library = open();
  must(library->commit(make_document("/a", {"A harbour for ships."})));
  const std::vector<std::string> queries = {"\"",
                                            "'",
                                            "harbour\"",
                                            "NEAR(harbour ships)",
                                            "harbour NOT ships",
                                            "har*",
                                            "title:x",
                                            "^harbour",
                                            "harbour AND",
                                            "OR OR",
                                            "(",
                                            "{a b}:c",
                                            "\xF0\x9F\x98\x80",
                                            "harbour \xFF\xFE",
                                            std::string("a\0b", 3),
                                            "; DROP TABLE chunks",
                                            "+-*/",
                                            std::string(100000, '"'),
                                            std::string(100000, 'x')};
  for (const auto& query : queries) {
    EXPECT_TRUE(library->search({query, {}, 5, {}}).has_value()) << query.substr(0, 40);
  }
  std::string many = "harbour ";
  for (int i = 0; i < 20000; ++i) many += "w" + std::to_string(i) + " ";
  EXPECT_EQ(must(library->search({many, {}, 5, {}})).size(), 1u);
  EXPECT_EQ(must(library->search({"NEAR(harbour", {}, 5, {}})).size(), 1u);
}

TEST_F(LibraryTest, KeepsConversations) {
  ConversationId id = 0;
  {
    auto library = open();
    id = must(library->new_conversation("Otters"));
    must(library->append_turn(id, {"Why?", "Because.", "reposition", "{}", {7, 3, 5}, 100}));
    must(library->append_turn(id, {"And then?", "Nothing.", "full", "{\"a\":1}", {}, 200}));
    must(library->new_conversation("Empty"));
  }
  auto library = open();
  EXPECT_EQ(must(library->conversations()).size(), 2u);
  const auto found = must(library->conversation(id));
  EXPECT_EQ(found.name, "Otters");
  EXPECT_EQ(found.updated_unix, 200);
  ASSERT_EQ(found.turns.size(), 2u);
  EXPECT_EQ(found.turns[0].question, "Why?");
  EXPECT_EQ(found.turns[0].sources, (std::vector<ChunkId>{7, 3, 5}));
  EXPECT_EQ(found.turns[1].timeline_json, "{\"a\":1}");
  must(library->remove_conversation(id));
  EXPECT_EQ(must(library->conversations()).size(), 1u);
  EXPECT_EQ(library->conversation(id).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(library->append_turn(id, {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(library->remove_conversation(id).error().code, ErrorCode::kNotFound);
}

TEST_F(LibraryTest, FindsAndRenamesConversations) {
  auto library = open();
  const auto otters = must(library->new_conversation("Otters"));
  must(library->append_turn(otters, {"Why 100%?", "Because of C:\\x.", "full", "{}", {}, 100}));
  const auto empty = must(library->new_conversation("Emp_ty"));
  const auto found = [&](const std::string& words) {
    std::vector<ConversationId> ids;
    for (const auto& one : must(library->find_conversations(words))) ids.push_back(one.id);
    return ids;
  };
  EXPECT_EQ(found("OTTER"), std::vector{otters});
  EXPECT_EQ(found("because"), std::vector{otters});
  EXPECT_EQ(found("100%"), std::vector{otters});
  EXPECT_EQ(found(":\\"), std::vector{otters});
  EXPECT_EQ(found("_"), std::vector{empty});
  EXPECT_EQ(found("%b%"), std::vector<ConversationId>{});
  EXPECT_EQ(found("").size(), 2u);
  must(library->rename_conversation(empty, "Seals"));
  EXPECT_EQ(found("seals"), std::vector{empty});
  EXPECT_EQ(library->rename_conversation(empty + 1, "x").error().code, ErrorCode::kNotFound);
}

std::string all_bytes(const std::filesystem::path& folder) {
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(in), {});
  }
  return bytes;
}

TEST_F(LibraryTest, LeavesNoTraceOfRemovedText) {
  // A word with no neighbour in the alphabet, so that FTS5's prefix compression cannot hide it.
  const std::string canary = "9qzcanary";
  const auto vector = embed("Secret 9qzcanary is here.");
  const std::string vector_bytes(reinterpret_cast<const char*>(vector.data()), 64);
  auto library = open();
  std::vector<std::string> filler;
  for (int i = 0; i < 300; ++i) filler.push_back("Filler sentence number " + std::to_string(i));
  must(library->commit(make_document("/filler", filler)));
  const auto id =
      must(library->commit(make_document("/secret", {"Secret 9qzcanary is here."}, "9qzcanary")))
          .id;
  const auto talk = must(library->new_conversation("9qzcanary"));
  must(library->append_turn(talk, {"9qzcanary?", "Yes, 9qzcanary.", "full", "{}", {}, 1}));
  library.reset();
  ASSERT_NE(all_bytes(folder_.path()).find(canary), std::string::npos);
  ASSERT_NE(all_bytes(folder_.path()).find(vector_bytes), std::string::npos);
  library = open();
  remove_and_erase(*library, id);
  must(library->remove_conversation(talk));
  for (const bool closed : {false, true}) {
    if (closed) library.reset();
    EXPECT_EQ(all_bytes(folder_.path()).find(canary), std::string::npos) << "closed " << closed;
    EXPECT_EQ(all_bytes(folder_.path()).find(vector_bytes), std::string::npos);
  }
  EXPECT_EQ(open()->n_chunks(), 300);
}

TEST_F(LibraryTest, ForgetsReplacedTextWhenItCloses) {
  auto library = open();
  must(library->commit(make_document("/a", {"Contains 9qzcanary once."})));
  must(library->commit(make_document("/a", {"Contains nothing."})));
  library.reset();
  EXPECT_EQ(all_bytes(folder_.path()).find("9qzcanary"), std::string::npos);
}

TEST_F(LibraryTest, IsPrivateWhateverTheUmask) {
  const auto mode = [](const std::filesystem::path& path) {
    struct ::stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777;
  };
  const mode_t before = ::umask(0);
  const auto folder = folder_.path() / "new" / "library";
  {
    auto library = must(Library::open(folder, test_space()));
    must(library->commit(make_document("/a", {"Text."})));
    EXPECT_EQ(mode(folder / "library.db-wal"), 0600u);
    EXPECT_EQ(mode(folder / "library.db-shm"), 0600u);
  }
  ::umask(before);
  EXPECT_EQ(mode(folder), 0700u);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    EXPECT_EQ(mode(entry.path()), 0600u) << entry.path();
  }
  EXPECT_TRUE(std::filesystem::exists(folder / "vectors.faiss"));
}

TEST_F(LibraryTest, ServesReadersBesideAWriter) {
  auto library = open();
  must(library->commit(make_document("/base", {"Constant lighthouse."})));
  std::atomic<bool> done = false;
  std::atomic<int> n_searches = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        EXPECT_FALSE(search(*library, "Constant lighthouse").empty());
        EXPECT_GE(must(library->documents()).size(), 1u);
        ++n_searches;
      }
    });
  }
  for (int i = 0; i < 40; ++i) {
    const auto path = "/doc" + std::to_string(i % 7);
    const auto id = must(library->commit(make_document(path, {"Words " + std::to_string(i)}))).id;
    if (i % 5 == 0) remove_and_erase(*library, id);
  }
  while (n_searches < 10) std::this_thread::yield();
  done = true;
  for (auto& reader : readers) reader.join();
}

}  // namespace
}  // namespace kvlink::retrieval
