// SPDX-License-Identifier: Apache-2.0
#include "app/quote_check.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace kvlink::app {
namespace {

const std::string kPassages[] = {
    "# Otters\nThe **sea otter** eats\nsea urchins – and, at times, crabs.",
    "Der Fischotter wird bis zu 90 Zentimeter lang, größer als gedacht."};

std::vector<std::string> unfounded(std::string_view answer) {
  return unfounded_quotes(answer, kPassages);
}

TEST(QuoteCheck, FindsQuotesWhateverTheMarkupCaseAndLineBreaks) {
  EXPECT_TRUE(unfounded("Crabs. \"the sea otter eats sea urchins and, at times, crabs.\"").empty());
  EXPECT_TRUE(unfounded("“Der Fischotter wird bis zu 90 Zentimeter lang, größer…”").empty());
}

TEST(QuoteCheck, NamesAQuoteThatNoPassageHolds) {
  const auto found = unfounded("Crabs. \"The sea otter never eats sea urchins.\" Yes.");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0], "The sea otter never eats sea urchins.");
  // Words of two passages do not make a sentence.
  EXPECT_EQ(unfounded("\"at times, crabs. Der Fischotter wird\"").size(), 1U);
}

TEST(QuoteCheck, ReadsAQuoteThatTheEndOfTheAnswerCuts) {
  EXPECT_TRUE(unfounded("Crabs. \"The sea otter eats sea urch").empty());
  EXPECT_EQ(unfounded("Crabs. \"The sea otter eats many sea urch").size(), 1U);
}

TEST(QuoteCheck, LeavesNamesAndPlainAnswersAlone) {
  EXPECT_TRUE(unfounded("").empty());
  EXPECT_TRUE(unfounded("No quotation at all, but many words here.").empty());
  EXPECT_TRUE(unfounded("The song \"Yellow Submarine\" by the Beatles.").empty());
  EXPECT_TRUE(unfounded("\"").empty());
  EXPECT_TRUE(unfounded("\xE2\x80").empty());
}

TEST(QuoteCheck, NamesEveryQuoteInOrder) {
  const auto found = unfounded("“one two three four five six” and \"a b c d e f g\"");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0], "one two three four five six");
}

}  // namespace
}  // namespace kvlink::app
