// SPDX-License-Identifier: Apache-2.0
// The trainer's model and this engine read the same adapter and context the same way: logits that
// tests/golden/make_link_golden.py wrote with PyTorch, for the link modes.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "inference/engine.h"
#include "tests/inference/decoder_driver.h"
#include "tests/inference/tiny_architecture.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tolerances.h"

namespace kvlink::inference {
namespace {

using Ids = std::vector<std::int32_t>;

class TrainersModel {
 protected:
  /// folder: of adapters and expected values.
  void open(const std::filesystem::path& folder, const std::filesystem::path& model) {
    folder_ = folder;
    std::ifstream(folder / "expected.json") >> expected_;
    engine_ = value_or_throw(
        Engine::load(model, {.arena_dtype = DType::kF32, .block_dtype = DType::kF32}));
    use_adapter("adapter.safetensors");
    for (const auto& ids : expected_["passages"]) passages_.push_back(ids.get<Ids>());
  }

  void use_adapter(const char* file) {
    const auto base = value_or_throw(adapter_base(folder_ / file));
    engine_->use_adapter(
        value_or_throw(load_adapter(folder_ / file, engine_->model().config, base)));
  }

  std::vector<float> logits(LinkMode mode, std::int32_t n_link, bool parallel = false) {
    const Ids prefix = expected_["prefix"].get<Ids>();
    const Ids question = expected_["question"].get<Ids>();
    std::vector<KvBlock> blocks;
    for (const Ids& ids : passages_) {
      blocks.push_back(value_or_throw(engine_->encode_chunk(prefix, ids, Priority::kIngestion)));
    }
    std::vector<PlannedChunk> chunks;
    for (std::size_t i = 0; i < blocks.size(); ++i) chunks.push_back({passages_[i], &blocks[i]});
    const auto context = value_or_throw(engine_->new_context());
    const auto plan = value_or_throw(plan_context({.mode = mode,
                                                   .chunks = chunks,
                                                   .lead = prefix,
                                                   .question = question,
                                                   .n_link_tokens = n_link,
                                                   .parallel = parallel,
                                                   .max_rows = context->capacity()}));
    PrefillReport report;
    return value_or_throw(engine_->prefill(*context, plan, chunks, Priority::kQuestion, report));
  }

  void expect_golden(const char* name, const std::vector<float>& logits) {
    const float difference =
        tests::max_difference(expected_[name].get<std::vector<float>>(), logits);
    EXPECT_LE(difference, tests::kGoldenLink) << name;
    testing::Test::RecordProperty("max_logit_difference", std::to_string(difference));
  }

  std::filesystem::path folder_;
  nlohmann::json expected_;
  std::unique_ptr<Engine> engine_;
  std::vector<Ids> passages_;
};

class LinkGolden : public TrainersModel, public testing::Test {
 protected:
  LinkGolden() {
    const auto folder = tests::golden_folder() / "link_tiny";
    open(folder, folder / "model.gguf");
  }
};

TEST_F(LinkGolden, LinkTokensAndHeadersMatchTheTrainersReuseMask) {
  expect_golden("link", logits(LinkMode::kLink, 3));
}

TEST_F(LinkGolden, WithoutLinkTokensMatchesToo) {
  expect_golden("k0", logits(LinkMode::kReposition, 0));
}

TEST_F(LinkGolden, FullPrefillWithLoraMatchesTheStandardMask) {
  expect_golden("full", logits(LinkMode::kFull, 0));
}

TEST_F(LinkGolden, AnAdapterThatLeavesPassagesToTheBaseMatchesInEveryMode) {
  use_adapter("base_passages.safetensors");
  expect_golden("base_link", logits(LinkMode::kLink, 3));
  expect_golden("base_k0", logits(LinkMode::kReposition, 0));
  expect_golden("base_full", logits(LinkMode::kFull, 0));
}

TEST_F(LinkGolden, PassagesSideBySideMatchTheTrainersPositions) {
  use_adapter("base_passages.safetensors");
  expect_golden("base_parallel_link", logits(LinkMode::kLink, 3, true));
  expect_golden("base_parallel_k0", logits(LinkMode::kReposition, 0, true));
}

/// The same on every architecture: biases, norms of queries and keys, heads of their own size, each
/// scaling of positions, tied and untied, several files.
class LinkGoldenOfArchitecture : public TrainersModel, public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    tests::copy_tiny_architecture(GetParam(), scratch_.path() / "model");
    open(tests::golden_folder() / "link_tiny" / GetParam(), scratch_.path() / "model");
  }
  tests::TemporaryFolder scratch_;
};

TEST_P(LinkGoldenOfArchitecture, EveryModeMatchesTheTrainer) {
  expect_golden("link", logits(LinkMode::kLink, 3));
  expect_golden("k0", logits(LinkMode::kReposition, 0));
  expect_golden("full", logits(LinkMode::kFull, 0));
  use_adapter("base_passages.safetensors");
  expect_golden("base_link", logits(LinkMode::kLink, 3));
  expect_golden("base_k0", logits(LinkMode::kReposition, 0));
  expect_golden("base_full", logits(LinkMode::kFull, 0));
  expect_golden("base_parallel_link", logits(LinkMode::kLink, 3, true));
}

INSTANTIATE_TEST_SUITE_P(Tiny, LinkGoldenOfArchitecture,
                         testing::Values("llama_plain", "llama_linear", "llama_llama3",
                                         "llama_yarn", "mistral", "qwen2", "qwen2_yarn", "qwen3"),
                         [](const auto& info) { return std::string(info.param); });

TEST_F(LinkGolden, AnAdapterThatLeavesPassagesToTheBaseUsesItsBlocks) {
  const Ids prefix = expected_["prefix"].get<Ids>();
  use_adapter("base_passages.safetensors");
  const Digest recipe = engine_->encode_recipe(prefix);
  const auto block =
      value_or_throw(engine_->encode_chunk(prefix, passages_[0], Priority::kIngestion));
  engine_->use_adapter(nullptr);
  EXPECT_EQ(recipe, engine_->encode_recipe(prefix));
  const auto base =
      value_or_throw(engine_->encode_chunk(prefix, passages_[0], Priority::kIngestion));
  EXPECT_TRUE(std::ranges::equal(base.bytes(), block.bytes()));
}

TEST_F(LinkGolden, AnAdapterThatLeavesPassagesToTheBaseIsSilentWhereThereAreNone) {
  use_adapter("base_passages.safetensors");
  passages_.clear();
  const auto quiet = logits(LinkMode::kReposition, 0);
  engine_->use_adapter(nullptr);
  EXPECT_EQ(logits(LinkMode::kReposition, 0), quiet);
}

}  // namespace
}  // namespace kvlink::inference
