// SPDX-License-Identifier: Apache-2.0
// `kvlink eval` with tiny random models: its numbers mean nothing, but they must be reproducible.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/app/program.h"
#include "tests/app/tiny_library.h"

namespace kvlink::app::tests {
namespace {

using nlohmann::json;
constexpr int kQuestions = 5;

class EvalCommand : public ::testing::Test {
 protected:
  EvalCommand() {
    std::string questions;
    std::string corpus;
    std::string queries;
    for (int i = 0; i < kQuestions; ++i) {
      const std::string n = std::to_string(i);
      const std::string topic = i % 2 == 0 ? "boats" : "trains";
      json docs = json::array();
      for (const char* title : {"Gold", "Near", "Far"}) {
        docs.push_back({{"title", title},
                        {"text", "The " + topic + " have part " + n + "."},
                        {"gold", std::string(title) == "Gold"}});
      }
      docs[0]["text"] = "About " + topic + " of one kind.";  // shared: a second question about it
      const std::string text = "What is part " + n + "?";
      questions +=
          json{{"id", n}, {"question", text}, {"answers", {n}}, {"docs", docs}}.dump() + "\n";
      corpus +=
          json{{"id", "d" + n}, {"title", "Part " + n}, {"text", "Part " + n + " of " + topic}}
              .dump() +
          "\n";
      queries += json{{"question", text}, {"relevant", {"d" + n}}}.dump() + "\n";
    }
    write_file(path("questions.jsonl"), questions);
    write_file(path("corpus.jsonl"), corpus);
    write_file(path("queries.jsonl"), queries);
  }

  fs::path path(const std::string& name) const { return library_.folder() / name; }

  ProgramResult run(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {KVLINK_PROGRAM,
                                    "--data-dir",
                                    library_.paths().data.string(),
                                    "--models-dir",
                                    library_.paths().models.string(),
                                    "--threads",
                                    "1",
                                    "eval"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return Program(library_.folder(), all).wait();
  }
  json run_json(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
    return json::parse(result.out, nullptr, false);
  }
  json run_task(const std::string& task, std::vector<std::string> more) const {
    std::vector<std::string> arguments = {
        task, "--data", path("questions.jsonl").string(), "--adapter", "none", "--max-tokens", "4"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_json(arguments);
  }

  TinyLibrary library_;
};

/// The report without what a clock measured.
json without_times(json report) {
  for (auto& row : report["results"]) {
    for (const char* name : {"ttft_ms_p50", "ttft_ms_p90", "ttft_ms_p99", "ms_p50", "ms_p95"}) {
      row.erase(name);
    }
  }
  return report;
}

TEST_F(EvalCommand, QaReportsEveryModeOverallFirstAndByPlace) {
  const json report = run_task("qa", {"--passages", "1,3", "--gold-at", "each"});
  ASSERT_TRUE(report.contains("results")) << report;
  const json& results = report["results"];
  ASSERT_EQ(results.size(), 10u);  // 2 modes × 2 numbers, then 2 modes × 3 places
  EXPECT_EQ(results[0]["mode"], "full");
  EXPECT_EQ(results[0]["adapter"], "none");
  EXPECT_EQ(results[0]["passages"], 1);
  EXPECT_EQ(results[0]["n"], kQuestions);
  EXPECT_EQ(results[2]["n"], 3 * kQuestions);
  EXPECT_EQ(results[2]["questions"], kQuestions);
  EXPECT_FALSE(results[3].contains("gold_at"));
  EXPECT_EQ(results[4]["gold_at"], 0);
  ASSERT_EQ(report["comparisons"].size(), 2u);
  EXPECT_EQ(report["comparisons"][0]["a"], "full/none");
  EXPECT_EQ(report["comparisons"][0]["n"], kQuestions);
  // Neither library nor temporary folder is left behind.
  EXPECT_TRUE(fs::is_empty(library_.paths().data));
}

TEST_F(EvalCommand, ARunThatWasCutGoesOnWithTheSameNumbers) {
  const std::string work = path("work").string();
  const json whole = run_task("qa", {"--out", work});
  const std::string lines = read_text(work);
  ASSERT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1 + 2 * kQuestions);
  std::size_t end = 0;
  for (int i = 0; i < 5; ++i) end = lines.find('\n', end) + 1;
  write_file(work, lines.substr(0, end + 7));  // four answers, and a piece of the fifth
  const json resumed = run_task("qa", {"--out", work});
  EXPECT_EQ(without_times(resumed), without_times(whole));
  const std::string again = read_text(work);
  EXPECT_EQ(again.substr(0, end), lines.substr(0, end));
  EXPECT_EQ(std::count(again.begin(), again.end(), '\n'), 1 + 2 * kQuestions);
  EXPECT_EQ(without_times(run_task("qa", {})), without_times(whole));
}

TEST_F(EvalCommand, OtherParametersAreRefused) {
  const std::string work = path("work").string();
  run_task("qa", {"--limit", "1", "--out", work});
  const auto result = run({"qa", "--data", path("questions.jsonl").string(), "--adapter", "none",
                           "--max-tokens", "4", "--limit", "2", "--out", work});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("other parameters"), std::string::npos) << result.err;
}

TEST_F(EvalCommand, MistakesAreNamed) {
  const std::string data = path("questions.jsonl").string();
  EXPECT_EQ(run({"qa", "--data", data, "--passages", "4"}).exit_code, 2);
  EXPECT_EQ(run({"qa", "--data", data, "--gold-at", "last"}).exit_code, 2);
  EXPECT_EQ(run({"qa", "--data", path("none").string()}).exit_code, 1);
  EXPECT_EQ(run({"retrieval"}).exit_code, 2);
  EXPECT_EQ(run({"kl", "--data", data, "--modes", "full", "--adapter", "none"}).exit_code, 2);
  write_file(path("broken.jsonl"), "{}\n{\"question\": 1}\n");
  const auto broken = run({"qa", "--data", path("broken.jsonl").string()});
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_NE(broken.err.find("line 2"), std::string::npos) << broken.err;
}

TEST_F(EvalCommand, KlOfFullRecomputationIsNearZero) {
  const json report = run_task("kl", {"--passages", "0,2", "--modes", "reposition,full"});
  ASSERT_EQ(report["results"].size(), 2u) << report;
  // Without a passage nothing is reused, so nothing differs.
  EXPECT_EQ(report["results"][0]["passages"], 0);
  EXPECT_LT(report["results"][0]["kl_mean"].get<double>(), 1e-9);
  EXPECT_EQ(report["results"][0]["same_token"], 1.0);
  EXPECT_GT(report["results"][1]["kl_mean"].get<double>(), 1e-9);
}

TEST_F(EvalCommand, TurnsPairQuestionsAboutOnePassage) {
  const json report = run_task("turns", {"--passages", "2", "--modes", "reposition"});
  ASSERT_EQ(report["results"].size(), 2u) << report;
  EXPECT_EQ(report["results"][0]["second_turn"], "fresh");
  EXPECT_EQ(report["results"][1]["second_turn"], "reused");
  EXPECT_EQ(report["results"][0]["n"], 2);  // boats and trains
}

TEST_F(EvalCommand, SummariesAreScored) {
  const json report = run_task("summary", {"--modes", "full,reposition"});
  ASSERT_EQ(report["results"].size(), 2u) << report;
  EXPECT_EQ(report["results"][0]["n"], kQuestions);
  EXPECT_TRUE(report["results"][0].contains("rouge_l"));
}

TEST_F(EvalCommand, RetrievalRanksByWordsVectorsAndBoth) {
  const std::vector<std::string> arguments = {"retrieval",
                                              "--corpus",
                                              path("corpus.jsonl").string(),
                                              "--queries",
                                              path("queries.jsonl").string(),
                                              "--work",
                                              path("index").string()};
  const json first = run_json(arguments);
  ASSERT_EQ(first["results"].size(), 3u) << first;
  EXPECT_EQ(first["results"][0]["mode"], "lexical");
  EXPECT_EQ(first["results"][0]["n"], kQuestions);
  // The number is a word that one passage alone has.
  EXPECT_EQ(first["results"][0]["ndcg_at_10"], 1.0);
  EXPECT_EQ(without_times(run_json(arguments)), without_times(first));  // from the kept index
}

TEST_F(EvalCommand, RagAnswersFromWhatItRetrieves) {
  const json report = run_json({"rag", "--corpus", path("corpus.jsonl").string(), "--queries",
                                path("queries.jsonl").string(), "--answers",
                                path("questions.jsonl").string(), "--chunks", "1,2", "--modes",
                                "full,reposition", "--adapter", "none", "--max-tokens", "4"});
  ASSERT_EQ(report["results"].size(), 4u) << report;
  for (const auto& row : report["results"]) EXPECT_EQ(row["n"], kQuestions);
  EXPECT_EQ(report["results"][0]["passages"], 1);
  EXPECT_GT(report["results"][2]["retrieved"].get<double>(), 0);
  EXPECT_GT(report["results"][0]["ttft_ms_p50"].get<double>(), 0);
}

}  // namespace
}  // namespace kvlink::app::tests
