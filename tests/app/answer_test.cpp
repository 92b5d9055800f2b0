// SPDX-License-Identifier: Apache-2.0
// Answers in every mode: what is reused, what is computed, and what happens when something is
// wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <span>

#include "app/answer_pipeline.h"
#include "tests/app/tiny_library.h"

namespace kvlink::app::tests {
namespace {

using inference::LinkMode;

class AnswerPipelineTest : public ::testing::Test {
 protected:
  AnswerPipelineTest() {
    library_.write("boats.md", story("boat", 12));
    library_.write("mills.md", story("mill", 12));
  }
  TinyLibrary library_;
};

/// The file of a block, found by content: block files are few here.
std::vector<fs::path> block_files(const fs::path& kv) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(kv / "blocks")) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  return files;
}

void flip_last_byte(const fs::path& file) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(-1, std::ios::end);
  const char byte = static_cast<char>(stream.get() ^ 0x40);
  stream.seekp(-1, std::ios::end);
  stream.put(byte);
}

TEST_F(AnswerPipelineTest, RepositionPrefillsNoDocumentTokenAfterARestart) {
  library_.add(*library_.open());
  const auto session = library_.open();
  const Answer answer = ask(*session, "How many parts has the boat?");
  EXPECT_GT(answer.reading.n_document_tokens, 0);
  EXPECT_EQ(answer.reading.n_document_tokens_reused, answer.reading.n_document_tokens);
  EXPECT_EQ(answer.reading.n_document_tokens_prefilled, 0);
  EXPECT_EQ(answer.reading.n_document_tokens_encoded, 0);
  EXPECT_TRUE(answer.reading.misses.empty());
  EXPECT_EQ(answer.reading.n_blocks_from_disk, static_cast<std::int64_t>(answer.sources.size()));
  EXPECT_GT(answer.n_tokens, 0);
  EXPECT_TRUE(answer.timeline.ttft().has_value());
}

TEST_F(AnswerPipelineTest, FullPrefillsEveryDocumentTokenAndReadsNoBlock) {
  const auto session = library_.open();
  library_.add(*session);
  const Answer answer = ask(*session, "How many parts has the boat?", LinkMode::kFull);
  EXPECT_GT(answer.reading.n_document_tokens, 0);
  EXPECT_EQ(answer.reading.n_document_tokens_prefilled, answer.reading.n_document_tokens);
  EXPECT_EQ(answer.reading.n_document_tokens_reused, 0);
  EXPECT_EQ(session->store().totals().n_hits, 0);
}

TEST_F(AnswerPipelineTest, ConcatAndRecomputeReuseToo) {
  const auto session = library_.open();
  library_.add(*session);
  const Answer concat = ask(*session, "boat", LinkMode::kConcat);
  EXPECT_EQ(concat.reading.n_document_tokens_prefilled, 0);
  EXPECT_EQ(concat.mode, LinkMode::kConcat);
  const Answer recompute = ask(*session, "boat", LinkMode::kRecompute);
  EXPECT_GT(recompute.reading.n_document_tokens_prefilled, 0);
  EXPECT_LT(recompute.reading.n_document_tokens_prefilled, recompute.reading.n_document_tokens / 2);
}

TEST_F(AnswerPipelineTest, RecomputingEverythingIsFullPrefill) {
  const auto session = library_.open([](Settings& settings) {
    settings.recompute_share = 1.0F;
    settings.passage_prior = 0;  // which recompute does not have
  });
  library_.add(*session);
  const Answer full = ask(*session, "boat", LinkMode::kFull);
  const Answer recompute = ask(*session, "boat", LinkMode::kRecompute);
  EXPECT_EQ(recompute.reading.n_document_tokens_prefilled, recompute.reading.n_document_tokens);
  EXPECT_EQ(recompute.text, full.text);
}

TEST_F(AnswerPipelineTest, LinkWithoutAnAdapterIsRefusedWithAWayOut) {
  const auto session = library_.open();
  library_.add(*session);
  Question question;
  question.text = "boat";
  question.mode = LinkMode::kLink;
  Conversation conversation;
  const auto answer = AnswerPipeline(*session).answer(question, conversation, {}, {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(answer.error().message.find("reposition"), std::string::npos);
}

TEST_F(AnswerPipelineTest, IgnoringTheCachePrefillsEverythingWhateverTheModeSays) {
  const auto session = library_.open();
  library_.add(*session);
  Question question;
  question.text = "boat";
  question.mode = LinkMode::kReposition;
  question.cache_use = CacheUse::kIgnore;
  Conversation conversation;
  const auto answer =
      value_or_throw(AnswerPipeline(*session).answer(question, conversation, {}, {}));
  EXPECT_EQ(answer.mode, LinkMode::kFull);
  EXPECT_EQ(answer.reading.n_document_tokens_prefilled, answer.reading.n_document_tokens);
}

TEST_F(AnswerPipelineTest, TierDoesNotChangeTheAnswer) {
  const auto session = library_.open();
  library_.add(*session);
  session->store().drop_memory();
  const Answer from_disk = ask(*session, "mill part 3");
  const Answer from_memory = ask(*session, "mill part 3");
  Question question;
  question.text = "mill part 3";
  question.cache_state = CacheState::kCold;
  Conversation conversation;
  const auto cold = value_or_throw(AnswerPipeline(*session).answer(question, conversation, {}, {}));
  EXPECT_EQ(from_disk.reading.n_blocks_from_memory, 0);
  EXPECT_EQ(from_memory.reading.n_blocks_from_disk, 0);
  EXPECT_EQ(cold.reading.n_blocks_from_memory, 0);
  EXPECT_EQ(from_memory.text, from_disk.text);
  EXPECT_EQ(cold.text, from_disk.text);
}

TEST_F(AnswerPipelineTest, AMissingBlockIsEncodedCountedAndKept) {
  const auto session = library_.open();
  library_.add(*session, Ingestion::Caching::kNo);
  EXPECT_EQ(session->store().totals().n_blocks, 0);
  const Answer first = ask(*session, "boat");
  EXPECT_EQ(first.reading.n_document_tokens_encoded, first.reading.n_document_tokens);
  ASSERT_FALSE(first.reading.misses.empty());
  EXPECT_EQ(first.reading.misses.front().reason, cache::MissReason::kNeverEncoded);
  EXPECT_GT(first.timeline.total(Stage::kEncodeMissing).count(), 0);
  ASSERT_TRUE(session->writer().drain());
  const Answer second = ask(*session, "boat");
  EXPECT_EQ(second.reading.n_document_tokens_encoded, 0);
  EXPECT_EQ(second.text, first.text);
}

TEST_F(AnswerPipelineTest, ADamagedBlockIsAMissWithItsReasonAndTheAnswerStays) {
  std::string before;
  {
    const auto session = library_.open();
    library_.add(*session);
    before = ask(*session, "boat").text;
  }
  for (const auto& file : block_files(library_.paths().kv_folder())) flip_last_byte(file);
  const auto session = library_.open();
  const Answer answer = ask(*session, "boat");
  ASSERT_EQ(answer.reading.misses.size(), answer.sources.size());
  for (const auto& miss : answer.reading.misses) {
    EXPECT_EQ(miss.reason, cache::MissReason::kChecksum);
    EXPECT_FALSE(miss.detail.empty());
  }
  EXPECT_EQ(answer.text, before);
  ASSERT_TRUE(session->writer().drain());
  EXPECT_TRUE(ask(*session, "boat").reading.misses.empty()) << "the block was not made again";
}

TEST_F(AnswerPipelineTest, SourcesNamePathAndPlace) {
  const auto session = library_.open();
  library_.add(*session);
  std::vector<Source> announced;
  Question question;
  question.text = "mill";
  Conversation conversation;
  const auto answer = value_or_throw(AnswerPipeline(*session).answer(
      question, conversation,
      {.on_sources = [&](const std::vector<Source>& sources) { announced = sources; },
       .on_text = {}},
      {}));
  ASSERT_FALSE(answer.sources.empty());
  EXPECT_EQ(announced.size(), answer.sources.size());
  const Source& best = answer.sources.front();
  EXPECT_EQ(best.number, 1);
  EXPECT_TRUE(fs::path(best.path).is_absolute());
  EXPECT_GE(best.chunk.chunk.anchor.line_begin, 1);
  EXPECT_EQ(best.chunk.title, fs::path(best.path).stem() == "mills" ? "mill" : "boat");
}

TEST_F(AnswerPipelineTest, AnEmptyLibraryAnswersNothingAndGeneratesNothing) {
  const auto session = library_.open();
  bool streamed = false;
  Question question;
  question.text = "boat";
  Conversation conversation;
  const auto answer = value_or_throw(AnswerPipeline(*session).answer(
      question, conversation,
      {.on_sources = {}, .on_text = [&](std::string_view) { streamed = true; }}, {}));
  EXPECT_EQ(answer.end, AnswerEnd::kNothingFound);
  EXPECT_FALSE(streamed);
  EXPECT_EQ(answer.n_tokens, 0);
  EXPECT_FALSE(answer.timeline.ttft().has_value());
  EXPECT_FALSE(answer.text.empty());
}

/// One passage whose vector hardly points where the question's does.
void add_far_document(Session& session, const std::string& question) {
  auto vector =
      value_or_throw(session.embed(std::span(&question, 1), inference::Priority::kQuestion));
  const auto smallest = std::min_element(
      vector.begin(), vector.end(), [](float a, float b) { return std::abs(a) < std::abs(b); });
  const auto at = static_cast<std::size_t>(smallest - vector.begin());
  std::fill(vector.begin(), vector.end(), 0.0F);
  vector[at] = 1;
  retrieval::NewDocument far;
  far.document.path = "/far.md";
  far.document.title = "far";
  far.document.n_chunks = 1;
  far.chunks.resize(1);
  far.chunks.front().text = "A boat lies in the harbour.";
  far.chunks.front().n_tokens = 8;
  far.vectors = vector;
  value_or_throw(session.library().commit(far));
}

TEST_F(AnswerPipelineTest, ShowsWhatComesNearestAndReadsItOnlyWhenAsked) {
  const auto session = library_.open();
  Question question;
  question.text = "zzyzx qwrtp";
  add_far_document(*session, question.text);
  Conversation conversation;
  AnswerPipeline pipeline(*session);
  const auto nothing = value_or_throw(pipeline.answer(question, conversation, {}, {}));
  ASSERT_EQ(nothing.end, AnswerEnd::kNothingFound);
  EXPECT_TRUE(nothing.sources.empty());
  EXPECT_FALSE(nothing.nearest.empty());
  EXPECT_EQ(nothing.n_tokens, 0);
  question.nearest = true;
  const auto anyway = value_or_throw(pipeline.answer(question, conversation, {}, {}));
  EXPECT_NE(anyway.end, AnswerEnd::kNothingFound);
  ASSERT_EQ(anyway.sources.size(), nothing.nearest.size());
  EXPECT_EQ(anyway.sources.front().chunk.id, nothing.nearest.front().chunk.id);
  EXPECT_TRUE(anyway.nearest.empty());
  ASSERT_FALSE(anyway.notices.empty());
  EXPECT_NE(anyway.notices.front().find("nearest"), std::string::npos);
}

TEST_F(AnswerPipelineTest, DocumentsRestrictTheSearch) {
  const auto session = library_.open();
  library_.add(*session);
  const auto mills = value_or_throw(
      session->library().find_path(fs::canonical(library_.document("mills.md")).string()));
  ASSERT_TRUE(mills.has_value());
  Question question;
  question.text = "boat part";
  question.documents = {mills->id};
  Conversation conversation;
  const auto answer =
      value_or_throw(AnswerPipeline(*session).answer(question, conversation, {}, {}));
  for (const auto& source : answer.sources) EXPECT_EQ(source.chunk.document, mills->id);
}

TEST_F(AnswerPipelineTest, WholeReadsTheDocumentInOrderAndSaysHowMuchFits) {
  library_.write("long.md", story("bridge", 120));
  const auto session = library_.open([](Settings& settings) { settings.max_context = 700; });
  library_.add(*session);
  const auto document = value_or_throw(
      session->library().find_path(fs::canonical(library_.document("long.md")).string()));
  Question question;
  question.text = "What is this?";
  question.whole = document.value().id;
  Conversation conversation;
  const auto answer =
      value_or_throw(AnswerPipeline(*session).answer(question, conversation, {}, {}));
  ASSERT_GT(answer.sources.size(), 1U);
  EXPECT_LT(static_cast<std::int64_t>(answer.sources.size()), document.value().n_chunks);
  for (std::size_t i = 0; i < answer.sources.size(); ++i) {
    EXPECT_EQ(answer.sources[i].chunk.ordinal, static_cast<std::int64_t>(i));
  }
  ASSERT_FALSE(answer.notices.empty());
  EXPECT_NE(answer.notices.front().find("of the document fit"), std::string::npos);
}

TEST_F(AnswerPipelineTest, QuestionsThatMakeNoSenseAreTypedErrors) {
  const auto session = library_.open([](Settings& settings) { settings.max_context = 300; });
  library_.add(*session);
  AnswerPipeline pipeline(*session);
  for (const std::string& text : {std::string(), std::string(" \n\t "), std::string(5000, 'x')}) {
    Question question;
    question.text = text;
    Conversation conversation;
    const auto answer = pipeline.answer(question, conversation, {}, {});
    ASSERT_FALSE(answer) << text.size();
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalidInput);
    EXPECT_FALSE(answer.error().message.empty());
  }
}

TEST_F(AnswerPipelineTest, AnAnswerEndsWhereTheModelMakesUpTheNextQuestion) {
  const auto session = library_.open();
  const auto& tokenizer = session->engine().tokenizer();
  const auto shown = [&](const std::string& said, NextQuestion next_question) {
    std::string streamed;
    const TextCallback on_text = [&](std::string_view piece) { streamed += piece; };
    AnswerText text(tokenizer, on_text, next_question);
    for (const auto token : tokenizer.encode(said)) {
      if (!text.push(token)) break;
    }
    EXPECT_EQ(text.finish(), streamed);
    return streamed;
  };
  EXPECT_EQ(shown("Yes.\n\n Question: why?\nNo.", NextQuestion::kEnd), "Yes.");
  EXPECT_EQ(shown("Yes.\n\n Question: why?\nNo.", NextQuestion::kKeep),
            "Yes.\n\n Question: why?\nNo.");
  EXPECT_EQ(shown("A\nQuestions remain\n\nB", NextQuestion::kEnd), "A\nQuestions remain\n\nB");
  EXPECT_EQ(shown("The Question: is it?", NextQuestion::kEnd), "The Question: is it?");
  EXPECT_EQ(shown("A\nQuest", NextQuestion::kEnd), "A\nQuest");
}

TEST_F(AnswerPipelineTest, AStopBeforeTheFirstTokenIsAnEndAndLeavesTheConversationUsable) {
  const auto session = library_.open();
  library_.add(*session);
  AnswerPipeline pipeline(*session);
  Conversation conversation;
  std::stop_source stop;
  stop.request_stop();
  Question question;
  question.text = "boat";
  const auto stopped =
      value_or_throw(pipeline.answer(question, conversation, {}, stop.get_token()));
  EXPECT_EQ(stopped.end, AnswerEnd::kStopped);
  EXPECT_EQ(stopped.n_tokens, 0);
  EXPECT_TRUE(conversation.turns().empty());
  const auto answer = value_or_throw(pipeline.answer(question, conversation, {}, {}));
  EXPECT_EQ(answer.text, ask(*session, "boat").text);
}

TEST_F(AnswerPipelineTest, AStopAmidTheAnswerKeepsWhatWasSaid) {
  const auto session = library_.open([](Settings& s) { s.max_answer_tokens = 200; });
  library_.add(*session);
  AnswerPipeline pipeline(*session);
  Conversation conversation;
  std::stop_source stop;
  Question question;
  question.text = "boat";
  std::string shown;
  const AnswerEvents events{.on_sources = {}, .on_text = [&](std::string_view piece) {
                              shown += piece;
                              if (shown.size() > 2) stop.request_stop();
                            }};
  const auto stopped =
      value_or_throw(pipeline.answer(question, conversation, events, stop.get_token()));
  EXPECT_EQ(stopped.end, AnswerEnd::kStopped);
  EXPECT_EQ(stopped.text, shown);
  EXPECT_EQ(conversation.turns().size(), 1U);
  question.max_tokens = 5;
  const auto next = value_or_throw(pipeline.answer(question, conversation, {}, {}));
  EXPECT_GT(next.n_tokens, 0);
}

TEST_F(AnswerPipelineTest, EveryStopPointEndsTheAnswerCleanly) {
  const auto session = library_.open();
  library_.add(*session, Ingestion::Caching::kNo);
  AnswerPipeline pipeline(*session);
  Question question;
  question.text = "boat";
  const std::string undisturbed = ask(*session, "boat").text;
  for (int delay_us = 0; delay_us < 8000; delay_us += 400) {
    ASSERT_TRUE(session->store().evict({}, cache::KvStore::Pinned::kInclude));
    std::stop_source stop;
    Conversation conversation;
    std::jthread stopper([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
      stop.request_stop();
    });
    const auto answer = pipeline.answer(question, conversation, {}, stop.get_token());
    ASSERT_TRUE(answer) << answer.error().message;
    stopper.join();
    EXPECT_TRUE(undisturbed.starts_with(answer->text)) << answer->text;
    ASSERT_TRUE(session->writer().drain());
  }
}

}  // namespace
}  // namespace kvlink::app::tests
