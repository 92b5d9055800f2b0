// SPDX-License-Identifier: Apache-2.0
// The default generator against values computed with PyTorch in float32 from the same weights.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "inference/model/model.h"
#include "inference/tokenizer/tokenizer.h"
#include "tests/inference/decoder_driver.h"
#include "tests/support/test_paths.h"
#include "tests/support/tolerances.h"

namespace kvlink::tests {
namespace {

using inference::Decoder;
using inference::KvCache;

/// Prompts longer than this run at the widest instruction set only.
constexpr std::size_t kShortPrompt = 200;
/// Positions whose logits are held at a time: [128, 49152] f32 are 25 MB.
constexpr std::size_t kPiece = 128;

struct Reading {
  double mean_nll = 0.0;
  std::vector<std::int32_t> argmax;
  std::vector<float> margin;
  std::vector<float> last_logits;
};

Reading read_prompt(const Decoder& decoder, KvCache& cache, std::span<const std::int32_t> ids) {
  Reading reading;
  const auto n_vocab = static_cast<std::size_t>(decoder.model().config.vocab_size);
  std::vector<float> log_probs(n_vocab);
  for (std::size_t from = 0; from < ids.size(); from += kPiece) {
    const auto piece = ids.subspan(from, std::min(kPiece, ids.size() - from));
    const auto logits = read_tokens(decoder, cache, piece, Logits::kAll);
    for (std::size_t i = 0; i < piece.size(); ++i) {
      const auto row = std::span(logits).subspan(i * n_vocab, n_vocab);
      reading.argmax.push_back(kernels::argmax(row));
      reading.margin.push_back(top_margin(row));
      if (from + i + 1 == ids.size()) {
        reading.last_logits.assign(row.begin(), row.end());
      } else {
        kernels::log_softmax(row, log_probs);
        reading.mean_nll -=
            static_cast<double>(log_probs[static_cast<std::size_t>(ids[from + i + 1])]);
      }
    }
  }
  reading.mean_nll /= static_cast<double>(ids.size() - 1);
  return reading;
}

/// How far results may be from PyTorch in float32, by the arithmetic.
struct Allowed {
  float log_probabilities;
  double nll_share;
  float unsure_margin;
};

Allowed allowed(kernels::Arithmetic arithmetic) {
  if (arithmetic == kernels::Arithmetic::kFloat) {
    return {kGoldenLogProbabilities, kGoldenNllShare, kGoldenUnsureMargin};
  }
  return {kGoldenLogProbabilitiesInt8, kGoldenNllShareInt8, kGoldenUnsureMarginInt8};
}

using Way = std::tuple<kernels::Isa, kernels::Arithmetic>;

class GoldenSmolLM2 : public testing::TestWithParam<Way> {
 protected:
  static nlohmann::json golden() {
    std::ifstream file(*test_data() / "models" / "smollm2_golden.json");
    return nlohmann::json::parse(file);
  }
};

/// Returns the largest difference.
float check_last_position(const nlohmann::json& c, std::span<const float> logits,
                          const Allowed& allow) {
  std::vector<float> log_probs(logits.size());
  kernels::log_softmax(logits, log_probs);
  const auto ids = c["top20_ids"].get<std::vector<std::int32_t>>();
  const auto expected = c["top20_logprobs"].get<std::vector<float>>();
  float worst = 0.0F;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_NEAR(log_probs[static_cast<std::size_t>(ids[i])], expected[i], allow.log_probabilities)
        << "token " << ids[i];
    worst = std::max(worst, std::abs(log_probs[static_cast<std::size_t>(ids[i])] - expected[i]));
  }
  return worst;
}

void check_argmax(const nlohmann::json& c, const Reading& reading, const Allowed& allow) {
  if (c["argmax_per_pos"].is_null()) return;  // long prompts carry the mean NLL instead
  const auto expected = c["argmax_per_pos"].get<std::vector<std::int32_t>>();
  ASSERT_EQ(expected.size(), reading.argmax.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (reading.margin[i] < allow.unsure_margin) continue;
    EXPECT_EQ(reading.argmax[i], expected[i]) << "at position " << i;
  }
}

void check_greedy(const nlohmann::json& c, const Decoder& decoder, KvCache& cache,
                  const std::vector<float>& logits, const Allowed& allow) {
  const auto expected = c["greedy"].get<std::vector<std::int32_t>>();
  const auto margins = c["greedy_margin"].get<std::vector<float>>();
  const auto unsure = std::find_if(margins.begin(), margins.end(),
                                   [&](float m) { return m < allow.unsure_margin; });
  const auto n = static_cast<std::size_t>(unsure - margins.begin());
  const auto ours = greedy_tokens(decoder, cache, logits, n);
  EXPECT_EQ(ours, std::vector<std::int32_t>(expected.begin(),
                                            expected.begin() + (unsure - margins.begin())));
}

/// The ids of a prompt in which these texts stand for the tokens they name: text between them is
/// encoded, which by itself never gives a control token.
std::vector<std::int32_t> encode_prompt(const inference::Tokenizer& tokenizer,
                                        std::string_view prompt) {
  std::vector<std::int32_t> ids;
  while (!prompt.empty()) {
    std::size_t at = std::string_view::npos;
    std::string_view control;
    for (const std::string_view name : {"<|im_start|>", "<|im_end|>"}) {
      if (const std::size_t found = prompt.find(name); found < at) {
        at = found;
        control = name;
      }
    }
    const auto text = tokenizer.encode(prompt.substr(0, at));
    ids.insert(ids.end(), text.begin(), text.end());
    if (control.empty()) break;
    ids.push_back(tokenizer.control_id(control).value());
    prompt.remove_prefix(at + control.size());
  }
  return ids;
}

TEST(GoldenSmolLM2Tokenizer, GivesTheReferenceIds) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  KVLINK_SKIP_WITHOUT_GENERATOR();
  const auto model = inference::load_model(*default_generator());
  ASSERT_TRUE(model) << model.error().message;
  const auto tokenizer = inference::make_tokenizer(model->tokenizer);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  std::ifstream file(*test_data() / "models" / "smollm2_golden.json");
  const auto golden = nlohmann::json::parse(file);
  for (const auto& c : golden["cases"]) {
    EXPECT_EQ(encode_prompt(**tokenizer, c["prompt"].get<std::string>()),
              c["ids"].get<std::vector<std::int32_t>>());
  }
}

TEST_P(GoldenSmolLM2, FollowsTheReference) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  KVLINK_SKIP_WITHOUT_GENERATOR();
  const auto model = inference::load_model(*default_generator());
  ASSERT_TRUE(model) << model.error().message;
  const auto [isa, arithmetic] = GetParam();
  const Allowed allow = allowed(arithmetic);
  kernels::CpuBackend backend({.n_threads = 2, .max_isa = isa, .arithmetic = arithmetic});
  const Decoder decoder(*model, backend);
  std::size_t n_checked = 0;
  double worst_nll_share = 0.0;
  float worst_log_probability = 0.0F;
  const auto cases = golden()["cases"];
  for (const auto& c : cases) {
    const auto ids = c["ids"].get<std::vector<std::int32_t>>();
    if (ids.size() > kShortPrompt && isa != kernels::detect_isa()) continue;
    SCOPED_TRACE(c["prompt"].get<std::string>().substr(0, 60));
    KvCache cache(model->config, static_cast<std::int64_t>(ids.size()) + 64, DType::kF32);
    const Reading reading = read_prompt(decoder, cache, ids);
    const auto nll = c["mean_nll"].get<double>();
    EXPECT_NEAR(reading.mean_nll, nll, allow.nll_share * nll);
    worst_nll_share = std::max(worst_nll_share, std::abs(reading.mean_nll - nll) / nll);
    worst_log_probability =
        std::max(worst_log_probability, check_last_position(c, reading.last_logits, allow));
    check_argmax(c, reading, allow);
    check_greedy(c, decoder, cache, reading.last_logits, allow);
    ++n_checked;
  }
  EXPECT_GE(n_checked, 3U);
  RecordProperty("worst_mean_nll_share", std::to_string(worst_nll_share));
  RecordProperty("worst_log_probability_difference", std::to_string(worst_log_probability));
}

INSTANTIATE_TEST_SUITE_P(EveryIsa, GoldenSmolLM2,
                         testing::Combine(testing::ValuesIn(available_isas()),
                                          testing::Values(kernels::Arithmetic::kFloat,
                                                          kernels::Arithmetic::kInt8)),
                         [](const auto& info) {
                           const bool is_float =
                               std::get<1>(info.param) == kernels::Arithmetic::kFloat;
                           return kernels::isa_name(std::get<0>(info.param)) +
                                  std::string(is_float ? "_float" : "_int8");
                         });

}  // namespace
}  // namespace kvlink::tests
