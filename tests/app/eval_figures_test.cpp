// SPDX-License-Identifier: Apache-2.0
// The figures of evaluations, against values computed by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "app/eval/answer_match.h"
#include "app/eval/arms.h"
#include "app/eval/figures.h"
#include "app/eval/report.h"
#include "app/eval/statistics.h"

namespace kvlink::app::tests {
namespace {

using Texts = std::vector<std::string>;
using inference::LinkMode;

TEST(AnswerMatch, IgnoresCasePunctuationAndArticles) {
  EXPECT_EQ(answer_words("The U.S.A., an “Ally”!"), (Texts{"u", "s", "ally"}));
  EXPECT_EQ(answer_words("RÖNTGEN Ångström Éire"), (Texts{"röntgen", "ångström", "éire"}));
  EXPECT_EQ(answer_words("МОСКВА Ёлка ΑΘΗΝΑ"), (Texts{"москва", "ёлка", "αθηνα"}));
  EXPECT_TRUE(
      matches_sub_span("It was Wilhelm Conrad Röntgen.", Texts{"the WILHELM conrad RÖNTGEN"}));
}

TEST(AnswerMatch, MatchesWholeWordsInARowOnly) {
  EXPECT_TRUE(matches_sub_span("May 18, 2018 was the day", Texts{"no", "18 2018"}));
  EXPECT_FALSE(matches_sub_span("in 1598", Texts{"15"}));
  EXPECT_FALSE(matches_sub_span("18 May 2018", Texts{"18 2018"}));
}

TEST(AnswerMatch, AnAnswerWithoutWordsNeverMatches) {
  EXPECT_FALSE(matches_sub_span("anything at all", Texts{"the", "...", ""}));
  EXPECT_FALSE(matches_exactly("...", Texts{"the"}));
  EXPECT_EQ(token_f1("...", Texts{"the"}), 0);
}

TEST(AnswerMatch, ExactMatchAllowsNothingElse) {
  EXPECT_TRUE(matches_exactly("The Cyrus.", Texts{"Xerxes", "cyrus"}));
  EXPECT_FALSE(matches_exactly("King Cyrus", Texts{"Cyrus"}));
}

TEST(AnswerMatch, F1IsTheHarmonicMeanOverWords) {
  // 2 of 4 words are right, 2 of 2 were wanted: P 1/2, R 1, F 2/3.
  EXPECT_NEAR(token_f1("king Cyrus of Persia", Texts{"Cyrus Persia"}), 2.0 / 3, 1e-12);
  // A word counts as often as it was wanted: P 1/3, R 1, F 1/2.
  EXPECT_NEAR(token_f1("no no no", Texts{"no"}), 0.5, 1e-12);
  EXPECT_NEAR(token_f1("Cyrus", Texts{"Darius", "Cyrus"}), 1, 1e-12);
}

TEST(AnswerMatch, RougeLTakesTheLongestCommonSubsequence) {
  // Common: police … the gunman (3 of 4 words each): F 3/4 (Lin 2004, example 2).
  EXPECT_NEAR(rouge_l("police kill the gunman", Texts{"police killed the gunman"}), 0.75, 1e-12);
  EXPECT_NEAR(rouge_l("the gunman kill police", Texts{"police killed the gunman"}), 0.5, 1e-12);
  EXPECT_EQ(rouge_l("", Texts{"police"}), 0);
}

TEST(AnswerMatch, RefusalsAreRecognised) {
  EXPECT_TRUE(is_refusal(""));
  EXPECT_TRUE(is_refusal("That is not mentioned in the passages."));
  EXPECT_TRUE(is_refusal("I don't know."));
  EXPECT_TRUE(is_refusal("The passages do not contain the answer."));
  EXPECT_FALSE(is_refusal("He mentioned Cyrus."));
}

TEST(Statistics, MeanWeighsEveryRunTheSame) {
  EXPECT_DOUBLE_EQ(mean_of(std::vector<Cluster>{{3, 3}, {0, 1}}), 0.75);
  EXPECT_EQ(mean_of({}), 0);
}

TEST(Statistics, BootstrapIntervalOfKnownData) {
  // 400 questions, half right: the mean's standard error is 0.025, so 0.5 ± 0.049.
  std::vector<Cluster> clusters;
  for (int i = 0; i < 400; ++i) clusters.push_back({i % 2 == 0 ? 1.0 : 0.0, 1});
  const Interval interval = bootstrap_interval(clusters);
  EXPECT_NEAR(interval.low, 0.451, 0.005);
  EXPECT_NEAR(interval.high, 0.549, 0.005);
  const Interval again = bootstrap_interval(clusters);
  EXPECT_EQ(interval.low, again.low);
  EXPECT_EQ(interval.high, again.high);
}

TEST(Statistics, BootstrapDrawsQuestionsNotRuns) {
  // Ten runs of each question agree: there are 40 observations, not 400.
  std::vector<Cluster> clusters;
  for (int i = 0; i < 40; ++i) clusters.push_back({i % 2 == 0 ? 10.0 : 0.0, 10});
  const Interval interval = bootstrap_interval(clusters);
  EXPECT_NEAR(interval.high - interval.low, 2 * 1.96 * std::sqrt(0.25 / 40), 0.03);
}

TEST(Statistics, BootstrapOfConstantDataHasNoWidth) {
  const Interval interval = bootstrap_interval(std::vector<Cluster>(7, {1, 1}));
  EXPECT_EQ(interval.low, 1);
  EXPECT_EQ(interval.high, 1);
  EXPECT_EQ(bootstrap_interval({}).high, 0);
}

TEST(Statistics, QuantilesLieBetweenNeighbours) {
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 1), 4);
  EXPECT_EQ(quantile({}, 0.5), 0);
}

TEST(Statistics, NdcgRecallAndRankByHand) {
  const Texts ranked = {"x", "b", "y", "a"};
  const std::set<std::string> relevant = {"a", "b", "c"};
  const double gain = 1 / std::log2(3) + 1 / std::log2(5);
  const double ideal = 1 + 1 / std::log2(3) + 0.5;
  EXPECT_NEAR(ndcg_at(10, ranked, relevant), gain / ideal, 1e-12);
  EXPECT_NEAR(ndcg_at(2, ranked, relevant), (1 / std::log2(3)) / (1 + 1 / std::log2(3)), 1e-12);
  EXPECT_NEAR(recall_at(10, ranked, relevant), 2.0 / 3, 1e-12);
  EXPECT_NEAR(recall_at(3, ranked, relevant), 1.0 / 3, 1e-12);
  EXPECT_DOUBLE_EQ(reciprocal_rank(ranked, relevant), 0.5);
  EXPECT_EQ(reciprocal_rank({}, relevant), 0);
  EXPECT_EQ(ndcg_at(10, ranked, {}), 0);
}

TEST(Statistics, KlOfTwoCoins) {
  // P = (1/2, 1/2), Q = (1/4, 3/4): KL = ½ ln 2 + ½ ln ⅔.
  const std::vector<float> p = {0, 0};
  const std::vector<float> q = {0, std::log(3.0F)};
  EXPECT_NEAR(kl_divergence(p, q), 0.5 * std::log(2.0) + 0.5 * std::log(2.0 / 3), 1e-6);
  EXPECT_EQ(kl_divergence(q, q), 0);
  EXPECT_THROW(kl_divergence(p, std::vector<float>{1}), Exception);
}

TEST(RunValues, ComparesTheRunsThatBothHave) {
  RunValues a;
  RunValues b;
  for (int q = 0; q < 4; ++q) {
    a.add({q, 0}, 0);
    b.add({q, 0}, q < 3 ? 1 : 0);
  }
  b.add({9, 0}, 1);
  const auto rows = compare_pairs({{"a", &a}, {"b", &b}}, {});
  ASSERT_EQ(rows.size(), 1u);
  const auto value = [&](const std::string& name) -> ReportValue {
    for (const auto& [key, v] : rows[0].fields) {
      if (key == name) return v;
    }
    return std::string("missing");
  };
  EXPECT_EQ(std::get<std::int64_t>(value("n")), 4);
  EXPECT_DOUBLE_EQ(std::get<double>(value("difference")), 0.75);
  EXPECT_GE(std::get<double>(value("difference_low")), 0.25);
  EXPECT_LE(std::get<double>(value("difference_high")), 1.0);
}

TEST(RunValues, KeepsVariantsApart) {
  RunValues values;
  values.add({0, 0}, 1);
  values.add({0, 2}, 0);
  values.add({1, 2}, 1);
  EXPECT_EQ(values.n_questions(), 2);
  EXPECT_EQ(values.variants(), (std::vector<std::int64_t>{0, 2}));
  EXPECT_DOUBLE_EQ(values.of_variant(2).mean(), 0.5);
}

TEST(GoldPlaces, WalksStaysOrTakesEach) {
  using Places = std::vector<std::int64_t>;
  EXPECT_EQ(GoldPlaces::parse("walk").of(7, 3), Places{1});
  EXPECT_EQ(GoldPlaces::parse("each").of(7, 3), (Places{0, 1, 2}));
  EXPECT_EQ(GoldPlaces::parse("4").of(7, 10), Places{4});
  EXPECT_EQ(GoldPlaces::parse("4").of(7, 3), Places{2});
  EXPECT_EQ(GoldPlaces::parse("each").of(7, 0), Places{0});
  for (const char* wrong : {"", "-1", "3x", "last"}) {
    EXPECT_THROW(GoldPlaces::parse(wrong), Exception) << wrong;
  }
}

TEST(Arms, FullAndRepositionAreMeasuredWithAndWithoutAnAdapter) {
  const std::vector<ReadingMode> modes = {LinkMode::kFull, LinkMode::kReposition, LinkMode::kLink};
  Texts names;
  for (const auto& arm : arms_of(modes, "default")) names.push_back(arm.name());
  EXPECT_EQ(names, (Texts{"full/none", "full/default", "reposition/none", "reposition/default",
                          "link/default"}));
  names.clear();
  for (const auto& arm : arms_of(modes, "none")) names.push_back(arm.name());
  EXPECT_EQ(names, (Texts{"full/none", "reposition/none", "link/none"}));
}

TEST(EvalReport, TableAndJsonHoldTheSameRows) {
  EvalReport report{"qa", {}, {}, {}};
  ReportRow row;
  row.add("mode", std::string("full"));
  row.add("n", std::int64_t{40});
  row.add("accuracy", 0.25);
  report.results.push_back(row);
  const std::string table = report_table(report);
  EXPECT_NE(table.find("mode  n   accuracy"), std::string::npos) << table;
  EXPECT_NE(table.find("full  40  0.250"), std::string::npos) << table;
  EXPECT_EQ(row_json(row), R"({"mode":"full","n":40,"accuracy":0.25})");
  EXPECT_NE(report_json(report).find("\"accuracy\": 0.25"), std::string::npos);
}

}  // namespace
}  // namespace kvlink::app::tests
