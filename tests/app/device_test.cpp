// SPDX-License-Identifier: Apache-2.0
// A session with a GPU (the plugin compiled for the host): the CPU's answers, their stages by
// events, and what happens when it is lost in the middle of one.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/app/tiny_library.h"
#include "tests/support/test_paths.h"

namespace kvlink::app::tests {
namespace {

/// Of the host's plugin; it must be loaded already.
template <typename Function>
Function* function_of_plugin(const fs::path& plugin, const char* name) {
  void* library = dlopen(plugin.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (library == nullptr) return nullptr;
  auto* found = reinterpret_cast<Function*>(dlsym(library, name));
  dlclose(library);
  return found;
}

class DeviceSession : public testing::Test {
 protected:
  void SetUp() override {
    const auto plugin = kvlink::tests::path_from_environment("KVLINK_TEST_CUDA_PLUGIN");
    if (!plugin) GTEST_SKIP() << "KVLINK_TEST_CUDA_PLUGIN is not set";
    plugin_ = *plugin;
    library_.write("rivers.txt", story("rivers", 12));
    library_.write("boats.txt", story("boats", 12));
  }
  void TearDown() override { set_error(0); }

  std::unique_ptr<Session> open(const std::string& device, std::int64_t gpu_budget = 1 << 26) {
    SessionOptions options;
    options.paths = library_.paths();
    options.paths.cuda_plugin = plugin_;
    options.device = device;
    options.threads = 1;
    options.adjust = [=](Settings& settings) {
      settings.system_prompt = "Answer.";
      settings.chunk_target_tokens = 80;
      settings.chunk_max_tokens = 120;
      settings.max_answer_tokens = 8;
      settings.gpu_budget_bytes = gpu_budget;
    };
    return value_or_throw(Session::open(std::move(options)));
  }
  void set_error(int error) {
    auto* set = function_of_plugin<void(int)>(plugin_, "fake_cuda_set_error");
    if (set != nullptr) set(error);
  }

  TinyLibrary library_;
  fs::path plugin_;
};

std::int64_t count(const Answer& answer, Stage stage) {
  const auto& spans = answer.timeline.spans();
  return std::count_if(spans.begin(), spans.end(),
                       [stage](const auto& span) { return span.stage == stage; });
}

std::int64_t bytes(const Answer& answer, Stage stage) {
  std::int64_t sum = 0;
  for (const auto& span : answer.timeline.spans()) sum += span.stage == stage ? span.bytes : 0;
  return sum;
}

TEST_F(DeviceSession, AnswersAsTheProcessorDoesAndSaysWhatTheGpuDid) {
  std::string expected;
  {
    const auto session = open("cpu");
    library_.add(*session);
    const auto answer = ask(*session, "What is said about rivers?");
    expected = answer.text;
    EXPECT_EQ(count(answer, Stage::kCopy), 0);
    EXPECT_EQ(count(answer, Stage::kFirstDecode), 0);
    EXPECT_FALSE(session->engine().device_tier());
  }
  const auto session = open("auto");
  EXPECT_TRUE(session->notices().empty()) << session->notices().front();
  ASSERT_TRUE(session->engine().device_tier()) << session->engine().device_words();
  const auto n_layers = session->engine().model().config.n_layers;
  const auto first = ask(*session, "What is said about rivers?");
  EXPECT_EQ(first.text, expected);
  EXPECT_TRUE(first.notices.empty() || first.notices[0].find("GPU") == std::string::npos);
  EXPECT_EQ(count(first, Stage::kCopy), n_layers);
  EXPECT_EQ(count(first, Stage::kRotate), n_layers);
  EXPECT_EQ(count(first, Stage::kPrefill), 1);
  EXPECT_EQ(count(first, Stage::kFirstDecode), 1);
  EXPECT_GT(bytes(first, Stage::kCopy), 0);
  EXPECT_EQ(bytes(first, Stage::kRotate), bytes(first, Stage::kCopy));
  // The second time the blocks lie there: nothing is copied.
  const auto second = ask(*session, "What is said about rivers?");
  EXPECT_EQ(second.text, expected);
  EXPECT_EQ(count(second, Stage::kCopy), 0);
  EXPECT_EQ(count(second, Stage::kRotate), n_layers);
  const auto tier = *session->engine().device_tier();
  EXPECT_GT(tier.n_served, 0);
  EXPECT_EQ(tier.budget_bytes, 1 << 26);
  // Their ids are the store's.
  const auto rows = value_or_throw(session->store().list());
  for (const auto& id : session->engine().device_blocks()) {
    EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [&](const auto& r) { return r.id == id; }));
  }
  EXPECT_EQ(std::ssize(session->engine().device_blocks()), tier.n_blocks);
}

TEST_F(DeviceSession, ABudgetOfNothingKeepsNothing) {
  const auto session = open("gpu:0", 0);
  library_.add(*session);
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_GT(count(ask(*session, "What is said about boats?"), Stage::kCopy), 0);
  }
  EXPECT_EQ(session->engine().device_tier()->n_blocks, 0);
}

TEST_F(DeviceSession, FinishesOnTheProcessorWhatALostGpuBegan) {
  const auto session = open("auto");
  if (function_of_plugin<void(int)>(plugin_, "fake_cuda_set_error") == nullptr) {
    GTEST_SKIP() << "a device cannot be told to fail";
  }
  library_.add(*session);
  const std::string expected = ask(*session, "What is said about rivers?").text;
  ASSERT_TRUE(session->engine().device_tier());
  Conversation conversation;
  Question question;
  question.text = "What is said about rivers?";
  question.mode = inference::LinkMode::kReposition;
  std::vector<std::string> heard;
  std::string until_then;
  AnswerEvents events;
  events.on_text = [&](std::string_view piece) {
    until_then += piece;
    set_error(46);  // cudaErrorDevicesUnavailable, in the middle of the answer
  };
  events.on_device = [&](const std::string& sentence) { heard.push_back(sentence); };
  const auto answer = value_or_throw(
      AnswerPipeline(*session).answer(question, conversation, events, std::stop_token{}));
  EXPECT_EQ(answer.text, expected);
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_NE(heard[0].find("the CPU goes on"), std::string::npos) << heard[0];
  EXPECT_EQ(answer.notices.back(), heard[0]);
  EXPECT_FALSE(session->engine().device_tier()) << "it is not used any more";
  set_error(0);
  EXPECT_EQ(ask(*session, "What is said about rivers?").text, expected);
}

TEST_F(DeviceSession, SaysAtTheStartWhyTheChosenGpuIsNotUsed) {
  const auto session = open("gpu:7");
  ASSERT_EQ(session->notices().size(), 1U);
  EXPECT_NE(session->notices()[0].find("gpu:7 is not there"), std::string::npos)
      << session->notices()[0];
  EXPECT_FALSE(session->engine().device_tier());
}

TEST_F(DeviceSession, TheSettingIsKeptAndCheckedAndTheFormerOneIsForgottenQuietly) {
  Settings settings;
  EXPECT_EQ(settings.device, "auto");
  settings.device = "gpu:1";
  settings.gpu_budget_bytes = 123'456'789;
  const fs::path file = library_.folder() / "settings.json";
  value_or_throw(save_settings(settings, file));
  const auto loaded = value_or_throw(load_settings(file));
  EXPECT_TRUE(loaded.notices.empty());
  EXPECT_EQ(loaded.settings.device, "gpu:1");
  EXPECT_EQ(loaded.settings.gpu_budget_bytes, 123'456'789);
  settings.device = "cuda";
  EXPECT_NE(settings_problem(settings).find("device must be auto, cpu"), std::string::npos);
  write_file(file, R"({"use_gpu": true, "device": "gpu"})");
  const auto odd = value_or_throw(load_settings(file));
  ASSERT_EQ(odd.notices.size(), 1U);
  EXPECT_NE(odd.notices[0].find("Setting device must be"), std::string::npos) << odd.notices[0];
  EXPECT_EQ(odd.settings.device, "auto");
}

}  // namespace
}  // namespace kvlink::app::tests
