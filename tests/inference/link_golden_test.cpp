// SPDX-License-Identifier: Apache-2.0
// The trainer's model and this engine read the same adapter and context the same way: logits that
// tests/golden/make_link_golden.py wrote with PyTorch, for the link modes.
#include <gtest/gtest.h>

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
    const std::filesystem::path source(std::getenv("KVLINK_SOURCE_DIR"));
    const auto folder = source / "tests" / "golden" / "link_tiny";
    std::ifstream(folder / "expected.json") >> expected_;
    engine_ = value_or_throw(Engine::load(
        folder / "model.gguf", {.arena_dtype = DType::kF32, .block_dtype = DType::kF32}));
    engine_->use_adapter(
        value_or_throw(load_adapter(folder / "adapter.safetensors", engine_->model().config,
                                    sha256(tests::read_file(folder / "model.gguf")))));
    for (const auto& ids : expected_["passages"]) passages_.push_back(ids.get<Ids>());
  }

  std::vector<float> logits(LinkMode mode, std::int32_t n_link) {
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

}  // namespace
}  // namespace kvlink::inference
