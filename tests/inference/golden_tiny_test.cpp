// SPDX-License-Identifier: Apache-2.0
// Tiny random models of every architecture against the logits of an independent implementation
// (tests/golden/make_tiny_models.py).
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "inference/model/model.h"
#include "tests/inference/decoder_driver.h"
#include "tests/support/tolerances.h"

namespace kvlink::tests {
namespace {

using inference::Decoder;
using inference::KvCache;

std::filesystem::path golden_folder() {
  const char* root = std::getenv("KVLINK_SOURCE_DIR");
  return std::filesystem::path(root == nullptr ? "." : root) / "tests" / "golden" / "tiny";
}

nlohmann::json golden_of(const std::string& name) {
  std::ifstream file(golden_folder() / "golden.json");
  return nlohmann::json::parse(file).at(name);
}

class GoldenTiny : public testing::TestWithParam<const char*> {};

TEST_P(GoldenTiny, LogitsFollowTheReferenceOnEveryInstructionSet) {
  const std::filesystem::path file = GetParam();
  const auto golden = golden_of(file.stem().string());
  auto model = inference::load_model(golden_folder() / file);
  ASSERT_TRUE(model) << model.error().message;
  const auto ids = golden["ids"].get<std::vector<std::int32_t>>();
  for (const kernels::Isa isa : available_isas()) {
    kernels::CpuBackend backend({.n_threads = 2, .max_isa = isa});
    KvCache cache(model->config, 64, DType::kF32);
    const auto logits = read_tokens(Decoder(*model, backend), cache, ids, Logits::kAll);
    const auto n_vocab = static_cast<std::size_t>(model->config.vocab_size);
    for (std::size_t i = 0; i < golden["rows"].size(); ++i) {
      const auto row = golden["rows"][i].get<std::size_t>();
      const auto expected = golden["logits"][i].get<std::vector<float>>();
      EXPECT_LE(max_difference(std::span(logits).subspan(row * n_vocab, n_vocab), expected),
                kTinyGoldenLogits)
          << kernels::isa_name(isa) << " row " << row;
    }
  }
}

/// A part that is missing from the decoder must move the logits by far more than the tolerance.
TEST(GoldenTinyModels, EveryPartOfEveryArchitectureMatters) {
  const auto moved = [](const char* name, const auto& change) {
    auto model = inference::load_model(golden_folder() / name);
    EXPECT_TRUE(model) << model.error().message;
    change(*model);
    const auto golden = golden_of(name);
    kernels::CpuBackend backend({.n_threads = 1});
    KvCache cache(model->config, 64, DType::kF32);
    const auto logits = read_tokens(Decoder(*model, backend), cache,
                                    golden["ids"].get<std::vector<std::int32_t>>(), Logits::kLast);
    return max_difference(logits, golden["logits"].back().get<std::vector<float>>());
  };
  constexpr float kFar = 100 * kTinyGoldenLogits;
  EXPECT_GT(moved("qwen2", [](auto& m) { m.layers[1].q_bias = nullptr; }), kFar);
  EXPECT_GT(moved("qwen3", [](auto& m) { m.layers[0].q_norm = nullptr; }), kFar);
  EXPECT_GT(moved("llama_yarn", [](auto& m) { m.config.rope.magnitude = 1.0F; }), kFar);
  for (const char* name : {"llama_linear", "llama_llama3", "qwen2_yarn"}) {
    EXPECT_GT(moved(name, [](auto& m) { m.config.rope.frequencies[2] *= 1.2F; }), kFar) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(EveryArchitecture, GoldenTiny,
                         testing::Values("llama_plain", "llama_linear", "llama_llama3",
                                         "llama_yarn", "mistral", "qwen2", "qwen2_yarn", "qwen3",
                                         "llama_linear.gguf", "llama_llama3.gguf",
                                         "llama_yarn.gguf", "qwen2.gguf", "qwen3.gguf"),
                         [](const auto& info) {
                           std::string name = info.param;
                           for (char& c : name) c = c == '.' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace kvlink::tests
