// SPDX-License-Identifier: Apache-2.0
// Another embedder: its vectors gather while the ones before are searched, then take their place.
#include <SQLiteCpp/SQLiteCpp.h>

#include <limits>

#include "tests/retrieval/library_fixture.h"

namespace kvlink::retrieval {
namespace {

constexpr std::int32_t kOtherDim = 24;

EmbeddingSpace other_space() { return {sha256("another embedder"), kOtherDim, "/models/another"}; }

/// Another space: as many numbers as the other embedder has, of length 1.
std::vector<float> embed_otherwise(std::string_view text) {
  auto vector = embed(text);
  vector.resize(kOtherDim);
  float sum = 0;
  for (const float x : vector) sum += x * x;
  for (float& x : vector) x /= std::sqrt(sum);
  return vector;
}

class ReindexingTest : public LibraryTest {
 protected:
  std::unique_ptr<Library> open_other() {
    return must(Library::open(folder_.path(), other_space()));
  }

  /// Gives at most `n` chunks their new vector.
  static std::int64_t embed_some(Library& library, std::int64_t n) {
    const auto chunks = must(library.chunks_to_embed(0, n));
    std::vector<ChunkId> ids;
    std::vector<float> vectors;
    for (const auto& chunk : chunks) {
      const auto vector = embed_otherwise(chunk.chunk.text);
      ids.push_back(chunk.id);
      vectors.insert(vectors.end(), vector.begin(), vector.end());
    }
    must(library.add_vectors(ids, vectors));
    return std::ssize(chunks);
  }

  std::int64_t count(const std::string& rows) const {
    SQLite::Database db(database().string(), SQLite::OPEN_READONLY);
    return db.execAndGet("SELECT count(*) FROM " + rows).getInt64();
  }
  static std::vector<SearchHit> search_otherwise(Library& library, const std::string& text) {
    const auto vector = embed_otherwise(text);
    return must(library.search({text, vector, 5, {}}));
  }
};

TEST_F(ReindexingTest, TheVectorsBeforeServeUntilEveryChunkHasANewOne) {
  { must(open()->commit(make_document("/a", {"Windmills turn.", "Otters swim."}))); }
  auto library = open_other();
  EXPECT_EQ(library->serving_space().fingerprint, test_space().fingerprint);
  EXPECT_EQ(must(library->n_chunks_to_embed()), 2);
  EXPECT_EQ(embed_some(*library, 1), 1);
  EXPECT_FALSE(must(library->switch_vectors()));
  ASSERT_FALSE(search(*library, "otters swim").empty());
  EXPECT_EQ(search(*library, "otters swim")[0].dense_rank, 1);
  // A document that comes meanwhile brings vectors of the one that serves.
  must(library->commit(make_document("/b", {"Herons wait."})));
  EXPECT_EQ(must(library->n_chunks_to_embed()), 2);
  EXPECT_EQ(embed_some(*library, 100), 2);
  EXPECT_EQ(must(library->n_chunks_to_embed()), 0);
  EXPECT_EQ(library->serving_space().dim, kDim);

  EXPECT_TRUE(must(library->switch_vectors()));
  EXPECT_EQ(library->serving_space().fingerprint, other_space().fingerprint);
  const auto hits = search_otherwise(*library, "herons wait");
  ASSERT_FALSE(hits.empty());
  EXPECT_EQ(hits[0].dense_rank, 1);
  EXPECT_EQ(hits[0].path, "/b");
  EXPECT_EQ(count("vectors"), 3);
  EXPECT_EQ(count("next_vectors"), 0);
  EXPECT_TRUE(must(library->stale_vectors()).empty());
  const auto old = embed("herons wait");
  EXPECT_EQ(library->search({"herons wait", old, 5, {}}).error().code, ErrorCode::kInvalidInput);
}

TEST_F(ReindexingTest, WhatWasDoneIsKeptAndGoneOnWith) {
  {
    must(open()->commit(make_document("/a", {"Windmills turn.", "Otters swim.", "Herons wait."})));
  }
  { embed_some(*open_other(), 2); }
  {
    // The one before, chosen again: nothing was lost.
    auto library = open();
    EXPECT_TRUE(must(library->stale_vectors()).empty());
    EXPECT_EQ(search(*library, "otters swim")[0].dense_rank, 1);
  }
  {
    auto library = open_other();
    EXPECT_EQ(library->serving_space().fingerprint, test_space().fingerprint);
    EXPECT_EQ(must(library->n_chunks_to_embed()), 1);
    embed_some(*library, 10);
    EXPECT_TRUE(must(library->switch_vectors()));
  }
  auto library = open_other();
  EXPECT_EQ(library->serving_space().place, "/models/another");
  EXPECT_EQ(search_otherwise(*library, "otters swim")[0].dense_rank, 1);
}

TEST_F(ReindexingTest, WhatIsRemovedLeavesNoNewVectorEither) {
  DocumentId id = 0;
  { id = must(open()->commit(make_document("/a", {"Windmills turn."}))).id; }
  auto library = open_other();
  embed_some(*library, 10);
  EXPECT_EQ(count("next_vectors"), 1);
  const auto chunk = must(library->chunks(id)).front().id;
  must(library->remove(std::vector{id}));
  EXPECT_EQ(must(library->n_chunks_to_embed()), 0);
  erase_all_removed(*library);
  EXPECT_EQ(count("next_vectors"), 0);
  // It is gone by the time its vector comes.
  must(library->add_vectors(std::vector{chunk}, embed_otherwise("Windmills turn.")));
  EXPECT_EQ(count("next_vectors"), 0);
  EXPECT_TRUE(must(library->switch_vectors()));
}

TEST_F(ReindexingTest, WithoutTheEmbedderBeforeWordsFindWhatHasNoVectorYet) {
  { must(open()->commit(make_document("/a", {"Windmills turn.", "Otters swim."}))); }
  auto library = open_other();
  EXPECT_TRUE(must(library->switch_vectors(Library::Gaps::kAllowed)));
  auto hits = search_otherwise(*library, "otters swim");
  ASSERT_FALSE(hits.empty());
  EXPECT_EQ(hits[0].dense_rank, 0);
  EXPECT_EQ(must(library->n_chunks_to_embed()), 2);
  embed_some(*library, 10);
  EXPECT_EQ(must(library->n_chunks_to_embed()), 0);
  EXPECT_EQ(search_otherwise(*library, "otters swim")[0].dense_rank, 1);
}

TEST_F(ReindexingTest, TakesVectorsOnceAndOnlyOfLengthOne) {
  { must(open()->commit(make_document("/a", {"Windmills turn."}))); }
  auto library = open_other();
  const auto chunk = must(library->chunks_to_embed(0, 1)).front().id;
  const std::vector<ChunkId> ids = {chunk};
  const auto code = [&](const std::vector<float>& vectors) {
    return library->add_vectors(ids, vectors).error().code;
  };
  EXPECT_EQ(code(std::vector<float>(kDim, 0.1f)), ErrorCode::kInvalidInput);
  EXPECT_EQ(code(std::vector<float>(kOtherDim, 0.0f)), ErrorCode::kInvalidInput);
  auto nan = embed_otherwise("x");
  nan[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(code(nan), ErrorCode::kInvalidInput);
  EXPECT_EQ(count("next_vectors"), 0);
  must(library->add_vectors(ids, embed_otherwise("Windmills turn.")));
  must(library->add_vectors(ids, embed_otherwise("Windmills turn.")));
  must(library->add_vectors(std::vector<ChunkId>{chunk + 1000}, embed_otherwise("x")));
  EXPECT_EQ(count("next_vectors"), 1);
  EXPECT_TRUE(must(library->switch_vectors()));
  must(library->add_vectors(ids, embed_otherwise("Windmills turn.")));
  EXPECT_EQ(search_otherwise(*library, "windmills turn").size(), 1u);
}

}  // namespace
}  // namespace kvlink::retrieval
