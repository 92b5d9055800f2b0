// SPDX-License-Identifier: Apache-2.0
// The real program: exit codes, JSON, help, signals.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "tests/app/program.h"
#include "tests/app/tiny_library.h"

namespace kvlink::app::tests {
namespace {

using nlohmann::json;

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() {
    write_file(library_.paths().settings_file(),
               R"({"system_prompt": "Answer.", "chunk_target_tokens": 80, "chunk_max_tokens": 120,
                   "max_answer_tokens": 8, "threads": 1})");
  }

  std::vector<std::string> command(std::vector<std::string> arguments) const {
    std::vector<std::string> all = {KVLINK_PROGRAM, "--data-dir", library_.paths().data.string(),
                                    "--models-dir", library_.paths().models.string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
  }
  ProgramResult run(std::vector<std::string> arguments, const std::string& input = "") const {
    return Program(library_.folder(), command(std::move(arguments)), input).wait();
  }
  json run_json(std::vector<std::string> arguments, int expected_code = 0,
                const std::string& input = "") const {
    arguments.emplace_back("--json");
    const auto result = run(std::move(arguments), input);
    EXPECT_EQ(result.exit_code, expected_code) << result.out << result.err;
    return json::parse(result.out, nullptr, false);
  }
  std::string add_boats() {
    const auto file = library_.write("boats.md", story("boat", 12)).string();
    EXPECT_EQ(run({"add", file}).exit_code, 0);
    return file;
  }

  TinyLibrary library_;
};

TEST_F(CommandLineTest, HelpOfEveryCommandExitsWithZeroAndShowsExamples) {
  const auto help = run({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_NE(help.out.find("Exit codes"), std::string::npos);
  for (const char* name : {"add", "remove", "problems", "status", "search", "ask", "chat", "cache",
                           "model", "tokenize", "bench", "doctor"}) {
    EXPECT_NE(help.out.find(name), std::string::npos);
    const auto part = run({name, "--help"});
    EXPECT_EQ(part.exit_code, 0) << name;
    EXPECT_NE(part.out.find("Examples"), std::string::npos) << name;
  }
}

TEST_F(CommandLineTest, WrongUsageExitsWithTwoAndPrintsNoResult) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{},
                                                    {"fly"},
                                                    {"ask"},
                                                    {"ask", "x", "--mode", "magic"},
                                                    {"ask", "x", "--no-cache", "--mode", "concat"},
                                                    {"add"},
                                                    {"cache"},
                                                    {"cache", "evict"},
                                                    {"ask", ""},
                                                    {"search", "x", "--limit", "0"}}) {
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.out << result.err;
    EXPECT_TRUE(result.out.empty()) << result.out;
    EXPECT_FALSE(result.err.empty());
  }
}

TEST_F(CommandLineTest, AddAskAndRemoveRoundTrip) {
  const auto file = library_.write("boats.md", story("boat", 12)).string();
  const json added = run_json({"add", file});
  EXPECT_EQ(added["added"], 1);
  EXPECT_EQ(added["caching"]["blocks_left"], 0);
  EXPECT_TRUE(added["all_searchable"]);

  const json answer = run_json({"ask", "How many parts has the boat?"});
  EXPECT_EQ(answer["document_tokens_prefilled"], 0);
  EXPECT_EQ(answer["document_tokens_reused"], answer["document_tokens"]);
  EXPECT_TRUE(answer["timeline"]["ttft_ms"].is_number());
  EXPECT_EQ(answer["sources"][0]["path"], fs::canonical(file).string());

  const json cold = run_json({"ask", "How many parts has the boat?", "--cold"});
  EXPECT_EQ(cold["answer"], answer["answer"]);
  const json full = run_json({"ask", "How many parts has the boat?", "--no-cache"});
  EXPECT_EQ(full["mode"], "full");
  EXPECT_EQ(full["document_tokens_reused"], 0);

  const json status = run_json({"status", "--documents"});
  EXPECT_EQ(status["documents"], 1);
  EXPECT_EQ(status["document_list"][0]["chunks"], status["document_list"][0]["chunks_cached"]);

  EXPECT_EQ(run_json({"remove", file})["removed"].size(), 1U);
  EXPECT_EQ(run_json({"status"})["blocks"], 0);
  EXPECT_EQ(run_json({"ask", "boat"}, 3)["end"], "nothing_found");
  EXPECT_EQ(run({"remove", file}).exit_code, 3);
  EXPECT_EQ(run({"search", "boat"}).exit_code, 3);
}

TEST_F(CommandLineTest, AskStreamsTheAnswerThenSourcesAndTheClock) {
  add_boats();
  const auto result = run({"ask", "boat"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.out.find("Sources"), std::string::npos);
  EXPECT_NE(result.out.find("boats.md:"), std::string::npos);
  EXPECT_NE(result.out.find("= first token at"), std::string::npos);
  EXPECT_NE(result.out.find(" reused, 0 prefilled"), std::string::npos);
  EXPECT_EQ(result.out.find('\033'), std::string::npos);
}

TEST_F(CommandLineTest, AddFailsWhenAnyFileDidNotBecomeSearchable) {
  const auto good = library_.write("good.md", story("boat", 3)).string();
  const auto empty = library_.write("empty.md", "").string();
  const json added = run_json({"add", good, empty, library_.document("none.md").string()}, 1);
  EXPECT_EQ(added["added"], 1);
  EXPECT_EQ(added["failed"].size(), 2U);
  EXPECT_FALSE(added["all_searchable"]);
}

TEST_F(CommandLineTest, ProblemsAreListedReadAgainAndIgnored) {
  EXPECT_NE(run({"problems"}).out.find("Nothing is left"), std::string::npos);
  const auto broken = library_.write("broken.pdf", "%PDF-1.4 broken").string();
  const auto locked =
      library_.write("locked.docx", read_text(fs::path(KVLINK_ENCRYPTED_FILES) / "agile.docx"))
          .string();
  EXPECT_EQ(run({"add", "--no-kv", broken, locked}).exit_code, 1);
  const auto rows = run_json({"problems"}).at("problems");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].at("remedy"), "retry");
  EXPECT_EQ(rows[1].at("remedy"), "password");
  EXPECT_EQ(rows[1].at("reason"), "needs a password");
  const auto id = std::to_string(rows[1].at("id").get<int>());
  EXPECT_EQ(rows[1].at("command"), "kvlink problems --password-file FILE " + id);

  const auto wrong = library_.write("wrong", "a guess\n").string();
  EXPECT_EQ(run({"problems", "--password-file", wrong, id}).exit_code, 1);
  const auto right = library_.write("right", "heron & reed\n").string();
  const auto opened = run_json({"problems", "--password-file", right});
  EXPECT_EQ(opened.at("updated"), 1);
  EXPECT_TRUE(opened.at("all_searchable"));

  EXPECT_EQ(run({"problems", "--retry"}).exit_code, 1) << "it is as broken as before";
  EXPECT_EQ(run({"problems", "--ignore"}).exit_code, 2) << "which ones?";
  EXPECT_EQ(run({"problems", "--ignore", broken}).exit_code, 0);
  EXPECT_TRUE(run_json({"problems"}).at("problems").empty());
  EXPECT_EQ(run_json({"problems", "--ignored"}).at("problems").size(), 1U);
  EXPECT_EQ(run_json({"status"}).at("ignored"), 1);
  EXPECT_EQ(run({"add", "--no-kv", broken}).exit_code, 0);
  EXPECT_EQ(run({"problems", "--unignore", broken}).exit_code, 0);
  EXPECT_EQ(run_json({"problems"}).at("problems").size(), 1U);
  EXPECT_EQ(run({"add", "--no-kv", broken}).exit_code, 1);
}

TEST_F(CommandLineTest, PasswordsComeFromPipesTooAndWhatIsNoneIsNamed) {
  const auto locked =
      library_.write("locked.docx", read_text(fs::path(KVLINK_ENCRYPTED_FILES) / "agile.docx"))
          .string();
  const auto add = [&](const std::string& file) {
    return run({"add", "--no-kv", "--password-file", file, locked});
  };
  const fs::path pipe = library_.folder() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto long_line = library_.write("long", std::string(4097, 'x') + "\n").string();
  const auto empty = library_.write("empty", "\nsecond line").string();
  for (const auto& [file, words] : {std::pair{long_line, "longer than 4,096 bytes"},
                                    {empty, "no password in its first line"}}) {
    const auto refused = add(file);
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_NE(refused.err.find(words), std::string::npos) << refused.err;
  }
  EXPECT_EQ(add(library_.document("none").string()).exit_code, 1);
  EXPECT_NE(add(library_.folder().string()).err.find("directory"), std::string::npos);

  // The writer comes late, and keeps the pipe open after the line.
  std::jthread writer([&](std::stop_token over) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    std::ofstream stream(pipe);
    stream << "heron & reed\n" << std::flush;
    while (!over.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  const auto opened = add(pipe.string());
  EXPECT_EQ(opened.exit_code, 0) << opened.err;
}

TEST_F(CommandLineTest, WhatIsNamedAndNotThereIsNothingFound) {
  add_boats();
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"search", "boat", "--docs", "none.md"},
        {"ask", "boat", "--docs", "none.md"},
        {"ask", "boat", "--whole", "none.md"},
        {"chat", "--docs", "none.md"},
        {"chat", "--continue", "77"},
        {"problems", "none.md"},
        {"problems", "--ignore", "none.md"},
        {"cache", "ls", "--doc", "none.md"},
        {"cache", "rebuild", "--doc", "none.md"},
        {"remove", "none.md"}}) {
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, 3) << arguments[0] << arguments[1] << result.out << result.err;
    EXPECT_NE(result.err.find("here is no "), std::string::npos) << result.err;
  }
  EXPECT_EQ(run_json({"search", "boat", "--docs", "none.md"}, 3)["error"]["code"], "not_found");
}

TEST_F(CommandLineTest, AChatInWhichNothingWasAnsweredFails) {
  add_boats();
  const std::string too_long(20000, 'x');
  const auto failed = run({"chat"}, too_long + "\n");
  EXPECT_NE(failed.exit_code, 0) << failed.out;
  EXPECT_EQ(failed.exit_code, run({"ask", too_long}).exit_code);
  EXPECT_EQ(run({"chat"}, too_long + "\nboat\n").exit_code, 0);
  EXPECT_EQ(run({"chat"}, "boat\n" + too_long + "\n").exit_code, 0);
  EXPECT_EQ(run({"chat"}, "\n").exit_code, 0) << "nothing was asked";
}

TEST_F(CommandLineTest, ADamagedSettingsFileIsToldAndLeftToWhoHoldsTheLock) {
  const fs::path settings = library_.paths().settings_file();
  write_file(settings, "{\"disk_budget_bytes\": 1,}");
  const auto bench = run({"bench", "ttft", "--tokens", "100", "--modes", "full", "--repeat", "1"});
  EXPECT_NE(bench.err.find("settings file is damaged"), std::string::npos) << bench.err;
  const auto check = run({"model", "check", "tiny.gguf"});
  EXPECT_NE(check.err.find("settings file is damaged"), std::string::npos) << check.err;
  EXPECT_TRUE(fs::exists(settings));
  {
    fs::rename(settings, settings.string() + "_away");
    const auto session = library_.open();
    fs::rename(settings.string() + "_away", settings);
    const json doctor = run_json({"doctor"}, 1);
    EXPECT_NE(doctor["settings"].get<std::string>().find("is damaged"), std::string::npos);
    EXPECT_TRUE(fs::exists(settings)) << "another KVLink is using it";
  }
  EXPECT_EQ(run({"doctor"}).exit_code, 1);
  EXPECT_TRUE(fs::exists(settings.string() + ".damaged"));
}

TEST_F(CommandLineTest, CacheCommandsListVerifyPinEvictAndRebuild) {
  const std::string file = add_boats();
  const auto n = run_json({"cache", "ls"})["blocks"].size();
  EXPECT_GT(n, 0U);
  EXPECT_EQ(run_json({"cache", "verify"})["checked"], n);
  EXPECT_EQ(run_json({"cache", "pin", "--doc", file})["pinned"], n);
  EXPECT_EQ(run_json({"cache", "evict", "--all"}, 3)["evicted"], 0) << "pinned blocks stay";
  EXPECT_EQ(run_json({"cache", "unpin", "--all"})["unpinned"], n);
  EXPECT_EQ(run_json({"cache", "evict", "--stale"}, 3)["evicted"], 0);
  EXPECT_EQ(run_json({"cache", "evict", "--doc", file})["evicted"], n);
  EXPECT_EQ(run_json({"ask", "boat"})["misses"][0]["reason"], "evicted");
  EXPECT_EQ(run_json({"cache", "rebuild"})["blocks_left"], 0);
  EXPECT_EQ(run_json({"cache", "ls"})["blocks"].size(), n);
}

TEST_F(CommandLineTest, ModelsTokensAndTheDoctor) {
  EXPECT_EQ(run_json({"model", "ls"})["models"].size(), 2U);
  EXPECT_EQ(run_json({"model", "check", "tiny.gguf"})["architecture"], "llama");
  const json missing = run_json({"model", "check", "none.gguf"}, 1);
  EXPECT_TRUE(missing["error"]["message"].is_string());
  const json tokens = run_json({"tokenize", "a boat"});
  EXPECT_EQ(tokens["count"], tokens["ids"].size());
  std::string text;
  for (const auto& piece : tokens["pieces"]) text += piece.get<std::string>();
  EXPECT_EQ(text, "a boat");
  const json doctor = run_json({"doctor"});
  EXPECT_TRUE(doctor["healthy"]);
  EXPECT_TRUE(doctor["device"].get<std::string>().starts_with("auto: "));
  EXPECT_EQ(run_json({"doctor", "--device", "cpu"})["device"], "cpu: processor");
  const json absent = run_json({"doctor", "--device", "gpu:63"});
  EXPECT_TRUE(absent["device"].get<std::string>().starts_with("gpu:63: processor, because of"));
  EXPECT_EQ(run({"doctor", "--device", "cuda"}).exit_code, 2);
  EXPECT_NE(run_json({"doctor", "--kv-type", "q8"})["memory"].get<std::string>().find("in q8"),
            std::string::npos);
  EXPECT_EQ(run({"doctor", "--kv-type", "q4"}).exit_code, 2);
}

TEST_F(CommandLineTest, ModelPromptAnswersOneRequestALine) {
  const auto result = run({"model", "prompt", "tiny.gguf"},
                          "{\"describe\": true}\n{\"encode\": \"a boat\"}\n{\"decode\": [1, -1]}\n"
                          "{\"prefix\": \"Answer.\"}\n[[1]]\n{\"question\": 5}\n"
                          "{\"question\": \"Why?\"}\n{\"decode\": 7}\n");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::vector<json> replies;
  std::istringstream lines(result.out);
  for (std::string line; std::getline(lines, line);) replies.push_back(json::parse(line));
  ASSERT_EQ(replies.size(), 8U) << result.out;
  EXPECT_EQ(replies[0]["architecture"], "llama");
  EXPECT_EQ(replies[0]["chat_format"], "chatml");
  EXPECT_EQ(replies[0]["rope"]["pairing"], "interleaved");
  EXPECT_EQ(replies[0]["files"].size(), 1U);
  EXPECT_EQ(replies[1], run_json({"tokenize", "a boat"})["ids"]);
  EXPECT_TRUE(replies[3].is_array());
  EXPECT_TRUE(replies[6].is_array());
  for (const std::size_t wrong : {2U, 4U, 5U, 7U}) {
    EXPECT_TRUE(replies[wrong]["error"].is_string()) << replies[wrong];
  }
  EXPECT_EQ(run({"model", "prompt", "none.gguf"}).exit_code, 1);
}

TEST_F(CommandLineTest, BenchPrintsOneRowForEachModeLengthAndPageCache) {
  const json bench = run_json(
      {"bench", "ttft", "--tokens", "100,200", "--modes", "full,reposition", "--repeat", "1"});
  ASSERT_EQ(bench["results"].size(), 8U);
  EXPECT_EQ(bench["results"][0]["page_cache"], "warm");
  EXPECT_EQ(bench["results"][7]["page_cache"], "cold");
  EXPECT_EQ(bench["results"][7]["tokens"], 200);
}

TEST_F(CommandLineTest, ChatAnswersLineByLineAndGoesOn) {
  add_boats();
  const auto chat = run({"chat"}, "boat part 1\n\nboat part 2\n");
  EXPECT_EQ(chat.exit_code, 0) << chat.err;
  EXPECT_NE(chat.out.find("= first token at"), std::string::npos);
  const json list = run_json({"chat", "--list"});
  ASSERT_EQ(list["conversations"].size(), 1U);
  const std::string id = std::to_string(list["conversations"][0]["id"].get<int>());
  const json next = run_json({"chat", "--continue", id}, 0, "boat part 3\n");
  EXPECT_GT(next["history_tokens"], 0);
}

TEST_F(CommandLineTest, ASecondProgramIsBusy) {
  const auto session = library_.open();
  const auto result = run({"status"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_NE(result.err.find("Another KVLink"), std::string::npos);
  EXPECT_EQ(run_json({"status"}, 4)["error"]["code"], "busy");
}

TEST_F(CommandLineTest, AnInterruptStopsAnAddThatTheNextOneFinishes) {
  for (int i = 0; i < 40; ++i) {
    library_.write("d" + std::to_string(i) + ".md", story("boat " + std::to_string(i), 30));
  }
  const std::string documents = library_.document("").string();
  Program program(library_.folder(), command({"add", documents}));
  while (program.running() && !fs::exists(library_.paths().kv_folder() / "blocks")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  program.send(SIGINT);
  const auto stopped = program.wait();
  EXPECT_EQ(stopped.exit_code, 130) << stopped.out << stopped.err;
  EXPECT_FALSE(stopped.killed) << "it ended by itself";
  EXPECT_EQ(run({"add", documents}).exit_code, 0);
  EXPECT_EQ(run_json({"status"})["documents"], 40);
}

TEST_F(CommandLineTest, WatchingTakesWhatComesDuringTheFirstRunAndEndsWithZero) {
  for (int i = 0; i < 40; ++i) {
    library_.write("d" + std::to_string(i) + ".md", story("boat " + std::to_string(i), 120));
  }
  Program program(library_.folder(), command({"add", "--watch", library_.document("").string()}));
  const auto has_cached = [&] {
    std::error_code ignored;
    for (const auto& entry :
         fs::recursive_directory_iterator(library_.paths().kv_folder() / "blocks", ignored)) {
      if (entry.path().extension() == ".kv") return true;
    }
    return false;
  };
  while (program.running() && !has_cached()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  library_.write("late.md", story("mill", 3));
  for (int i = 0; i < 400 && program.running(); ++i) {
    if (program.out_so_far().find("1 document added") != std::string::npos) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  program.send(SIGINT);
  const auto ended = program.wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  EXPECT_EQ(run_json({"status"})["documents"], 41) << ended.out << ended.err;
}

TEST_F(CommandLineTest, AnInterruptOfACheckIsTold) {
  add_boats();
  // It has something to say before it checks, and nobody listens until it was interrupted.
  write_file(library_.paths().settings_file(), R"({"colour": 1})");
  const fs::path pipe = library_.folder() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int listener = ::open(pipe.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(listener, 0);
  while (::write(listener, "x", 1) == 1) continue;
  std::string line = "exec";
  for (const auto& word : command({"cache", "verify", "--json"})) line += " '" + word + "'";
  Program program(library_.folder(), {"/bin/bash", "-c", line + " 2>'" + pipe.string() + "'"});
  const auto owner = [&] { return read_text(library_.paths().lock_file()); };
  while (program.running() && owner().find(std::to_string(program.pid())) == std::string::npos) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  program.send(SIGINT);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  ::close(listener);
  const auto ended = program.wait();
  EXPECT_EQ(ended.exit_code, 130);
  EXPECT_FALSE(ended.killed);
  const json report = json::parse(ended.out, nullptr, false);
  EXPECT_EQ(report["cancelled"], true) << ended.out;
  EXPECT_EQ(report["checked"], 0);
  EXPECT_EQ(run_json({"cache", "verify"})["cancelled"], false);
}

TEST_F(CommandLineTest, AClosedPipeIsNoCrash) {
  add_boats();
  const std::string line = "\"" + std::string(KVLINK_PROGRAM) + "\" --data-dir \"" +
                           library_.paths().data.string() + "\" --models-dir \"" +
                           library_.paths().models.string() +
                           "\" ask boat --max-tokens 60 | true; exit ${PIPESTATUS[0]}";
  const auto result = Program(library_.folder(), {"/bin/bash", "-c", line}).wait();
  EXPECT_TRUE(result.exit_code == 0 || result.exit_code == 1) << result.exit_code;
  EXPECT_EQ(run({"status"}).exit_code, 0);
}

}  // namespace
}  // namespace kvlink::app::tests
