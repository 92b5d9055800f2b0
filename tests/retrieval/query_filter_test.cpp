// SPDX-License-Identifier: Apache-2.0
// Filters in a question, and near copies among the passages found.
#include "retrieval/query_filter.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/retrieval/library_fixture.h"

namespace kvlink::retrieval {
namespace {

using Strings = std::vector<std::string>;

TEST(QueryFilter, TakesFiltersOutOfTheWords) {
  const auto query =
      parse_query("when does it end type:pdf IN:Contracts \"notice period\" -draft type:md");
  EXPECT_EQ(query.text, "when does it end   notice period");
  EXPECT_EQ(query.types, (Strings{"pdf", "md"}));
  EXPECT_EQ(query.folders, (Strings{"contracts"}));
  EXPECT_EQ(query.phrases, (Strings{"notice period"}));
  EXPECT_EQ(query.excluded, (Strings{"draft"}));
  EXPECT_EQ(parse_query("in:\"My notes\" x").folders, (Strings{"my notes"}));
}

TEST(QueryFilter, LeavesOrdinaryWordsAlone) {
  for (const char* text : {"5 -3", "well-known facts", "a - b", "the \" mark", "type: x",
                           "in:", "what is a type:", "- ", "\"\"", "prototype:pdf"}) {
    const auto query = parse_query(text);
    EXPECT_FALSE(query.has_document_filter() || query.has_word_filter()) << text;
  }
  EXPECT_EQ(parse_query("  two  words ").text, "two  words");
  EXPECT_EQ(plain_question("type:pdf"), "type:pdf");
  EXPECT_EQ(plain_question("type:pdf cats"), "cats");
}

TEST(QueryFilter, ClosesAQuestionForTheEmbedder) {
  for (const char* text : {"who swam", "who swam?", " who swam ", "who swam .", "who swam?!",
                           "type:pdf who swam", "who swam type:pdf"}) {
    EXPECT_EQ(question_to_embed(text), "who swam?") << text;
  }
  EXPECT_EQ(question_to_embed("\xE8\xB0\x81\xEF\xBC\x9F"), "\xE8\xB0\x81\xEF\xBC\x9F");
  EXPECT_EQ(question_to_embed("..."), "...");
  EXPECT_EQ(question_to_embed(""), "");
}

TEST(QueryFilter, KnowsTypesAndFolders) {
  const auto both = parse_query("type:pdf in:work x");
  EXPECT_TRUE(passes(both, "/home/me/Work/a.PDF", "application/pdf"));
  EXPECT_FALSE(passes(both, "/home/me/Work/a.md", "text/markdown"));
  EXPECT_FALSE(passes(both, "/home/me/homework/a.pdf", "application/pdf"));
  EXPECT_TRUE(passes(parse_query("in:/home/me/work/ x"), "/home/me/work/deep/a.md", ""));
  EXPECT_FALSE(passes(parse_query("in:/home/me/work x"), "/home/me/workshop/a.md", ""));
  EXPECT_TRUE(passes(parse_query("type:markdown x"), "/a", "text/markdown"));
  EXPECT_TRUE(passes(parse_query("x"), "/a", ""));
}

class FilteredSearch : public LibraryTest {
 protected:
  void SetUp() override { library_ = open(); }

  std::vector<std::string> found(const std::string& text) {
    std::vector<std::string> paths;
    SearchRequest request;
    request.text = text;
    request.limit = 10;
    for (const auto& hit : must(library_->search(request))) {
      paths.push_back(hit.path);
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }

  std::unique_ptr<Library> library_;
};

TEST_F(FilteredSearch, RestrictsToTypesFoldersPhrasesAndWithoutWords) {
  for (const char* path : {"/docs/a/cats.md", "/docs/b/cats.pdf", "/docs/b/more.md"}) {
    auto added = make_document(path, {std::string("the grey cat sleeps here ") + path});
    if (std::string_view(path).ends_with("more.md")) {
      added = make_document(path, {"a cat that is grey and wild"});
    }
    must(library_->commit(added));
  }
  EXPECT_EQ(found("cat").size(), 3U);
  EXPECT_EQ(found("cat type:pdf"), (Strings{"/docs/b/cats.pdf"}));
  EXPECT_EQ(found("cat in:b"), (Strings{"/docs/b/cats.pdf", "/docs/b/more.md"}));
  EXPECT_EQ(found("\"grey cat\""), (Strings{"/docs/a/cats.md", "/docs/b/cats.pdf"}));
  EXPECT_EQ(found("cat -wild"), (Strings{"/docs/a/cats.md", "/docs/b/cats.pdf"}));
  EXPECT_EQ(found("cat type:docx"), Strings{});
}

TEST_F(FilteredSearch, LeavesNearCopiesOut) {
  std::string text = "The contract about the boat";
  for (int i = 0; i < 60; ++i) text += " word" + std::to_string(i);
  must(library_->commit(make_document("/v1.md", {text + " first"})));
  must(library_->commit(make_document("/v2.md", {text + " second"})));
  must(library_->commit(make_document("/other.md", {"another contract about a house"})));
  const auto paths = found("contract");
  EXPECT_EQ(paths.size(), 2U);
}

}  // namespace
}  // namespace kvlink::retrieval
