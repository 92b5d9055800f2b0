// SPDX-License-Identifier: Apache-2.0
// Link adapters in the app: which one is used, what it changes, and what is said when there is
// none.
#include <gtest/gtest.h>

#include <fstream>

#include "app/answer_pipeline.h"
#include "app/reading_mode.h"
#include "app/ttft_bench.h"
#include "tests/app/tiny_library.h"
#include "tests/support/tiny_adapter.h"

namespace kvlink::app::tests {
namespace {

using inference::LinkMode;
using inference::RecomputeMethod;
using kvlink::tests::TinyAdapterOptions;

class LinkInTheApp : public ::testing::Test {
 protected:
  LinkInTheApp() {
    library_.write("boats.md", story("boat", 12));
    library_.write("mills.md", story("mill", 12));
  }

  fs::path adapter(const TinyAdapterOptions& options = {}, const char* name = "a") const {
    const auto file = library_.folder() / "adapters" / (std::string(name) + ".safetensors");
    fs::create_directories(file.parent_path());
    kvlink::tests::write_tiny_adapter(file, library_.paths().models / "tiny.gguf", options);
    return file;
  }
  std::unique_ptr<Session> open(const std::string& adapter) const {
    return library_.open([&](Settings& settings) { settings.adapter = adapter; });
  }
  /// A question that names no mode.
  static Answer ask_by_default(Session& session) {
    Question question;
    question.text = "How many parts has the boat?";
    Conversation conversation;
    return value_or_throw(AnswerPipeline(session).answer(question, conversation, {}, {}));
  }
  static bool has_notice(const Answer& answer, const std::string& words) {
    return std::any_of(answer.notices.begin(), answer.notices.end(),
                       [&](const std::string& n) { return n.find(words) != std::string::npos; });
  }

  TinyLibrary library_;
};

TEST_F(LinkInTheApp, WithAnAdapterLinkIsTheDefaultAndPrefillsNoDocumentToken) {
  const auto file = adapter();
  library_.add(*open(file));
  const auto session = open(file);
  const Answer answer = ask_by_default(*session);
  EXPECT_EQ(answer.mode, LinkMode::kLink);
  EXPECT_GT(answer.reading.n_document_tokens, 0);
  EXPECT_EQ(answer.reading.n_document_tokens_reused, answer.reading.n_document_tokens);
  EXPECT_EQ(answer.reading.n_document_tokens_prefilled, 0);
  EXPECT_EQ(answer.reading.n_link_tokens, 3 * std::ssize(answer.sources));
  EXPECT_TRUE(answer.reading.misses.empty());
  EXPECT_FALSE(has_notice(answer, "reposition"));
  const Answer reposition = ask(*session, "How many parts has the boat?");
  EXPECT_EQ(reposition.reading.n_link_tokens, 0);
  EXPECT_TRUE(reposition.reading.misses.empty()) << "the same blocks serve";
}

TEST_F(LinkInTheApp, WithoutOneRepositionAnswersWithAWarningOnceInAConversation) {
  const auto session = library_.open();
  library_.add(*session);
  Conversation conversation;
  Question question;
  question.text = "boat";
  AnswerPipeline pipeline(*session);
  const auto first = value_or_throw(pipeline.answer(question, conversation, {}, {}));
  EXPECT_EQ(first.mode, LinkMode::kReposition);
  EXPECT_TRUE(has_notice(first, "No link adapter fits"));
  const auto second = value_or_throw(pipeline.answer(question, conversation, {}, {}));
  EXPECT_FALSE(has_notice(second, "No link adapter fits"));
  question.mode = LinkMode::kReposition;
  Conversation other;
  const auto chosen = value_or_throw(pipeline.answer(question, other, {}, {}));
  EXPECT_FALSE(has_notice(chosen, "No link adapter fits")) << "who chose it knows";
}

TEST_F(LinkInTheApp, ABadAdapterIsRefusedWithItsReasonAndRepositionAnswers) {
  const auto file = adapter();
  const std::string good = read_text(file);
  std::string other_base = good;
  other_base.replace(other_base.find("base_sha256") + 14, 4, "0000");
  for (const auto& [bytes, reason] :
       {std::pair<std::string, const char*>{other_base, "another model"},
        {good.substr(0, good.size() / 2), "bytes"},
        {"", ""}}) {
    write_file(file, bytes);
    const auto session = open(file);
    library_.add(*session);
    const Answer answer = ask_by_default(*session);
    EXPECT_EQ(answer.mode, LinkMode::kReposition);
    EXPECT_TRUE(has_notice(answer, "a.safetensors is not used"));
    EXPECT_TRUE(has_notice(answer, reason));
    EXPECT_EQ(session->engine().adapter(), nullptr);
  }
  EXPECT_TRUE(has_notice(ask_by_default(*open("/no/such/file")), "is not used"));
}

TEST_F(LinkInTheApp, OtherLinkTokensKeepTheBlocksAndOtherHeadersDoNot) {
  library_.add(*open(adapter()));
  const auto misses = [&](const std::string& chosen) {
    return ask(*open(chosen), "boat").reading.misses;
  };
  EXPECT_TRUE(misses(adapter({.n_link = 1, .link_seed = 7}, "b")).empty());
  for (const std::string& chosen : {adapter({.seed = 7}, "c").string(),
                                    adapter({.n_header = 0}, "d").string(), std::string("none")}) {
    const auto missing = misses(chosen);
    ASSERT_FALSE(missing.empty()) << chosen;
    EXPECT_EQ(missing.front().reason, cache::MissReason::kOtherRecipe) << chosen;
  }
}

TEST_F(LinkInTheApp, AddAgainEncodesOnlyWhereTheRecipeChanged) {
  const auto report_with = [&](const fs::path& file) { return library_.add(*open(file)).caching; };
  const auto first = report_with(adapter());
  EXPECT_GT(first.n_encoded, 0);
  EXPECT_EQ(report_with(adapter({.link_seed = 7}, "b")).n_encoded, 0);
  EXPECT_EQ(report_with(adapter({.seed = 7}, "c")).n_encoded, first.n_encoded);
  EXPECT_EQ(report_with(adapter()).n_encoded, 0) << "both recipes are kept";
}

TEST_F(LinkInTheApp, TheDefaultAdapterIsTheOneThatWasMadeForTheModel) {
  adapter({.n_link = 2, .system = "Be brief."}, "right");
  const auto wrong = adapter({}, "another");
  std::string bytes = read_text(wrong);
  bytes.replace(bytes.find("base_sha256") + 14, 4, "0000");
  write_file(wrong, bytes);
  SessionOptions options;
  options.paths = library_.paths();
  options.paths.adapters = {library_.folder() / "absent", library_.folder() / "adapters"};
  options.adjust = [](Settings& settings) { settings.threads = 1; };
  {
    const auto session = value_or_throw(Session::open(options));
    ASSERT_NE(session->engine().adapter(), nullptr);
    EXPECT_EQ(session->engine().adapter()->name, "right.safetensors");
    EXPECT_EQ(session->default_mode(), LinkMode::kLink);
    EXPECT_EQ(session->settings().system_prompt, "Be brief.");
  }
  options.adapter = "none";
  const auto session = value_or_throw(Session::open(options));
  EXPECT_EQ(session->engine().adapter(), nullptr);
  EXPECT_EQ(session->settings().system_prompt, Settings().system_prompt);
}

TEST_F(LinkInTheApp, RecomputeByQuestionCountsItsTokensAndItsTime) {
  const auto file = adapter();
  const auto session = library_.open([&](Settings& settings) {
    settings.adapter = file;
    settings.recompute = RecomputeMethod::kQuery;
    settings.recompute_share = 0.1F;
  });
  library_.add(*session);
  const Answer answer = ask(*session, "boat", LinkMode::kRecompute);
  const auto& reading = answer.reading;
  EXPECT_GT(reading.n_document_tokens_prefilled, 0);
  EXPECT_LE(reading.n_document_tokens_prefilled, reading.n_document_tokens / 10 + 1);
  EXPECT_GT(reading.n_link_tokens, 0);
  EXPECT_GT(reading.n_selection_tokens, 0);
  EXPECT_GT(answer.timeline.total(Stage::kSelect).count(), 0);
}

TEST_F(LinkInTheApp, BenchMeasuresLinkAndRecomputeByName) {
  Settings settings;
  settings.threads = 1;
  settings.adapter = adapter();
  TtftBenchOptions options{.tokens = {300}, .modes = {}, .repeat = 1};
  for (const char* name : {"link", "link+query5", "deviation15"}) {
    options.modes.push_back(*parse_reading_mode(name));
  }
  const auto rows = value_or_throw(
      run_ttft_bench(library_.paths(), settings, options, [](const std::string&) {}, {}));
  ASSERT_EQ(rows.size(), 6U);
  EXPECT_EQ(rows[1].mode, "link+query5");
  settings.adapter = "none";
  const auto refused =
      run_ttft_bench(library_.paths(), settings, options, [](const std::string&) {}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
}

TEST(ReadingModes, NamesSurviveAndNonsenseIsNone) {
  for (const char* name :
       {"full", "concat", "reposition", "link", "recompute", "first-k10", "query5", "deviation100",
        "link+query0", "link+prior", "reposition+prior", "full+prior"}) {
    const auto mode = parse_reading_mode(name);
    ASSERT_TRUE(mode) << name;
    EXPECT_EQ(reading_mode_name(*mode), name);
  }
  for (const char* name : {"", "query", "query101", "query-1", "query5x", "link+full", "link+",
                           "query 5", "+query5", "concat+prior", "+prior", "link+prior+prior"}) {
    EXPECT_FALSE(parse_reading_mode(name)) << name;
  }
}

}  // namespace
}  // namespace kvlink::app::tests
