// SPDX-License-Identifier: Apache-2.0
// Reuse, recomputation and adapters on every architecture, with the tiny models of tests/golden.
#include <gtest/gtest.h>

#include "inference/engine.h"
#include "inference/link/adapter.h"
#include "kernels/logits.h"
#include "tests/inference/decoder_driver.h"
#include "tests/inference/tiny_architecture.h"
#include "tests/support/random_floats.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_adapter.h"
#include "tests/support/tolerances.h"

namespace kvlink::inference {
namespace {

using Ids = std::vector<std::int32_t>;
using tests::max_difference;

constexpr std::int32_t kHeader = 2;
constexpr std::int32_t kLink = 3;

class ArchitectureModes : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto model = folder_.path() / "model";
    tests::copy_tiny_architecture(GetParam(), model);
    auto engine = Engine::load(model, {.cpu = {.n_threads = 1},
                                       .arena_dtype = DType::kF32,
                                       .block_dtype = DType::kF32,
                                       .max_context = 0,
                                       .chat_format = {}});
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
  }

  void encode(std::size_t n_chunks) {
    blocks_.clear();
    chunks_.clear();
    for (std::size_t i = 0; i < n_chunks; ++i) {
      blocks_.push_back(
          value_or_throw(engine_->encode_chunk(prefix_, texts_[i], Priority::kIngestion)));
    }
    for (std::size_t i = 0; i < n_chunks; ++i) chunks_.push_back({texts_[i], &blocks_[i]});
  }

  std::vector<float> ask(PlanRequest request) {
    auto context = value_or_throw(engine_->new_context());
    request.chunks = chunks_;
    request.lead = prefix_;
    request.question = question_;
    request.encode_position = engine_->encode_position(prefix_);
    request.max_rows = context->capacity();
    PrefillReport report;
    return value_or_throw(engine_->prefill(*context, value_or_throw(plan_context(request)), chunks_,
                                           Priority::kQuestion, report));
  }

  /// Random header, link tokens and LoRA in this model's shapes.
  Result<std::shared_ptr<const Adapter>> adapter(std::int32_t n_q_too_many = 0) const {
    const ModelConfig& config = engine_->model().config;
    const Digest base = sha256(std::string_view("weights"));
    tests::SafetensorsWriter file;
    tests::RandomFloats random(5);
    const auto add = [&](const std::string& name, std::int64_t rows, std::int64_t cols) {
      file.add(name, DType::kF32, {rows, cols}, random.uniform(rows * cols, 0.3F));
    };
    add("header", kHeader, config.model_dim);
    add("link", kLink, config.model_dim);
    for (std::int32_t layer = 0; layer < config.n_layers; ++layer) {
      const std::string in = "lora." + std::to_string(layer) + ".";
      add(in + "q.a", 2, config.model_dim);
      add(in + "q.b", config.attention_dim() + n_q_too_many, 2);
      add(in + "down.a", 2, config.ffn_dim);
      add(in + "down.b", config.model_dim, 2);
    }
    const auto path = folder_.path() / "adapter.safetensors";
    tests::write_file(path, tests::adapter_bytes(file, "kvlink-adapter-1", base.hex()));
    return load_adapter(path, config, base);
  }

  tests::TemporaryFolder folder_;
  std::unique_ptr<Engine> engine_;
  Ids prefix_ = {1, 5, 9};
  std::vector<Ids> texts_ = {{7, 30, 2, 44, 11, 8}, {3, 3, 19, 40, 21}};
  Ids question_ = {12, 33, 6};
  std::vector<KvBlock> blocks_;
  std::vector<PlannedChunk> chunks_;
};

TEST_P(ArchitectureModes, AChunkReusedWhereItWasEncodedEqualsFullPrefill) {
  encode(1);
  EXPECT_LE(max_difference(ask({.mode = LinkMode::kFull}), ask({.mode = LinkMode::kReposition})),
            tests::kReuseF32);
}

TEST_P(ArchitectureModes, RecomputingEveryTokenEqualsFullPrefill) {
  encode(2);
  const auto every = first_tokens_of_chunks(chunks_, 1.0);
  const auto full = ask({.mode = LinkMode::kFull});
  EXPECT_LE(max_difference(full, ask({.mode = LinkMode::kRecompute, .recompute = every})),
            tests::kReuseF32);
  EXPECT_GT(max_difference(full, ask({.mode = LinkMode::kReposition})), tests::kReuseF32)
      << "two chunks that do not know of each other";
  EXPECT_GT(max_difference(ask({.mode = LinkMode::kConcat}), ask({.mode = LinkMode::kReposition})),
            tests::kReuseF32);
}

TEST_P(ArchitectureModes, AnAdapterLoadsAndLinks) {
  encode(2);
  const auto without = ask({.mode = LinkMode::kReposition});
  const auto full = ask({.mode = LinkMode::kFull});
  auto loaded = adapter();
  ASSERT_TRUE(loaded) << loaded.error().message;
  engine_->use_adapter(*loaded);
  encode(2);
  EXPECT_EQ(blocks_[0].n_tokens(), std::ssize(texts_[0]) + kHeader);
  const auto linked = ask({.mode = LinkMode::kLink, .n_link_tokens = kLink});
  EXPECT_GT(max_difference(linked, without), tests::kReuseF32);
  EXPECT_GT(max_difference(ask({.mode = LinkMode::kFull}), full), tests::kReuseF32)
      << "LoRA changes standard decoding too";
  engine_->use_adapter(nullptr);
  EXPECT_EQ(ask({.mode = LinkMode::kFull}), full);
}

TEST_P(ArchitectureModes, AnAdapterOfAnotherShapeIsRefused) {
  const auto loaded = adapter(2);
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("lora.0.q"), std::string::npos) << loaded.error().message;
}

INSTANTIATE_TEST_SUITE_P(Tiny, ArchitectureModes,
                         testing::Values("llama_plain", "llama_linear", "llama_llama3",
                                         "llama_yarn", "mistral", "qwen2", "qwen2_yarn", "qwen3"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace kvlink::inference
