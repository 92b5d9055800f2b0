// SPDX-License-Identifier: Apache-2.0
// The engine with a GPU: the CPU's answers, also when the GPU fails in the middle of one.
#include <algorithm>
#include <thread>

#include "inference/engine.h"
#include "kernels/logits.h"
#include "tests/cuda_host/device_fixture.h"
#include "tests/inference/decoder_driver.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_adapter.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tolerances.h"

namespace kvlink::tests {
namespace {

using inference::Context;
using inference::Engine;
using inference::EngineOptions;
using inference::LinkMode;
using inference::PlannedChunk;
using inference::Priority;

class DeviceEngine : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    write_tiny_generator(model_file_, {.context_length = 256});
    for (std::int32_t i = 0; i < 30; ++i) first_.push_back(3 + i * 5 % 250);
    for (std::int32_t i = 0; i < 17; ++i) second_.push_back(7 + i * 3 % 250);
  }

  std::unique_ptr<Engine> load(cuda::BackendOptions backend, bool with_gpu = true,
                               bool check = false) {
    EngineOptions options;
    options.cpu = {.n_threads = 1, .arithmetic = kernels::Arithmetic::kFloat};
    options.arena_dtype = DType::kF32;
    if (with_gpu) {
      options.gpu.plugin = plugin_;
      options.gpu.backend = std::move(backend);
      options.gpu.decoder = {.products = inference::Products::kF32,
                             .arena_dtype = DType::kF32,
                             .tile_rows = 64,
                             .block_budget_bytes = 1 << 20,
                             .check = check};
    }
    auto engine = Engine::load(model_file_, options);
    EXPECT_TRUE(engine) << engine.error().message;
    return engine ? std::move(*engine) : nullptr;
  }

  /// Two turns of a conversation: logits after the question and after every token.
  std::vector<std::vector<float>> converse(Engine& engine, LinkMode mode, bool owned = true) {
    std::vector<std::vector<float>> logits;
    auto context = value_or_throw(engine.new_context());
    std::vector<std::shared_ptr<const KvBlock>> blocks;
    for (const auto& ids : {first_, second_}) {
      blocks.push_back(std::make_shared<const KvBlock>(
          value_or_throw(engine.encode_chunk(prefix_, ids, Priority::kIngestion))));
    }
    for (int turn = 0; turn < 2; ++turn) {
      const auto i = static_cast<std::size_t>(turn);
      const PlannedChunk chunk{i == 0 ? std::span<const std::int32_t>(first_) : second_,
                               blocks[i].get(), owned ? blocks[i] : nullptr};
      inference::PlanRequest request;
      request.mode = mode;
      request.chunks = std::span(&chunk, 1);
      if (turn == 0) request.lead = prefix_;
      request.question = question_;
      request.first_row = context->n_rows();
      request.first_position = context->next_position();
      request.max_rows = context->capacity();
      request.encode_position = engine.encode_position(prefix_);
      if (mode == LinkMode::kLink) request.n_link_tokens = engine.adapter()->n_link;
      const auto again = inference::first_tokens_of_chunks(request.chunks, 0.3F);
      if (mode == LinkMode::kRecompute) request.recompute = again;
      const auto plan = value_or_throw(inference::plan_context(request));
      inference::PrefillReport report;
      logits.push_back(value_or_throw(
          engine.prefill(*context, plan, std::span(&chunk, 1), Priority::kQuestion, report)));
      for (const std::int32_t token : {11, 12, 13}) {
        logits.push_back(value_or_throw(engine.decode(*context, token, Priority::kQuestion)));
      }
    }
    return logits;
  }

  void expect_same(const std::vector<std::vector<float>>& a,
                   const std::vector<std::vector<float>>& b, const std::string& where) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_LT(max_difference(a[i], b[i]), kDeviceLogitsF16) << where << ", step " << i;
    }
  }

  TemporaryFolder folder_;
  std::filesystem::path model_file_ = folder_.path() / "model.gguf";
  std::vector<std::int32_t> prefix_ = {1, 20, 21, 22};
  std::vector<std::int32_t> question_ = {40, 41, 42, 43, 44};
  std::vector<std::int32_t> first_, second_;
};

TEST_F(DeviceEngine, ConversesAsTheCpuDoesInEveryMode) {
  const auto cpu = load({}, false);
  const auto gpu = load({.blas_library = test_blas()});
  EXPECT_NE(gpu->device_words().find(plugin_->devices()[0].name), std::string::npos);
  EXPECT_EQ(cpu->device_words(), "the GPU is not used");
  for (const LinkMode mode :
       {LinkMode::kFull, LinkMode::kConcat, LinkMode::kReposition, LinkMode::kRecompute}) {
    expect_same(converse(*cpu, mode), converse(*gpu, mode),
                std::string(inference::link_mode_name(mode)));
  }
  EXPECT_TRUE(gpu->take_device_notices().empty());
}

TEST_F(DeviceEngine, LinksPassagesAsTheCpuDoes) {
  const auto cpu = load({}, false);
  const auto gpu = load({.blas_library = test_blas()});
  for (const std::int32_t n_header : {0, 2}) {
    const auto file = folder_.path() / "adapter.safetensors";
    write_tiny_adapter(file, model_file_, {.n_header = n_header});
    const auto adapter = value_or_throw(
        inference::load_adapter(file, cpu->model().config, sha256(read_file(model_file_))));
    for (Engine* engine : {cpu.get(), gpu.get()}) engine->use_adapter(adapter);
    expect_same(converse(*cpu, LinkMode::kLink), converse(*gpu, LinkMode::kLink), "link");
  }
  EXPECT_TRUE(gpu->take_device_notices().empty());
}

TEST_F(DeviceEngine, SaysWhatTheGpuDidAndWhatItKeeps) {
  using Work = inference::DeviceSpan::Work;
  const auto gpu = load({.blas_library = ""});
  const auto block = std::make_shared<const KvBlock>(
      value_or_throw(gpu->encode_chunk(prefix_, first_, Priority::kIngestion)));
  Digest id;
  id.bytes[3] = 7;
  for (int turn = 0; turn < 2; ++turn) {
    auto context = value_or_throw(gpu->new_context());
    const PlannedChunk chunk{first_, block.get(), block, 0.0F, id};
    inference::PlanRequest request;
    request.mode = LinkMode::kReposition;
    request.chunks = std::span(&chunk, 1);
    request.lead = prefix_;
    request.question = question_;
    request.max_rows = context->capacity();
    const auto plan = value_or_throw(inference::plan_context(request));
    inference::PrefillReport report;
    value_or_throw(gpu->prefill(*context, plan, std::span(&chunk, 1), Priority::kQuestion, report));
    const auto count = [&](Work work) {
      return std::count_if(context->device_spans().begin(), context->device_spans().end(),
                           [work](const auto& span) { return span.work == work; });
    };
    EXPECT_EQ(count(Work::kForward), 1);
    EXPECT_EQ(count(Work::kRotate), gpu->model().config.n_layers);
    EXPECT_EQ(count(Work::kCopy), turn == 0 ? gpu->model().config.n_layers : 0);
    // The first step behind it is timed, the others are not.
    value_or_throw(gpu->decode(*context, 11, Priority::kQuestion));
    EXPECT_EQ(count(Work::kForward), 1);
    EXPECT_EQ(count(Work::kRotate), 0);
    value_or_throw(gpu->decode(*context, 12, Priority::kQuestion));
    EXPECT_TRUE(context->device_spans().empty());
    const auto tier = gpu->device_tier();
    ASSERT_TRUE(tier);
    EXPECT_EQ(tier->n_blocks, 1);
    EXPECT_EQ(tier->used_bytes, std::ssize(block->bytes()));
    EXPECT_EQ(tier->budget_bytes, 1 << 20);
    EXPECT_EQ(tier->n_served, turn);
    EXPECT_EQ(gpu->device_blocks(), std::vector<Digest>{id});
  }
  const auto cpu = load({}, false);
  EXPECT_FALSE(cpu->device_tier());
  EXPECT_TRUE(cpu->device_blocks().empty());
}

TEST_F(DeviceEngine, AGpuIsTriedBeforeItIsTrusted) {
  const auto good = load({.blas_library = ""}, true, true);
  EXPECT_TRUE(good->device_tier());
  EXPECT_TRUE(good->take_device_notices().empty());
  if (!fake_.is_there()) GTEST_SKIP() << "a device cannot be told to be wrong";
  const auto cpu = load({}, false);
  const std::int64_t used = fake_.used();
  fake_.set_wrong(1);
  const auto wrong = load({.blas_library = ""}, true, true);
  fake_.set_wrong(0);
  EXPECT_FALSE(wrong->device_tier());
  const auto notices = wrong->take_device_notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_NE(notices[0].find("does not compute what the processor does"), std::string::npos)
      << notices[0];
  EXPECT_NE(wrong->device_words().find("not used"), std::string::npos);
  EXPECT_EQ(fake_.used(), used) << "nothing stays on a GPU that is not used";
  expect_same(converse(*cpu, LinkMode::kFull), converse(*wrong, LinkMode::kFull), "on the CPU");
}

TEST_F(DeviceEngine, AChoiceOfADeviceSaysWhatItComesTo) {
  if (!fake_.is_there()) GTEST_SKIP() << "a machine has the devices that it has";
  fake_.set_devices(3);
  const auto found = inference::find_gpus(test_plugin());
  ASSERT_EQ(found.gpus.size(), 3U);
  EXPECT_EQ(found.gpus[1].id, "gpu:1");
  EXPECT_TRUE(found.gpus[1].problem.empty());
  EXPECT_NE(found.gpus[2].problem.find("too old: its compute capability is 6.0"), std::string::npos)
      << found.gpus[2].problem;
  EXPECT_EQ(inference::choose_gpu(found, "auto").backend.device, 0);
  EXPECT_EQ(inference::choose_gpu(found, "gpu:1").backend.device, 1);
  EXPECT_EQ(inference::choose_gpu(found, "cpu").plugin, nullptr);
  EXPECT_TRUE(inference::choose_gpu(found, "cpu").refusal.empty());
  for (const char* choice : {"gpu:2", "gpu:7"}) {
    const auto refused = inference::choose_gpu(found, choice);
    EXPECT_EQ(refused.plugin, nullptr) << choice;
    EXPECT_TRUE(refused.is_chosen) << choice;
    EXPECT_FALSE(refused.refusal.empty()) << choice;
  }
  const auto none = inference::find_gpus("/nowhere/libkvlink_cuda.so");
  EXPECT_TRUE(none.gpus.empty());
  EXPECT_NE(inference::choose_gpu(none, "auto").refusal.find("no CUDA plugin"), std::string::npos);
  for (const char* word : {"auto", "cpu", "gpu:0", "gpu:63"}) {
    EXPECT_TRUE(inference::is_device_choice(word)) << word;
  }
  for (const char* word : {"", "gpu", "gpu:", "gpu:64", "gpu:-1", "gpu:1x", "GPU:0", "cuda"}) {
    EXPECT_FALSE(inference::is_device_choice(word)) << word;
  }
}

TEST_F(DeviceEngine, TheCpuFinishesWhatALostGpuBegan) {
  const auto cpu = load({}, false);
  const auto expected = converse(*cpu, LinkMode::kReposition);
  int n_lost = 0;
  // From the upload of the model to the last token.
  for (const std::int64_t calls : {5, 70, 110, 150, 190, 230, 270, 310, 350, 400}) {
    const auto gpu = load({.blas_library = "", .fail_after_calls = calls});
    expect_same(expected, converse(*gpu, LinkMode::kReposition),
                "lost after " + std::to_string(calls));
    const auto notices = gpu->take_device_notices();
    n_lost += notices.empty() ? 0 : 1;
    if (notices.empty()) continue;
    EXPECT_NE(notices.front().find("the CPU"), std::string::npos) << notices.front();
    EXPECT_NE(gpu->device_words().find("not used"), std::string::npos);
    EXPECT_TRUE(gpu->take_device_notices().empty());
    // And everything after it.
    expect_same(expected, converse(*gpu, LinkMode::kReposition), "afterwards");
  }
  EXPECT_GE(n_lost, 6);
}

TEST_F(DeviceEngine, ChoosesTheTokensThatTheCpuChooses) {
  const auto generate = [&](Engine& engine) {
    inference::Sampler sampler(
        {.temperature = 0.8F, .top_k = 8, .repetition_penalty = 1.2F, .seed = 21});
    auto context = value_or_throw(engine.new_context());
    std::vector<std::int32_t> answer;
    std::int32_t token = 9;
    for (int i = 0; i < 12; ++i) {
      token =
          value_or_throw(engine.next_token(*context, token, sampler, answer, Priority::kQuestion));
      answer.push_back(token);
    }
    return answer;
  };
  const auto cpu = load({}, false);
  const auto expected = generate(*cpu);
  const auto gpu = load({.blas_library = ""});
  EXPECT_EQ(generate(*gpu), expected);
  // One that is lost on the way: the same random numbers go on on the CPU.
  int n_lost = 0;
  for (std::int64_t calls = 90; calls < 180; calls += 15) {
    const auto failing = load({.blas_library = "", .fail_after_calls = calls});
    EXPECT_EQ(generate(*failing), expected) << "lost after " << calls;
    n_lost += failing->take_device_notices().empty() ? 0 : 1;
  }
  EXPECT_GE(n_lost, 3);
}

TEST_F(DeviceEngine, APrefillThatIsStoppedIsNotTimedAnyMore) {
  if (!fake_.is_there()) GTEST_SKIP() << "a device does not count its events";
  const auto gpu = load({.blas_library = ""});
  auto context = value_or_throw(gpu->new_context());
  const auto read = [&](std::size_t n, std::stop_token stop) {
    const std::vector<std::int32_t> question(n, 40);
    inference::PlanRequest request;
    request.mode = LinkMode::kFull;
    request.question = question;
    request.first_row = context->n_rows();
    request.first_position = context->next_position();
    request.max_rows = context->capacity();
    inference::PrefillReport report;
    const auto plan = value_or_throw(inference::plan_context(request));
    return gpu->prefill(*context, plan, {}, Priority::kQuestion, report, std::move(stop));
  };
  ASSERT_TRUE(read(5, {}));
  ASSERT_TRUE(gpu->decode(*context, 11, Priority::kQuestion));
  const std::int64_t before = fake_.n_records();
  std::stop_source stop;
  std::thread stopper([&] {
    while (fake_.n_records() == before) std::this_thread::yield();
    stop.request_stop();
  });
  const auto stopped = read(200, stop.get_token());
  stopper.join();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  const std::int64_t after = fake_.n_records();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(gpu->decode(*context, 12, Priority::kQuestion));
  EXPECT_EQ(fake_.n_records(), after) << "decoding is not timed";
  EXPECT_TRUE(context->device_spans().empty());
}

TEST_F(DeviceEngine, SaysSoWhenTheBlocksOfALostConversationAreGone) {
  // Nobody keeps the blocks: what cannot be repeated is an error, not another answer.
  int n_failed = 0;
  for (std::int64_t calls = 150; calls < 400; calls += 30) {
    const auto gpu = load({.blas_library = "", .fail_after_calls = calls});
    const auto result =
        returning([&] { return converse(*gpu, LinkMode::kReposition, false).size(); });
    if (result) continue;
    ++n_failed;
    EXPECT_EQ(result.error().code, ErrorCode::kDevice);
    EXPECT_NE(result.error().message.find("ask the question again"), std::string::npos)
        << result.error().message;
    EXPECT_TRUE(returning([&] { converse(*gpu, LinkMode::kReposition, false); }));
  }
  EXPECT_GE(n_failed, 1);
}

TEST_F(DeviceEngine, AGpuThatIsTooSmallLeavesTheWorkToTheCpu) {
  const auto cpu = load({}, false);
  const auto expected = converse(*cpu, LinkMode::kFull);
  // From too little for the model over too little for a context to enough for everything.
  int n_without = 0;
  int n_partly = 0;
  for (std::int64_t limit = 200'000; limit < 3'000'000; limit = limit * 5 / 4) {
    const auto gpu = load({.memory_limit_bytes = limit, .blas_library = ""});
    expect_same(expected, converse(*gpu, LinkMode::kFull), "limit " + std::to_string(limit));
    const auto notices = gpu->take_device_notices();
    if (notices.empty()) continue;
    EXPECT_NE(notices.front().find("CPU"), std::string::npos) << notices.front();
    (gpu->device_words().starts_with("the GPU is not used") ? n_without : n_partly) += 1;
  }
  EXPECT_GE(n_without, 1);
  EXPECT_GE(n_partly, 1);
}

TEST_F(DeviceEngine, AFullContextIsNoFaultOfTheGpu) {
  const auto gpu = load({.blas_library = ""});
  auto context = value_or_throw(gpu->new_context());
  const PlannedChunk chunk{first_, nullptr};
  inference::PlanRequest request;
  request.mode = LinkMode::kFull;
  request.chunks = std::span(&chunk, 1);
  request.question = question_;
  request.max_rows = context->capacity();
  const auto plan = value_or_throw(inference::plan_context(request));
  inference::PrefillReport report;
  value_or_throw(gpu->prefill(*context, plan, std::span(&chunk, 1), Priority::kQuestion, report));
  while (context->n_rows() < context->capacity()) {
    value_or_throw(gpu->decode(*context, 5, Priority::kQuestion));
  }
  const auto full = gpu->decode(*context, 5, Priority::kQuestion);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kOutOfMemory);
  EXPECT_TRUE(gpu->take_device_notices().empty());
}

TEST_F(DeviceEngine, StopsAndGoesOn) {
  const auto gpu = load({.blas_library = ""});
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = gpu->encode_chunk(prefix_, first_, Priority::kIngestion, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(gpu->encode_chunk(prefix_, first_, Priority::kIngestion));
  EXPECT_TRUE(gpu->take_device_notices().empty());
}

}  // namespace
}  // namespace kvlink::tests
