// SPDX-License-Identifier: Apache-2.0
#include "app/passage_prior.h"

#include <gtest/gtest.h>

namespace kvlink::app::tests {
namespace {

using Priors = std::vector<float>;

TEST(PassagePriors, TheNearestPassageHasNoneAndOthersLessByTheirDistance) {
  const double cosines[] = {0.5, 0.75, 0.25};
  EXPECT_EQ(passage_priors(cosines, 8.0), (Priors{-2.0F, 0.0F, -4.0F}));
  EXPECT_EQ(passage_priors(cosines, 0.0), (Priors{0.0F, 0.0F, 0.0F}));
}

TEST(PassagePriors, WithoutAKnownSimilarityAPassageCountsLikeTheNearest) {
  const double cosines[] = {0.5, 0.0};
  EXPECT_EQ(passage_priors(cosines, 8.0), (Priors{0.0F, 0.0F}));
  const double below[] = {-0.25, 0.0, -0.5};
  EXPECT_EQ(passage_priors(below, 8.0), (Priors{0.0F, 0.0F, -2.0F}));
  EXPECT_TRUE(passage_priors({}, 8.0).empty());
}

}  // namespace
}  // namespace kvlink::app::tests
