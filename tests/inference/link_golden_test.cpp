// SPDX-License-Identifier: Apache-2.0
// The trainer's model and this engine read the same adapter and context the same way: logits that
// tests/golden/make_link_golden.py wrote with PyTorch, for the link modes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "inference/engine.h"
#include "tests/inference/decoder_driver.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/tolerances.h"

namespace kvlink::inference {
namespace {

using Ids = std::vector<std::int32_t>;

class LinkGolden : public testing::Test {
 protected:
  LinkGolden() {
    const auto folder = golden_folder();
    std::ifstream(folder / "expected.json") >> expected_;
    engine_ = value_or_throw(Engine::load(
        folder / "model.gguf", {.arena_dtype = DType::kF32, .block_dtype = DType::kF32}));
    use_adapter("adapter.safetensors");
    for (const auto& ids : expected_["passages"]) passages_.push_back(ids.get<Ids>());
  }

  static std::filesystem::path golden_folder() {
    return std::filesystem::path(std::getenv("KVLINK_SOURCE_DIR")) / "tests/golden/link_tiny";
  }

  void use_adapter(const char* file) {
    engine_->use_adapter(
        value_or_throw(load_adapter(golden_folder() / file, engine_->model().config,
                                    sha256(tests::read_file(golden_folder() / "model.gguf")))));
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
    RecordProperty("max_logit_difference", std::to_string(difference));
  }

  nlohmann::json expected_;
  std::unique_ptr<Engine> engine_;
  std::vector<Ids> passages_;
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
