// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "inference/link/context_plan.h"

namespace kvlink::inference {
namespace {

using Ids = std::vector<std::int32_t>;

constexpr KvLayout kLayout = {.n_layers = 1, .n_kv_heads = 1, .head_dim = 2, .dtype = DType::kF32};

Ids counting(std::int32_t first, std::size_t n) {
  Ids ids(n);
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

/// Prefix of 2, chunks of 3 and 2 tokens, question of 2: rows 0..8.
class LinkPlan : public testing::Test {
 protected:
  LinkPlan() {
    for (std::size_t c = 0; c < 2; ++c) chunks_.push_back({*texts_[c], blocks_[c]});
  }

  PlanRequest request(LinkMode mode) const {
    return {.mode = mode,
            .chunks = chunks_,
            .lead = lead_,
            .question = question_,
            .encode_position = 2,
            .max_rows = 100};
  }
  static ContextPlan plan(const PlanRequest& request) {
    auto result = plan_context(request);
    EXPECT_TRUE(result) << result.error().message;
    return *result;
  }
  static void expect_error(const PlanRequest& request, ErrorCode code, std::string_view words) {
    const auto result = plan_context(request);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code);
    EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
  }

  Ids lead_ = {1, 2};
  Ids first_ = {10, 11, 12};
  Ids second_ = {20, 21};
  Ids question_ = {30, 31};
  const Ids* texts_[2] = {&first_, &second_};
  KvBlock first_block_{kLayout, first_};
  KvBlock second_block_{kLayout, second_};
  const KvBlock* blocks_[2] = {&first_block_, &second_block_};
  std::vector<PlannedChunk> chunks_;
};

TEST_F(LinkPlan, FullForwardsEverythingInReadingOrder) {
  chunks_[0].block = chunks_[1].block = nullptr;
  const ContextPlan p = plan(request(LinkMode::kFull));
  EXPECT_TRUE(p.loads.empty());
  EXPECT_EQ(p.forward.token_ids, (Ids{1, 2, 10, 11, 12, 20, 21, 30, 31}));
  EXPECT_EQ(p.forward.rows, counting(0, 9));
  EXPECT_EQ(p.forward.positions, counting(0, 9));
  EXPECT_EQ(p.row_positions, counting(0, 9));
  EXPECT_EQ(p.n_rows, 9);
  EXPECT_EQ(p.n_document_tokens, 5);
  EXPECT_EQ(p.n_document_tokens_prefilled, 5);
  EXPECT_EQ(p.next_position, 9);
}

TEST_F(LinkPlan, RepositionLoadsChunksOneAfterAnother) {
  const ContextPlan p = plan(request(LinkMode::kReposition));
  ASSERT_EQ(p.loads.size(), 2U);
  EXPECT_EQ(p.loads[0].chunk, 0U);
  EXPECT_EQ(p.loads[0].first_row, 2);
  EXPECT_EQ(p.loads[0].positions, (Ids{2, 3, 4}));
  EXPECT_EQ(p.loads[1].first_row, 5);
  EXPECT_EQ(p.loads[1].positions, (Ids{5, 6}));
  EXPECT_EQ(p.forward.token_ids, (Ids{1, 2, 30, 31}));
  EXPECT_EQ(p.forward.rows, (Ids{0, 1, 7, 8}));
  EXPECT_EQ(p.forward.positions, (Ids{0, 1, 7, 8}));
  EXPECT_EQ(p.row_positions, counting(0, 9));
  EXPECT_EQ(p.n_document_tokens, 5);
  EXPECT_EQ(p.n_document_tokens_prefilled, 0);
  EXPECT_EQ(p.next_position, 9);
}

TEST_F(LinkPlan, ConcatKeepsTheEncodePositionAndPutsTheQuestionBehindTheTotalLength) {
  const ContextPlan p = plan(request(LinkMode::kConcat));
  EXPECT_EQ(p.loads[0].positions, (Ids{2, 3, 4}));
  EXPECT_EQ(p.loads[1].positions, (Ids{2, 3}));
  EXPECT_EQ(p.row_positions, (Ids{0, 1, 2, 3, 4, 2, 3, 7, 8}));
  EXPECT_EQ(p.forward.positions, (Ids{0, 1, 7, 8}));
  EXPECT_EQ(p.next_position, 9);
  EXPECT_EQ(p.n_document_tokens_prefilled, 0);
}

TEST_F(LinkPlan, LinkPutsSoftTokensBehindEveryChunk) {
  PlanRequest r = request(LinkMode::kLink);
  r.n_link_tokens = 2;
  const ContextPlan p = plan(r);
  EXPECT_EQ(p.loads[0].positions, (Ids{2, 3, 4}));
  EXPECT_EQ(p.loads[1].positions, (Ids{7, 8}));
  EXPECT_EQ(p.forward.token_ids, (Ids{1, 2, -1, -1, -1, -1, 30, 31}));
  EXPECT_EQ(p.forward.positions, (Ids{0, 1, 5, 6, 9, 10, 11, 12}));
  EXPECT_EQ(p.forward.rows, p.forward.positions);
  EXPECT_EQ(p.row_positions, counting(0, 13));
  EXPECT_EQ(p.n_document_tokens_prefilled, 0);
  EXPECT_EQ(p.next_position, 13);
}

TEST_F(LinkPlan, ParallelChunksEndWhereTheLongestDoesAndLinkTokensStandOnceBehindThem) {
  PlanRequest r = request(LinkMode::kLink);
  r.n_link_tokens = 2;
  r.parallel = true;
  const ContextPlan p = plan(r);
  EXPECT_EQ(p.loads[0].positions, (Ids{2, 3, 4}));
  EXPECT_EQ(p.loads[1].positions, (Ids{3, 4}));
  EXPECT_EQ(p.loads[1].first_row, 5);
  EXPECT_EQ(p.forward.token_ids, (Ids{1, 2, -1, -1, 30, 31}));
  EXPECT_EQ(p.forward.rows, (Ids{0, 1, 7, 8, 9, 10}));
  EXPECT_EQ(p.forward.positions, (Ids{0, 1, 5, 6, 7, 8}));
  EXPECT_EQ(p.n_link_tokens, 2);
  EXPECT_EQ(p.n_rows, 11);
  EXPECT_EQ(p.next_position, 9);
  std::swap(chunks_[0], chunks_[1]);
  EXPECT_EQ(plan(r).forward.positions, p.forward.positions);
  r.max_rows = 11;
  EXPECT_EQ(plan(r).n_rows, 11);
  r.max_rows = 10;
  expect_error(r, ErrorCode::kOutOfMemory, "needs 11");
}

TEST_F(LinkPlan, OnlyModesThatRotateWholeChunksPutThemSideBySide) {
  PlanRequest r = request(LinkMode::kReposition);
  r.parallel = true;
  EXPECT_EQ(plan(r).loads[1].positions, (Ids{3, 4}));
  EXPECT_EQ(plan(r).next_position, 7);
  const std::vector<Ids> none = {{}, {}};
  for (const LinkMode mode : {LinkMode::kFull, LinkMode::kConcat, LinkMode::kRecompute}) {
    r.mode = mode;
    r.recompute = none;
    EXPECT_EQ(plan(r).next_position, 9) << link_mode_name(mode);
  }
  r.mode = LinkMode::kLink;
  r.n_link_tokens = 2;
  r.chunks = {};
  EXPECT_EQ(plan(r).forward.positions, counting(0, 4));
}

TEST_F(LinkPlan, PriorsOfChunksBecomeBiasesOfTheirRows) {
  chunks_[0].log_prior = -1.5F;
  PlanRequest r = request(LinkMode::kLink);
  r.n_link_tokens = 1;
  EXPECT_EQ(plan(r).row_biases, (std::vector<float>{0, 0, -1.5F, -1.5F, -1.5F, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(plan(request(LinkMode::kFull)).row_biases,
            (std::vector<float>{0, 0, -1.5F, -1.5F, -1.5F, 0, 0, 0, 0}));
  const std::vector<Ids> none = {{}, {}};
  for (const LinkMode mode : {LinkMode::kConcat, LinkMode::kRecompute}) {
    PlanRequest other = request(mode);
    other.recompute = none;
    EXPECT_TRUE(plan(other).row_biases.empty()) << link_mode_name(mode);
  }
  chunks_[0].log_prior = 0.0F;
  EXPECT_TRUE(plan(r).row_biases.empty());
  for (const float bad : {0.5F, -INFINITY, NAN}) {
    chunks_[1].log_prior = bad;
    expect_error(r, ErrorCode::kInvalidInput, "passage 2 has the log prior");
  }
}

TEST_F(LinkPlan, RecomputeForwardsTheChosenTokensInPlace) {
  const std::vector<Ids> chosen = {{0, 2}, {1}};
  PlanRequest r = request(LinkMode::kRecompute);
  r.recompute = chosen;
  r.n_link_tokens = 1;
  const ContextPlan p = plan(r);
  EXPECT_EQ(p.loads.size(), 2U);
  EXPECT_EQ(p.forward.token_ids, (Ids{1, 2, 10, 12, -1, 21, -1, 30, 31}));
  EXPECT_EQ(p.forward.positions, (Ids{0, 1, 2, 4, 5, 7, 8, 9, 10}));
  EXPECT_EQ(p.forward.rows, p.forward.positions);
  EXPECT_EQ(p.n_document_tokens_prefilled, 3);
  EXPECT_EQ(p.row_positions, counting(0, 11));
}

TEST_F(LinkPlan, FollowUpContinuesAtTheGivenPositionWithRowsFromZero) {
  PlanRequest r = request(LinkMode::kReposition);
  r.first_row = 40;
  r.first_position = 40;
  const ContextPlan p = plan(r);
  EXPECT_EQ(p.forward.rows, (Ids{0, 1, 7, 8}));
  EXPECT_EQ(p.forward.positions, (Ids{40, 41, 47, 48}));
  EXPECT_EQ(p.loads[0].positions, (Ids{42, 43, 44}));
  EXPECT_EQ(p.next_position, 49);
}

TEST_F(LinkPlan, QuestionWithoutChunksIsAPlainPrompt) {
  PlanRequest r = request(LinkMode::kReposition);
  r.chunks = {};
  const ContextPlan p = plan(r);
  EXPECT_EQ(p.forward.token_ids, (Ids{1, 2, 30, 31}));
  EXPECT_EQ(p.n_rows, 4);
}

TEST_F(LinkPlan, RefusesLinkWithoutLinkTokens) {
  expect_error(request(LinkMode::kLink), ErrorCode::kUnsupported, "adapter");
}

TEST_F(LinkPlan, RefusesAnEmptyQuestionAndAnEmptyChunk) {
  PlanRequest r = request(LinkMode::kReposition);
  r.question = {};
  expect_error(r, ErrorCode::kInvalidInput, "question is empty");
  chunks_[1].token_ids = {};
  expect_error(request(LinkMode::kReposition), ErrorCode::kInvalidInput, "passage 2 is empty");
}

TEST_F(LinkPlan, RefusesAMissingBlockAndTheBlockOfAnotherText) {
  chunks_[1].block = nullptr;
  expect_error(request(LinkMode::kConcat), ErrorCode::kInvalidInput, "passage 2 has no KV block");
  chunks_[1].block = &first_block_;
  expect_error(request(LinkMode::kReposition), ErrorCode::kInvalidInput, "another text");
}

TEST_F(LinkPlan, SaysWithNumbersThatTheContextIsTooSmall) {
  PlanRequest r = request(LinkMode::kReposition);
  r.first_row = r.first_position = 5;
  r.max_rows = 14;
  EXPECT_EQ(plan(r).n_rows, 9);
  r.max_rows = 13;
  expect_error(r, ErrorCode::kOutOfMemory,
               "holds 13 tokens; 5 are used, and this question needs 9");
}

TEST_F(LinkPlan, RefusesTokensToRecomputeThatAreNotThere) {
  for (const std::vector<Ids>& chosen :
       {std::vector<Ids>{{0}}, {{0}, {2}}, {{1, 0}, {}}, {{1, 1}, {}}, {{-1}, {}}}) {
    PlanRequest r = request(LinkMode::kRecompute);
    r.recompute = chosen;
    expect_error(r, ErrorCode::kInvalidInput, "recompute");
  }
}

TEST_F(LinkPlan, FirstTokensRoundUpAndStayInside) {
  EXPECT_EQ(first_tokens_of_chunks(chunks_, 0.0), (std::vector<Ids>{{}, {}}));
  EXPECT_EQ(first_tokens_of_chunks(chunks_, 0.4), (std::vector<Ids>{{0, 1}, {0}}));
  EXPECT_EQ(first_tokens_of_chunks(chunks_, 1.0), (std::vector<Ids>{{0, 1, 2}, {0, 1}}));
  EXPECT_EQ(first_tokens_of_chunks(chunks_, 7.0), (std::vector<Ids>{{0, 1, 2}, {0, 1}}));
}

TEST(LinkMode, NamesAreReadBack) {
  for (auto mode : {LinkMode::kFull, LinkMode::kConcat, LinkMode::kReposition, LinkMode::kLink,
                    LinkMode::kRecompute}) {
    EXPECT_EQ(parse_link_mode(link_mode_name(mode)), mode);
  }
  EXPECT_EQ(link_mode_name(LinkMode::kReposition), "reposition");
  EXPECT_EQ(parse_link_mode("Full"), std::nullopt);
}

}  // namespace
}  // namespace kvlink::inference
