// SPDX-License-Identifier: Apache-2.0
// The parts of a search on their own, and every option of it.
#include <algorithm>

#include "retrieval/fusion.h"
#include "retrieval/lexical_query.h"
#include "tests/retrieval/library_fixture.h"

namespace kvlink::retrieval {
namespace {

using Words = std::vector<std::string>;

TEST(LexicalQuery, KeepsContentWordsOnce) {
  const auto query = lexical_query("What is the KV-cache of a Cache, and why?");
  EXPECT_EQ(query.words, (Words{"kv", "cache"}));
  EXPECT_TRUE(query.content_words);
  EXPECT_EQ(match_any(query.words), "\"kv\" OR \"cache\"");
}

TEST(LexicalQuery, FallsBackToFunctionWords) {
  const auto query = lexical_query("Who is it?");
  EXPECT_EQ(query.words, (Words{"who", "is", "it"}));
  EXPECT_FALSE(query.content_words);
  EXPECT_TRUE(lexical_query("?! ...").words.empty());
  EXPECT_EQ(match_any({}), "");
}

TEST(LexicalQuery, KeepsLettersOfEveryLanguage) {
  EXPECT_EQ(lexical_query("\u00DCber 1998 \u732B").words, (Words{"\u00DCber", "1998", "\u732B"}));
}

TEST(LexicalQuery, BoundsHostileText) {
  std::string text;
  for (int i = 0; i < 10000; ++i) text += "word" + std::to_string(i) + "\"";
  EXPECT_EQ(lexical_query(text).words.size(), 64u);
  EXPECT_TRUE(lexical_query(std::string(5000, 'x')).words.empty());
}

Candidate candidate(std::int64_t id, double bm25, double cosine) {
  Candidate out;
  out.id = id;
  out.bm25 = bm25;
  out.cosine = cosine;
  return out;
}

std::vector<std::int64_t> fused(std::vector<Candidate> candidates, double dense_weight) {
  fuse(candidates, dense_weight);
  std::vector<std::int64_t> ids;
  for (const auto& c : candidates) ids.push_back(c.id);
  return ids;
}

TEST(Fusion, MixesBothMeasuresByWeight) {
  const std::vector<Candidate> candidates = {candidate(1, 10, 0.1), candidate(2, 1, 0.8),
                                             candidate(3, 8, 0.7)};
  EXPECT_EQ(fused(candidates, 1), (std::vector<std::int64_t>{2, 3, 1}));
  EXPECT_EQ(fused(candidates, 0), (std::vector<std::int64_t>{1, 3, 2}));
  EXPECT_EQ(fused(candidates, 0.5), (std::vector<std::int64_t>{3, 1, 2}));
}

TEST(Fusion, BreaksTiesById) {
  EXPECT_EQ(fused({candidate(9, 1, 0.5), candidate(4, 1, 0.5), candidate(7, 1, 0.5)}, 0.7),
            (std::vector<std::int64_t>{4, 7, 9}));
  EXPECT_EQ(fused({candidate(2, 0, 0), candidate(1, 0, -0.5)}, 0.7),
            (std::vector<std::int64_t>{1, 2}));
}

class SearchOptionsTest : public LibraryTest {
 protected:
  std::vector<std::string> paths(const SearchOptions& options, const std::string& text,
                                 std::span<const float> vector = {}, std::int64_t limit = 10) {
    auto library = open(FileSystem::posix(), {options});
    std::vector<std::string> out;
    for (const auto& hit : must(library->search({text, vector, limit, {}}))) {
      out.push_back(hit.path);
    }
    return out;
  }

  void add(const NewDocument& document) { must(open()->commit(document)); }
};

TEST_F(SearchOptionsTest, WeighsVectorsAgainstWords) {
  add(make_document("/words", {"Lantern lantern lantern."}));
  add(make_document("/vector", {"The keeper climbs the lantern tower at night."}));
  const auto vector = embed("The keeper climbs the lantern tower at night.");
  EXPECT_EQ(paths({.dense_weight = 1.0, .min_lexical_cosine = -1}, "lantern", vector)[0],
            "/vector");
  EXPECT_EQ(paths({.dense_weight = 0.0, .min_lexical_cosine = -1}, "lantern", vector)[0], "/words");
}

TEST_F(SearchOptionsTest, LeavesOutWhatIsNotNearEnough) {
  add(make_document("/a", {"Copper kettles whistle."}));
  const auto near = embed("Copper kettles sing loudly today.");
  EXPECT_EQ(paths({.min_cosine = 0.2}, "unrelated", near).size(), 1u);
  EXPECT_TRUE(paths({.min_cosine = 0.95}, "unrelated", near).empty());
  const auto far = embed("something else altogether");
  EXPECT_EQ(paths({.min_lexical_cosine = -1}, "kettles", far).size(), 1u);
  EXPECT_TRUE(paths({.min_lexical_cosine = 0.9}, "kettles", far).empty());
}

TEST_F(SearchOptionsTest, ShowsWhatComesNearestToWhoAsksForIt) {
  add(make_document("/a", {"Copper kettles whistle."}));
  add(make_document("/b", {"A lantern in the tower."}));
  const auto far = embed("something else altogether");
  auto library = open(FileSystem::posix(), {{.min_cosine = 0.99}});
  SearchRequest request{.text = "unrelated", .vector = far, .documents = {}};
  EXPECT_TRUE(must(library->search(request)).empty());
  request.nearest = true;
  EXPECT_EQ(must(library->search(request)).size(), 2u);
  request.limit = 1;
  EXPECT_EQ(must(library->search(request)).size(), 1u);
}

TEST_F(SearchOptionsTest, WeighsTitlesAndHeadings) {
  add(make_document("/title", {"Nothing of the kind."}, "Anchor"));
  auto heading = make_document("/heading", {"Nothing of the kind."}, "Other");
  heading.chunks[0].heading = "Anchor";
  add(heading);
  add(make_document("/text", {"Anchor of the kind."}, "Other"));
  const auto first = [&](double title, double heading_weight) {
    return paths({.title_weight = title, .heading_weight = heading_weight}, "anchor")[0];
  };
  EXPECT_EQ(first(9, 1), "/title");
  EXPECT_EQ(first(0.1, 9), "/heading");
  EXPECT_EQ(first(0.1, 0.1), "/text");
}

TEST_F(SearchOptionsTest, BoundsCandidatesAndScoredRows) {
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i) texts.push_back("Common pebble " + std::to_string(i) + ".");
  texts.push_back("Rare pebble jasper.");
  add(make_document("/stones", texts));
  EXPECT_EQ(paths({}, "pebble jasper", {}, 100).size(), 41u);
  EXPECT_EQ(paths({.max_scored_rows = 10}, "pebble jasper", {}, 100).size(), 1u);
  EXPECT_EQ(paths({.max_scored_rows = 10}, "pebble", {}, 100).size(), 10u);
  EXPECT_EQ(paths({.n_candidates = 7}, "pebble", {}, 3).size(), 3u);
  const auto vector = embed("Common pebble");
  const auto few = paths({.n_candidates = 2, .min_cosine = -1}, "zebra", vector, 1);
  EXPECT_EQ(few.size(), 1u);
}

TEST_F(SearchOptionsTest, FindsTheSameThroughAGraph) {
  std::vector<std::string> texts;
  for (int i = 0; i < 300; ++i) {
    texts.push_back("Item" + std::to_string(i) + " with colour" + std::to_string(i % 17) +
                    " and shape" + std::to_string(i % 23));
  }
  LibraryOptions options;
  options.graph_from_rows = 100;
  options.max_waiting_rows = 20;
  auto library = open(FileSystem::posix(), options);
  must(library->commit(make_document("/items", texts)));
  int found = 0;
  for (int i = 0; i < 300; i += 10) {
    const auto vector = embed(texts[static_cast<std::size_t>(i)]);
    const auto hits = must(library->search({"x", vector, 1, {}}));
    found += !hits.empty() && hits[0].chunk.ordinal == i;
  }
  EXPECT_GE(found, 29);
}

}  // namespace
}  // namespace kvlink::retrieval
