// SPDX-License-Identifier: Apache-2.0
#include "inference/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::map<std::int32_t, int> draw(SamplerOptions options, std::span<const float> logits, int n,
                                 std::span<const std::int32_t> answer = {}) {
  Sampler sampler(options);
  std::map<std::int32_t, int> counts;
  for (int i = 0; i < n; ++i) ++counts[sampler.next(logits, answer)];
  return counts;
}

std::vector<float> logs(std::initializer_list<float> probabilities) {
  std::vector<float> out;
  for (const float p : probabilities) out.push_back(std::log(p));
  return out;
}

TEST(Sampler, TakesTheLargestLogitByDefault) {
  const std::vector<float> logits = {0.5F, 3.0F, -1.0F, 2.9F};
  EXPECT_EQ(Sampler({}).next(logits, {}), 1);
}

TEST(Sampler, GreedyTakesTheLowestIdAmongEquals) {
  const std::vector<float> logits = {0.0F, 2.0F, 2.0F};
  EXPECT_EQ(Sampler({}).next(logits, {}), 1);
}

TEST(Sampler, FollowsTheProbabilities) {
  const auto counts = draw({.temperature = 1.0F, .top_k = 0, .top_p = 1.0F, .seed = 7},
                           logs({0.6F, 0.3F, 0.1F}), 20000);
  EXPECT_NEAR(counts.at(0), 12000, 400);
  EXPECT_NEAR(counts.at(1), 6000, 400);
  EXPECT_NEAR(counts.at(2), 2000, 300);
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  const auto logits = logs({0.6F, 0.4F});
  const auto cold =
      draw({.temperature = 0.5F, .top_k = 0, .top_p = 1.0F, .seed = 7}, logits, 20000);
  // p^2 normalised: 0.36 / 0.52.
  EXPECT_NEAR(cold.at(0), 20000 * 0.36 / 0.52, 400);
  const auto hot =
      draw({.temperature = 100.0F, .top_k = 0, .top_p = 1.0F, .seed = 7}, logits, 20000);
  EXPECT_NEAR(hot.at(0), 10000, 400);
}

TEST(Sampler, TopKLeavesTheBestK) {
  const auto counts =
      draw({.temperature = 5.0F, .top_k = 2, .top_p = 1.0F}, logs({0.1F, 0.4F, 0.2F, 0.3F}), 2000);
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_TRUE(counts.contains(1) && counts.contains(3));
}

TEST(Sampler, TopPLeavesTheShortestListThatReachesIt) {
  const auto logits = logs({0.5F, 0.3F, 0.15F, 0.05F});
  const auto counts = draw({.temperature = 1.0F, .top_k = 0, .top_p = 0.7F}, logits, 2000);
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_TRUE(counts.contains(0) && counts.contains(1));
  EXPECT_EQ(draw({.temperature = 1.0F, .top_k = 0, .top_p = 0.0F}, logits, 100).size(), 1U);
}

TEST(Sampler, SameSeedGivesTheSameAnswer) {
  const std::vector<float> logits(50, 0.0F);
  Sampler a({.temperature = 1.0F, .top_k = 0, .top_p = 1.0F, .seed = 3});
  Sampler b({.temperature = 1.0F, .top_k = 0, .top_p = 1.0F, .seed = 3});
  Sampler c({.temperature = 1.0F, .top_k = 0, .top_p = 1.0F, .seed = 4});
  std::vector<std::int32_t> from_a, from_b, from_c;
  for (int i = 0; i < 30; ++i) {
    from_a.push_back(a.next(logits, {}));
    from_b.push_back(b.next(logits, {}));
    from_c.push_back(c.next(logits, {}));
  }
  EXPECT_EQ(from_a, from_b);
  EXPECT_NE(from_a, from_c);
}

TEST(Sampler, RepetitionPenaltyMakesSeenTokensLessLikely) {
  const std::vector<std::int32_t> answer = {0, 0, 0, 99};
  EXPECT_EQ(Sampler({.repetition_penalty = 1.2F}).next(std::vector{2.0F, 1.9F}, answer), 1);
  EXPECT_EQ(Sampler({.repetition_penalty = 1.2F}).next(std::vector{-1.9F, -2.0F}, answer), 1);
  EXPECT_EQ(Sampler({.repetition_penalty = 1.0F}).next(std::vector{2.0F, 1.9F}, answer), 0);
}

TEST(Sampler, NeverTakesAForbiddenToken) {
  const std::vector<float> logits = {-kInfinity, 0.0F, -kInfinity, 0.0F};
  const auto counts = draw({.temperature = 1.0F, .top_k = 0, .top_p = 1.0F}, logits, 500);
  EXPECT_FALSE(counts.contains(0) || counts.contains(2));
}

TEST(Sampler, RefusesLogitsThatAreNotNumbers) {
  for (const float bad : {std::nanf(""), kInfinity}) {
    try {
      Sampler({}).next(std::vector{1.0F, bad, 0.0F}, {});
      FAIL() << "accepted " << bad;
    } catch (const Exception& e) {
      EXPECT_EQ(e.error().code, ErrorCode::kCorrupt);
    }
  }
  EXPECT_THROW(Sampler({}).next(std::vector{-kInfinity, -kInfinity}, {}), Exception);
}

}  // namespace
}  // namespace kvlink::inference
