// SPDX-License-Identifier: Apache-2.0
// The default generator on a device: PyTorch's golden values, and the CPU's answers.
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "inference/device/device_decoder.h"
#include "kernels/logits.h"
#include "tests/cuda_host/device_fixture.h"
#include "tests/inference/decoder_driver.h"
#include "tests/support/tolerances.h"

namespace kvlink::tests {
namespace {

using inference::DeviceDecoder;
using inference::ForwardBatch;
using inference::KvCache;

class DeviceModel : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (plugin_ == nullptr) return;
    KVLINK_SKIP_WITHOUT_GENERATOR();
    KVLINK_SKIP_WITHOUT_TEST_DATA();
    auto loaded = inference::load_model(*default_generator());
    ASSERT_TRUE(loaded) << loaded.error().message;
    model_ = std::make_unique<inference::Model>(std::move(*loaded));
    shared_ =
        std::make_shared<CudaBackend>(plugin_, cuda::BackendOptions{.blas_library = test_blas()});
    decoder_ = std::make_unique<DeviceDecoder>(
        *model_, shared_, inference::DeviceOptions{.tile_rows = 512}, kCapacity);
    std::ifstream file(*test_data() / "models" / "smollm2_golden.json");
    cases_ = nlohmann::json::parse(file)["cases"];
    // On the host a token takes a second: the shortest prompts, a few tokens.
    is_host_ = fake_.is_there();
  }

  /// Reads ids behind what the cache holds; logits of the last.
  std::vector<float> read(KvCache& cache, inference::DeviceArena& arena,
                          std::span<const std::int32_t> ids) {
    std::vector<std::int32_t> rows(ids.size());
    std::iota(rows.begin(), rows.end(), static_cast<std::int32_t>(cache.n_rows()));
    cache.append_rows(rows);
    const auto last = static_cast<std::int32_t>(ids.size()) - 1;
    ForwardBatch batch;
    batch.token_ids = ids;
    batch.rows = rows;
    batch.logit_rows = std::span(&last, 1);
    return decoder_->forward(batch, cache, arena, {});
  }

  static constexpr std::int64_t kCapacity = 2048;
  bool is_host_ = false;
  std::unique_ptr<inference::Model> model_;
  std::shared_ptr<CudaBackend> shared_;
  std::unique_ptr<DeviceDecoder> decoder_;
  nlohmann::json cases_;
};

TEST_F(DeviceModel, FollowsTheReference) {
  for (const auto& c : cases_) {
    const auto ids = c["ids"].get<std::vector<std::int32_t>>();
    if (is_host_ && ids.size() > 10) continue;
    SCOPED_TRACE(c["prompt"].get<std::string>().substr(0, 40));
    KvCache cache(model_->config, kCapacity, DType::kF16);
    inference::DeviceArena arena(model_->config, kCapacity, DType::kF16, *shared_);
    auto logits = read(cache, arena, ids);
    std::vector<float> log_probs(logits.size());
    kernels::log_softmax(logits, log_probs);
    const auto top = c["top20_ids"].get<std::vector<std::int32_t>>();
    const auto expected = c["top20_logprobs"].get<std::vector<float>>();
    for (std::size_t i = 0; i < top.size(); ++i) {
      EXPECT_NEAR(log_probs[static_cast<std::size_t>(top[i])], expected[i],
                  kDeviceLogProbabilities);
    }
    const auto greedy = c["greedy"].get<std::vector<std::int32_t>>();
    const auto margins = c["greedy_margin"].get<std::vector<float>>();
    const std::size_t n = is_host_ ? 3 : greedy.size();
    for (std::size_t i = 0; i < n && margins[i] >= kDeviceUnsureMargin; ++i) {
      const std::int32_t token = kernels::argmax(logits);
      ASSERT_EQ(token, greedy[i]) << "answer token " << i;
      logits = read(cache, arena, std::span(&token, 1));
    }
  }
}

TEST_F(DeviceModel, AnswersAsTheCpuDoes) {
  // In f32: with activations in int8, which is what the CPU does unless told otherwise, its logits
  // move by about one and its own answers differ.
  kernels::CpuBackend cpu_backend(kernels::CpuOptions{.arithmetic = kernels::Arithmetic::kFloat});
  const inference::Decoder cpu(*model_, cpu_backend);
  const auto text = cases_.back()["ids"].get<std::vector<std::int32_t>>();
  const int n_questions = is_host_ ? 1 : 20;
  const std::size_t n_tokens = is_host_ ? 2 : 32;
  int n_equal = 0;
  for (int question = 0; question < n_questions; ++question) {
    // Different cuts of a long text: prompts of 12 to some hundred tokens.
    const std::size_t from = static_cast<std::size_t>(question) * 40;
    const std::size_t length = 12 + static_cast<std::size_t>(question) * 17;
    const auto prompt = std::span(text).subspan(from, length);
    KvCache cpu_cache(model_->config, kCapacity, DType::kF16);
    KvCache cache(model_->config, kCapacity, DType::kF16);
    inference::DeviceArena arena(model_->config, kCapacity, DType::kF16, *shared_);
    auto expected = read_tokens(cpu, cpu_cache, prompt, Logits::kLast);
    auto logits = read(cache, arena, prompt);
    std::size_t i = 0;
    for (; i < n_tokens; ++i) {
      const std::int32_t token = kernels::argmax(expected);
      if (kernels::argmax(logits) != token) {
        EXPECT_LT(top_margin(expected), kDeviceUnsureMargin)
            << "question " << question << " token " << i;
        break;
      }
      expected = read_tokens(cpu, cpu_cache, std::span(&token, 1), Logits::kLast);
      logits = read(cache, arena, std::span(&token, 1));
    }
    n_equal += i == n_tokens ? 1 : 0;
  }
  RecordProperty("equal_answers", n_equal);
  RecordProperty("questions", n_questions);
  std::printf("equal answers: %d of %d\n", n_equal, n_questions);
}

}  // namespace
}  // namespace kvlink::tests
