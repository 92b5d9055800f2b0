// SPDX-License-Identifier: Apache-2.0
// Folders, settings, the lock, and what a session says when something is missing.
#include <gtest/gtest.h>

#include "app/document_names.h"
#include "app/model_check.h"
#include "app/timeline.h"
#include "app/ttft_bench.h"
#include "app/words.h"
#include "tests/app/tiny_library.h"
#include "tests/support/faulty_file_system.h"

namespace kvlink::app::tests {
namespace {

TEST(Paths, FlagsWinOverVariablesAndVariablesOverHome) {
  const PathSources given{.data_dir = "/d",
                          .models_dir = "/m",
                          .xdg_data_home = "/x",
                          .kvlink_models = "/k",
                          .cuda_plugin = "/p",
                          .home = "/h"};
  EXPECT_EQ(value_or_throw(resolve_paths(given)).data, "/d");
  EXPECT_EQ(value_or_throw(resolve_paths(given)).models, "/m");
  EXPECT_EQ(value_or_throw(resolve_paths(given)).cuda_plugin, "/p");
  PathSources fewer = given;
  fewer.data_dir = fewer.models_dir = "";
  EXPECT_EQ(value_or_throw(resolve_paths(fewer)).data, "/x/kvlink");
  EXPECT_EQ(value_or_throw(resolve_paths(fewer)).models, "/k");
  fewer.xdg_data_home = "relative";
  fewer.kvlink_models = "";
  EXPECT_EQ(value_or_throw(resolve_paths(fewer)).data, "/h/.local/share/kvlink");
  EXPECT_EQ(value_or_throw(resolve_paths(fewer)).models, "/h/.local/share/kvlink/models");
  const auto nothing = resolve_paths({});
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, ErrorCode::kInvalidInput);
}

/// Every field off its default.
Settings unusual_settings() {
  Settings s;
  s.disk_budget_bytes = 11;
  s.memory_budget_bytes = 12;
  s.eviction = cache::Eviction::kLfu;
  s.block_dtype = DType::kQ8Kv;
  s.kv_type = DType::kBF16;
  s.threads = 3;
  s.generator = "g.gguf";
  s.embedder = "e";
  s.system_prompt = "Sei kurz – „bitte“.";
  s.mode = inference::LinkMode::kConcat;
  s.adapter = "a.safetensors";
  s.recompute = inference::RecomputeMethod::kQuery;
  s.recompute_share = 0.5F;
  s.passage_prior = 2.5F;
  s.chunks_per_answer = 9;
  s.max_answer_tokens = 10;
  s.end_at_next_question = false;
  s.chat_format = "llama-3";
  s.max_context = 1000;
  s.chunk_target_tokens = 50;
  s.chunk_max_tokens = 60;
  s.max_document_bytes = 13;
  s.sampler = {
      .temperature = 0.5F, .top_k = 7, .top_p = 0.25F, .repetition_penalty = 1.5F, .seed = 99};
  return s;
}

TEST(Settings, EveryFieldSurvivesItsFile) {
  const kvlink::tests::TemporaryFolder folder;
  const auto file = folder.path() / "settings.json";
  const Settings s = unusual_settings();
  ASSERT_TRUE(save_settings(s, file));
  const auto loaded = value_or_throw(load_settings(file));
  const Settings& t = loaded.settings;
  EXPECT_TRUE(loaded.notices.empty());
  EXPECT_EQ(t.disk_budget_bytes, s.disk_budget_bytes);
  EXPECT_EQ(t.memory_budget_bytes, s.memory_budget_bytes);
  EXPECT_EQ(t.eviction, s.eviction);
  EXPECT_EQ(t.block_dtype, s.block_dtype);
  EXPECT_EQ(t.kv_type, s.kv_type);
  EXPECT_EQ(t.threads, s.threads);
  EXPECT_EQ(t.generator, s.generator);
  EXPECT_EQ(t.embedder, s.embedder);
  EXPECT_EQ(t.system_prompt, s.system_prompt);
  EXPECT_EQ(t.mode, s.mode);
  EXPECT_EQ(t.adapter, s.adapter);
  EXPECT_EQ(t.recompute, s.recompute);
  EXPECT_EQ(t.recompute_share, s.recompute_share);
  EXPECT_EQ(t.passage_prior, s.passage_prior);
  EXPECT_EQ(t.chunks_per_answer, s.chunks_per_answer);
  EXPECT_EQ(t.max_answer_tokens, s.max_answer_tokens);
  EXPECT_EQ(t.end_at_next_question, s.end_at_next_question);
  EXPECT_EQ(t.chat_format, s.chat_format);
  EXPECT_EQ(t.max_context, s.max_context);
  EXPECT_EQ(t.chunk_target_tokens, s.chunk_target_tokens);
  EXPECT_EQ(t.chunk_max_tokens, s.chunk_max_tokens);
  EXPECT_EQ(t.max_document_bytes, s.max_document_bytes);
  EXPECT_EQ(t.sampler.temperature, s.sampler.temperature);
  EXPECT_EQ(t.sampler.top_k, s.sampler.top_k);
  EXPECT_EQ(t.sampler.top_p, s.sampler.top_p);
  EXPECT_EQ(t.sampler.repetition_penalty, s.sampler.repetition_penalty);
  EXPECT_EQ(t.sampler.seed, s.sampler.seed);
}

TEST(Settings, ThatCannotBeReadEvictNothing) {
  const TinyLibrary library;
  library.write("boats.md", story("boat", 12));
  std::int64_t n_blocks = 0;
  std::int64_t n_bytes = 0;
  {
    const auto session = library.open();
    library.add(*session);
    n_blocks = session->store().totals().n_blocks;
    n_bytes = session->store().totals().disk_bytes;
  }
  ASSERT_GT(n_blocks, 1);
  const auto small = [&](Settings& settings) { settings.disk_budget_bytes = n_bytes - 1; };
  for (const char* damage : {R"({"disk_budget_bytes": 1,})", R"({"disk_budget_bytes": "2 GB"})"}) {
    write_file(library.paths().settings_file(), damage);
    const auto session = library.open(small);
    EXPECT_EQ(session->store().totals().n_blocks, n_blocks) << damage;
  }
  fs::remove(library.paths().settings_file());
  const fs::path aside = library.paths().settings_file().string() + ".damaged";
  ASSERT_TRUE(fs::exists(aside));
  EXPECT_EQ(library.open(small)->store().totals().n_blocks, n_blocks) << "nor by the next start";
  fs::remove(aside);
  EXPECT_LT(library.open(small)->store().totals().n_blocks, n_blocks);
}

TEST(Settings, DamagedFilesAreSetAsideAndBadValuesIgnoredWithANotice) {
  const kvlink::tests::TemporaryFolder folder;
  const auto file = folder.path() / "settings.json";
  for (const std::string& damage :
       {std::string("{\"threads\": 2"), std::string("[]"), std::string("\x00\xff", 2),
        std::string(5000, '['), std::string(2 << 20, ' ')}) {
    write_file(file, damage);
    const auto loaded = value_or_throw(load_settings(file));
    EXPECT_EQ(loaded.notices.size(), 1U);
    EXPECT_EQ(loaded.settings.threads, 0);
    EXPECT_FALSE(fs::exists(file));
    EXPECT_EQ(read_text(folder.path() / "settings.json.damaged"), damage);
  }
  write_file(file, "{\"threads\": 2");
  EXPECT_EQ(value_or_throw(load_settings(file, DamagedFile::kLeave)).notices.size(), 1U);
  EXPECT_TRUE(fs::exists(file)) << "it was only looked at";
  write_file(
      file, R"({"threads": -1, "eviction": "best", "top_p": "x", "colour": 1, "max_context": 64})");
  const auto loaded = value_or_throw(load_settings(file));
  EXPECT_EQ(loaded.notices.size(), 4U);
  EXPECT_EQ(loaded.settings.threads, 0);
  EXPECT_EQ(loaded.settings.max_context, 64);
  EXPECT_TRUE(fs::exists(file));
}

TEST(Settings, SavingIsAllOrNothing) {
  const kvlink::tests::TemporaryFolder folder;
  const auto file = folder.path() / "settings.json";
  ASSERT_TRUE(save_settings({}, file));
  const std::string before = read_text(file);
  for (int call = 1; call <= 4; ++call) {
    kvlink::tests::FaultyFileSystem files;
    files.fail_call(call, kvlink::tests::Fault::kDiskFull, kvlink::tests::Times::kEverAfter);
    const auto saved = save_settings(unusual_settings(), file, files);
    if (files.n_failed() == 0) break;
    EXPECT_FALSE(saved);
    EXPECT_EQ(read_text(file), before);
  }
  Settings wrong;
  wrong.threads = -5;
  const auto refused = save_settings(wrong, file);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("threads"), std::string::npos);
}

TEST(Session, ASecondOneOnTheSameFolderIsBusyAndNamesTheFirst) {
  const TinyLibrary library;
  const auto first = library.open();
  SessionOptions options;
  options.paths = library.paths();
  const auto second = Session::open(options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kBusy);
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
}

TEST(Session, AMissingModelSaysWhatToDo) {
  const TinyLibrary library;
  SessionOptions options;
  options.paths = library.paths();
  options.paths.models = library.folder() / "none";
  const auto session = Session::open(options);
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, ErrorCode::kNotFound);
  EXPECT_NE(session.error().message.find("./run"), std::string::npos);
  options.parts = Parts::kStores;
  EXPECT_TRUE(Session::open(options)) << "status and remove need no model";
}

TEST(Session, AStartThatFailedLeavesWhatAKilledOneDidToTheNext) {
  const TinyLibrary library;
  library.write("a.md", story("boat", 6));
  {
    const auto session = library.open();
    library.add(*session);
    const auto documents = value_or_throw(session->library().documents());
    // As when it is killed between the two stores' commits.
    value_or_throw(session->library().remove(std::vector{documents.front().id}));
    ASSERT_FALSE(value_or_throw(session->store().list()).empty());
  }
  write_file(library.paths().lock_file(), "1\n");
  SessionOptions options;
  options.paths = library.paths();
  options.paths.models = library.folder() / "none";
  ASSERT_FALSE(Session::open(options));
  EXPECT_TRUE(value_or_throw(library.open()->store().list()).empty());
  EXPECT_FALSE(read_text(library.paths().lock_file()).starts_with("1"));
}

TEST(Session, AFolderThatCannotBeIsAClearError) {
  const TinyLibrary library;
  write_file(library.folder() / "file", "x");
  SessionOptions options;
  options.paths = library.paths();
  options.paths.data = library.folder() / "file" / "data";
  const auto session = Session::open(options);
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, ErrorCode::kIo);
  EXPECT_NE(session.error().message.find("file"), std::string::npos);
}

TEST(Session, AFolderThatMayNotBeWrittenIsAClearError) {
  const TinyLibrary library;
  fs::create_directories(library.paths().data);
  const Unprivileged user(library.folder());
  fs::permissions(library.paths().data, fs::perms::owner_read | fs::perms::owner_exec);
  SessionOptions options;
  options.paths = library.paths();
  const auto session = Session::open(options);
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, ErrorCode::kIo);
  EXPECT_NE(session.error().message.find(library.paths().data.string()), std::string::npos);
  fs::permissions(library.paths().data, fs::perms::owner_all);
}

TEST(Session, AnotherSystemPromptMakesBlocksStaleWithTheRightReason) {
  const TinyLibrary library;
  library.write("a.md", story("boat", 6));
  library.add(*library.open());
  const auto session = library.open([](Settings& s) { s.system_prompt = "Other."; });
  const Answer answer = ask(*session, "boat");
  ASSERT_FALSE(answer.reading.misses.empty());
  EXPECT_EQ(answer.reading.misses.front().reason, cache::MissReason::kOtherRecipe);
}

TEST(Session, HalvedBlocksServeToo) {
  const TinyLibrary library;
  library.write("a.md", story("boat", 12));
  const auto session = library.open([](Settings& s) { s.block_dtype = DType::kQ8Kv; });
  library.add(*session);
  EXPECT_EQ(value_or_throw(session->store().list()).front().dtype, DType::kQ8Kv);
  EXPECT_EQ(ask(*session, "boat").reading.n_document_tokens_prefilled, 0);
}

TEST(DocumentNames, NumberPathFolderAndFileNameAllMeanADocument) {
  const TinyLibrary library;
  const auto a = library.write("x/a.md", story("boat", 3));
  library.write("x/b.md", story("mill", 3));
  library.write("y/b.md", story("lock", 3));
  const auto session = library.open();
  library.add(*session, Ingestion::Caching::kNo);
  auto& l = session->library();
  const auto by_path = value_or_throw(find_documents(l, a.string()));
  ASSERT_EQ(by_path.size(), 1U);
  EXPECT_EQ(value_or_throw(find_documents(l, std::to_string(by_path[0].id)))[0].path,
            by_path[0].path);
  EXPECT_EQ(value_or_throw(find_documents(l, "a.md"))[0].id, by_path[0].id);
  EXPECT_EQ(value_or_throw(find_documents(l, library.document("x").string())).size(), 2U);
  EXPECT_TRUE(value_or_throw(find_documents(l, "c.md")).empty());
  const auto ambiguous = find_documents(l, "b.md");
  ASSERT_FALSE(ambiguous);
  EXPECT_EQ(ambiguous.error().code, ErrorCode::kInvalidInput);
}

TEST(DocumentNames, ANumberThatIsAlsoAPathIsAskedAbout) {
  const TinyLibrary library;
  const auto other = library.write("other.md", story("lock", 3));
  const auto session = library.open();
  library.add(*session, Ingestion::Caching::kNo);
  auto& l = session->library();
  const std::string number = std::to_string(value_or_throw(l.documents())[0].id);
  library.write(number + "/a.md", story("boat", 3));
  library.write(number + "/b.md", story("mill", 3));
  library.add(*session, Ingestion::Caching::kNo);
  const fs::path before = fs::current_path();
  fs::current_path(library.document(""));
  const auto unclear = find_documents(l, number);
  const auto numbered = value_or_throw(find_documents(l, "id:" + number));
  const auto placed = value_or_throw(find_documents(l, "./" + number));
  fs::current_path(before);
  ASSERT_FALSE(unclear);
  EXPECT_EQ(unclear.error().code, ErrorCode::kInvalidInput);
  EXPECT_NE(unclear.error().message.find("id:" + number), std::string::npos);
  EXPECT_NE(unclear.error().message.find("./" + number), std::string::npos);
  ASSERT_EQ(numbered.size(), 1U);
  EXPECT_EQ(numbered[0].path, fs::canonical(other).string());
  EXPECT_EQ(placed.size(), 2U);
  EXPECT_EQ(value_or_throw(find_documents(l, number)).size(), 1U)
      << "elsewhere it is only a number";
}

TEST(DocumentNames, WhatCannotBeAPathMeansNothing) {
  const TinyLibrary library;
  library.write("a.md", story("boat", 3));
  const fs::path loop = library.folder() / "loop";
  fs::create_symlink(loop, loop);
  const auto session = library.open();
  library.add(*session, Ingestion::Caching::kNo);
  for (const std::string& name : {std::string(5000, 'x'), (loop / "a").string(), std::string()}) {
    EXPECT_TRUE(value_or_throw(find_documents(session->library(), name)).empty()) << name;
  }
}

TEST(ModelCheck, AcceptsAWorkingModelAndNamesWhatIsWrongWithAnother) {
  const TinyLibrary library;
  const auto good = library.paths().models / "tiny.gguf";
  const auto check = value_or_throw(check_model(good));
  EXPECT_EQ(check.architecture, "llama");
  EXPECT_EQ(check.fingerprint.size(), 64U);
  EXPECT_EQ(value_or_throw(check_model(library.paths().models / "tiny-embedder")).role,
            ModelRole::kEmbedder);
  const auto bad = library.folder() / "cut.gguf";
  write_file(bad, read_text(good).substr(0, 2000));
  const auto refused = check_model(bad);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
}

TEST(TtftBench, ReportsEveryModeAndLengthWarmBeforeCold) {
  const TinyLibrary library;
  Settings settings;
  settings.threads = 1;
  settings.system_prompt = "Answer.";
  using inference::LinkMode;
  const auto rows = value_or_throw(run_ttft_bench(
      library.paths(), settings,
      {.tokens = {100, 450}, .modes = {LinkMode::kFull, LinkMode::kReposition}, .repeat = 2},
      [](const std::string&) {}, {}));
  ASSERT_EQ(rows.size(), 8U);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].page_cache, i < 4 ? "warm" : "cold");
    EXPECT_EQ(rows[i].mode, i % 2 == 0 ? "full" : "reposition");
    EXPECT_GT(rows[i].ttft_ms, 0);
    EXPECT_GT(rows[i].prefill_tok_s, 0);
  }
  for (const auto& entry : fs::directory_iterator(library.paths().data)) {
    EXPECT_FALSE(entry.path().filename().string().starts_with("bench-")) << "left behind";
  }
}

TEST(Timeline, SumsStagesAndFreezesTheFirstToken) {
  Timeline timeline;
  timeline.record(Stage::kPlan, std::chrono::milliseconds(1), std::chrono::milliseconds(2));
  timeline.record(Stage::kPlan, std::chrono::milliseconds(9), std::chrono::milliseconds(3)).tokens =
      7;
  EXPECT_EQ(timeline.total(Stage::kPlan), std::chrono::milliseconds(5));
  EXPECT_FALSE(timeline.ttft());
  timeline.mark_first_token();
  const auto first = timeline.ttft();
  timeline.mark_first_token();
  EXPECT_EQ(timeline.ttft(), first);
  EXPECT_NE(timeline.to_table().find("5.0 ms"), std::string::npos);
  EXPECT_NE(timeline.to_json().find("\"stage\":\"plan\""), std::string::npos);
}

TEST(Words, ReadLikeAPersonWroteThem) {
  EXPECT_EQ(bytes_in_words(999), "999 B");
  EXPECT_EQ(bytes_in_words(999'960), "1.0 MB");
  EXPECT_EQ(count_in_words(-1234567), "-1,234,567");
  EXPECT_EQ(counted(1, "file"), "1 file");
  EXPECT_EQ(seconds_in_words(0.3), "less than a second");
  EXPECT_EQ(seconds_in_words(200), "3 min 20 s");
  EXPECT_EQ(seconds_in_words(7500), "2 h 5 min");
}

}  // namespace
}  // namespace kvlink::app::tests
