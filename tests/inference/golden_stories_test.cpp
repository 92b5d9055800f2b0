// SPDX-License-Identifier: Apache-2.0
// stories260K in every file variant against logits of an independent float32 implementation.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "inference/model/model.h"
#include "tests/inference/decoder_driver.h"
#include "tests/support/test_paths.h"
#include "tests/support/tolerances.h"

namespace kvlink::tests {
namespace {

using inference::Decoder;
using inference::KvCache;

struct Variant {
  const char* name;
  const char* file;
  float max_logit_difference;
  bool is_exact;  ///< same weights as the golden values: argmax and greedy tokens must be equal
};

void PrintTo(const Variant& v, std::ostream* out) { *out << v.name; }

class GoldenStories : public testing::TestWithParam<std::tuple<Variant, kernels::Isa>> {};

TEST_P(GoldenStories, LogitsAndGreedyTokensFollowTheReference) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  const auto [variant, isa] = GetParam();
  const auto folder = *test_data() / "models";
  std::ifstream file(folder / "stories260K_golden.json");
  const auto golden = nlohmann::json::parse(file);
  auto model = inference::load_model(folder / variant.file);
  ASSERT_TRUE(model) << model.error().message;
  kernels::CpuBackend backend({.n_threads = 2, .max_isa = isa});
  const Decoder decoder(*model, backend);

  float worst = 0.0F;
  for (const auto& c : golden) {
    SCOPED_TRACE(c["prompt"].get<std::string>());
    const auto ids = c["ids"].get<std::vector<std::int32_t>>();
    KvCache cache(model->config, 512, DType::kF32);
    const auto logits = read_tokens(decoder, cache, ids, Logits::kAll);
    const auto n_vocab = static_cast<std::size_t>(model->config.vocab_size);
    const auto last = std::span(logits).last(n_vocab);
    const auto expected = c["last_logits"].get<std::vector<float>>();
    worst = std::max(worst, max_difference(last, expected));
    EXPECT_LE(max_difference(last, expected), variant.max_logit_difference);
    if (!variant.is_exact) continue;
    const auto argmax_per_pos = c["argmax_per_pos"].get<std::vector<std::int32_t>>();
    ASSERT_EQ(argmax_per_pos.size(), ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      EXPECT_EQ(kernels::argmax(std::span(logits).subspan(i * n_vocab, n_vocab)), argmax_per_pos[i])
          << "at position " << i;
    }
    const auto greedy = c["greedy"].get<std::vector<std::int32_t>>();
    EXPECT_EQ(greedy_tokens(decoder, cache, {last.begin(), last.end()}, greedy.size()), greedy);
  }
  RecordProperty("max_logit_difference", std::to_string(worst));
}

/// How KV is kept while reading, and how far that may move a logit.
struct Kept {
  DType dtype;
  float bound;
};

class GoldenStoriesByKv : public testing::TestWithParam<kernels::Isa> {};

TEST_P(GoldenStoriesByKv, LogitsFollowTheReferenceInEveryType) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  const auto folder = *test_data() / "models";
  std::ifstream file(folder / "stories260K_golden.json");
  const auto golden = nlohmann::json::parse(file);
  const auto model = value_or_throw(inference::load_model(folder / "stories260K-f32.gguf"));
  kernels::CpuBackend backend({.n_threads = 2, .max_isa = GetParam()});
  const Decoder decoder(model, backend);
  for (const Kept& kept : {Kept{DType::kF16, kGoldenKvF16}, Kept{DType::kBF16, kGoldenKvBf16},
                           Kept{DType::kQ8Kv, kGoldenKvQ8}}) {
    float worst = 0.0F;
    for (const auto& c : golden) {
      const auto ids = c["ids"].get<std::vector<std::int32_t>>();
      KvCache cache(model.config, 512, kept.dtype);
      const auto last = read_tokens(decoder, cache, ids, Logits::kLast);
      worst = std::max(worst, max_difference(last, c["last_logits"].get<std::vector<float>>()));
    }
    EXPECT_LE(worst, kept.bound) << dtype_name(kept.dtype);
    RecordProperty(std::string("max_logit_difference_") + dtype_name(kept.dtype),
                   std::to_string(worst));
  }
}

INSTANTIATE_TEST_SUITE_P(EverySet, GoldenStoriesByKv, testing::ValuesIn(available_isas()),
                         [](const auto& info) { return kernels::isa_name(info.param); });

const Variant kVariants[] = {
    {"GgufF32", "stories260K-f32.gguf", kGoldenLogitsF32, true},
    {"GgufF16", "stories260K-f16.gguf", kGoldenLogitsF16, false},
    {"GgufQ8", "stories260K-q8_0.gguf", kGoldenLogitsQ8, false},
    {"HfF32", "stories260K-hf/model.safetensors", kGoldenLogitsF32, true},
    {"HfF16", "stories260K-hf/model.f16.safetensors", kGoldenLogitsF16, false},
    {"HfBf16", "stories260K-hf/model.bf16.safetensors", kGoldenLogitsBf16, false},
};

INSTANTIATE_TEST_SUITE_P(EveryVariant, GoldenStories,
                         testing::Combine(testing::ValuesIn(kVariants),
                                          testing::ValuesIn(available_isas())),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "_" +
                                  kernels::isa_name(std::get<1>(info.param));
                         });

}  // namespace
}  // namespace kvlink::tests
