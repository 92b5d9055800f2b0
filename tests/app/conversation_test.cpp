// SPDX-License-Identifier: Apache-2.0
// Follow-ups: what is kept in the context, what is added, and what happens when it is full.
#include <gtest/gtest.h>

#include "app/answer_pipeline.h"
#include "tests/app/tiny_library.h"

namespace kvlink::app::tests {
namespace {

class ConversationTest : public ::testing::Test {
 protected:
  ConversationTest() {
    library_.write("boats.md", story("boat", 9));
    library_.write("mills.md", story("mill", 9));
  }

  Answer next(Session& session, Conversation& conversation, const std::string& text) {
    Question question;
    question.text = text;
    return value_or_throw(AnswerPipeline(session).answer(question, conversation, {}, {}));
  }

  TinyLibrary library_;
};

TEST_F(ConversationTest, AFollowUpComputesNeitherPassagesNorEarlierTurnsAgain) {
  const auto session = library_.open();
  library_.add(*session);
  Conversation conversation;
  const auto first = next(*session, conversation, "Which parts has the boat?");
  const auto rows_before = conversation.context(session->engine()).n_rows();
  const auto again = next(*session, conversation, "Which parts has the boat?");
  for (const auto& source : again.sources) EXPECT_TRUE(source.in_context);
  EXPECT_EQ(again.reading.n_document_tokens, 0);
  EXPECT_EQ(again.n_history_tokens, 0);
  // The turn, and nothing of what came before: fewer tokens than the passages alone.
  EXPECT_LT(again.reading.n_prefilled_tokens, first.reading.n_document_tokens);
  EXPECT_GT(conversation.context(session->engine()).n_rows(), rows_before);
  EXPECT_EQ(conversation.turns().size(), 2U);
}

TEST_F(ConversationTest, AFollowUpAddsOnlyNewPassages) {
  const auto session = library_.open([](Settings& settings) { settings.chunks_per_answer = 2; });
  library_.add(*session);
  Conversation conversation;
  next(*session, conversation, "boat part 1");
  const auto second = next(*session, conversation, "mill part 9");
  std::int64_t n_new = 0;
  for (const auto& source : second.sources) {
    if (!source.in_context) n_new += source.chunk.chunk.n_tokens;
  }
  EXPECT_GT(n_new, 0);
  EXPECT_EQ(second.reading.n_document_tokens, n_new);
  EXPECT_EQ(second.reading.n_document_tokens_prefilled, 0);
}

TEST_F(ConversationTest, AFullContextStartsOverAndSaysSo) {
  const auto session = library_.open([](Settings& settings) {
    settings.max_context = 512;
    settings.chunks_per_answer = 2;
  });
  library_.add(*session);
  Conversation conversation;
  bool started_over = false;
  for (int i = 0; i < 12; ++i) {
    const auto answer = next(*session, conversation,
                             (i % 2 == 0 ? "boat part " : "mill part ") + std::to_string(i));
    EXPECT_LE(conversation.context(session->engine()).n_rows(), 512);
    for (const auto& notice : answer.notices) {
      if (notice.find("outgrown") == std::string::npos) continue;
      started_over = true;
      EXPECT_EQ(answer.reading.n_document_tokens_prefilled, 0);
      for (const auto& source : answer.sources) EXPECT_FALSE(source.in_context);
    }
  }
  EXPECT_TRUE(started_over);
  EXPECT_EQ(conversation.turns().size(), 12U);
}

TEST_F(ConversationTest, TurnsAreKeptWithTheirTimelineAndTakenUpAgain) {
  retrieval::ConversationId id = 0;
  {
    const auto session = library_.open();
    library_.add(*session);
    id = value_or_throw(session->library().new_conversation("boats"));
    Conversation conversation;
    conversation.keep_as(id);
    next(*session, conversation, "boat part 1");
    next(*session, conversation, "boat part 2");
  }
  const auto session = library_.open();
  const auto stored = value_or_throw(session->library().conversation(id));
  ASSERT_EQ(stored.turns.size(), 2U);
  EXPECT_EQ(stored.turns[0].question, "boat part 1");
  EXPECT_NE(stored.turns[0].timeline_json.find("\"ttft_ms\""), std::string::npos);
  EXPECT_EQ(stored.turns[0].mode, "reposition");
  EXPECT_FALSE(stored.turns[0].sources.empty());

  Conversation conversation(stored);
  const auto answer = next(*session, conversation, "boat part 3");
  EXPECT_GT(answer.n_history_tokens, 0);
  EXPECT_EQ(answer.reading.n_document_tokens_prefilled, 0);
  EXPECT_EQ(value_or_throw(session->library().conversation(id)).turns.size(), 3U);
  // Once read, the history is in the context.
  EXPECT_EQ(next(*session, conversation, "boat part 4").n_history_tokens, 0);
}

TEST_F(ConversationTest, AnErrorLeavesTheConversationUsable) {
  const auto session = library_.open();
  library_.add(*session);
  Conversation conversation;
  next(*session, conversation, "boat part 1");
  Question question;
  question.text = "boat part 2";
  question.mode = inference::LinkMode::kLink;
  EXPECT_FALSE(AnswerPipeline(*session).answer(question, conversation, {}, {}));
  EXPECT_EQ(conversation.turns().size(), 1U);
  EXPECT_GT(next(*session, conversation, "boat part 2").n_tokens, 0);
}

}  // namespace
}  // namespace kvlink::app::tests
