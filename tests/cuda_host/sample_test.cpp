// SPDX-License-Identifier: Apache-2.0
// The device's choice of a token is the host's.
#include <cmath>
#include <limits>
#include <optional>
#include <random>

#include "inference/sampler.h"
#include "tests/cuda_host/device_fixture.h"

namespace kvlink::tests {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
using inference::Sampler;
using inference::SamplerOptions;

class DeviceSample : public DeviceTest {
 protected:
  /// What the device chooses for a sampler's next draw; -1: it refuses the logits.
  std::int32_t sample(const std::vector<float>& logits, const Sampler& sampler,
                      const std::vector<std::int32_t>& answer = {}) {
    const inference::TokenDraw draw = sampler.plan(answer);
    const std::vector<cuda::DrawParameters> parameters = {
        {.uniform = draw.uniform,
         .temperature = draw.temperature,
         .top_p = draw.top_p,
         .penalty = draw.penalty,
         .top_k = draw.top_k,
         .n_seen = static_cast<std::int32_t>(draw.seen.size())}};
    std::int32_t* token = upload(std::vector<std::int32_t>{-7});
    const cuda::SampleCall call{upload(logits), std::ssize(logits), upload(parameters),
                                upload(draw.seen), token};
    backend_->run(&Api::sample, &call);
    return download<std::int32_t>(token, 1)[0];
  }

  /// Both choose n tokens in a row: the same ones, or both refuse.
  void expect_same(const std::vector<float>& logits, const SamplerOptions& options, int n,
                   const std::string& where, const std::vector<std::int32_t>& answer = {}) {
    Sampler cpu(options);
    Sampler planned(options);
    for (int i = 0; i < n; ++i) {
      const auto expected = returning([&] { return cpu.next(logits, answer); });
      const std::int32_t found = sample(logits, planned, answer);
      planned.advance();
      EXPECT_EQ(found, expected ? *expected : -1) << where << ", draw " << i;
      if (!expected) return;
    }
  }

  static std::vector<float> random_logits(std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0F, 3.0F);
    std::vector<float> logits(n);
    for (float& v : logits) v = normal(random);
    return logits;
  }
};

TEST_F(DeviceSample, TakesTheLowestOfTheBest) {
  for (const std::size_t n : {1U, 5U, 31U, 64U, 1000U, 49152U, 128256U}) {
    std::vector<float> logits = random_logits(n, 1);
    logits[n / 3] = logits[n - 1] = 50.0F;
    EXPECT_EQ(sample(logits, Sampler({})), static_cast<std::int32_t>(n / 3)) << n;
  }
  EXPECT_EQ(sample({-kInfinity, -1.0F, -kInfinity}, Sampler({})), 1);
}

TEST_F(DeviceSample, DrawsTheTokensThatTheCpuDraws) {
  for (const std::size_t n : {1U, 31U, 300U, 49152U, 128256U}) {
    const std::vector<float> logits = random_logits(n, 2);
    const bool is_large = n > 1000;
    for (const std::int32_t top_k : {1, 7, 40, cuda::kMostCandidates}) {
      if (is_large && top_k != 7) continue;
      for (const float top_p : {0.0F, 0.3F, 0.95F, 1.0F}) {
        const SamplerOptions options{
            .temperature = 0.9F, .top_k = top_k, .top_p = top_p, .seed = 11};
        expect_same(logits, options, 1,
                    std::to_string(n) + " logits, top " + std::to_string(top_k) + ", " +
                        std::to_string(top_p));
      }
    }
  }
}

TEST_F(DeviceSample, TakesHostileLogitsAsTheCpuDoes) {
  const float largest = std::numeric_limits<float>::max();
  const float nan = std::nanf("");
  std::vector<std::vector<float>> cases = {
      std::vector<float>(70, 1.25F),                 // all equal
      std::vector<float>(70, -kInfinity),            // all forbidden
      std::vector<float>(70, -largest),              // a penalty makes them infinite
      {largest, largest, -largest},                  // their difference is no number
      {0.0F, -0.0F, 0.0F},                           // equal zeros
      {1.0F, -kInfinity, 0.5F},                      // fewer tokens than candidates
      {-kInfinity, -kInfinity, 1e-45F, -kInfinity},  // one, denormal
      {nan},                                         // nothing but NaN
      {kInfinity},
  };
  for (const std::size_t at : {0U, 63U, 499U}) {
    for (const float v : {nan, -nan, kInfinity}) {
      cases.push_back(random_logits(500, 4));
      cases.back()[at] = v;
    }
  }
  const std::vector<std::int32_t> answer = {0, 2, 2, 69, 499, 1000000, -3, INT32_MIN, INT32_MAX};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    for (const float temperature : {0.0F, 0.7F}) {
      for (const float penalty : {1.0F, 1.5F}) {
        const SamplerOptions options{.temperature = temperature,
                                     .top_k = 6,
                                     .top_p = 0.9F,
                                     .repetition_penalty = penalty,
                                     .seed = i};
        expect_same(cases[i], options, 1,
                    "case " + std::to_string(i) + ", temperature " + std::to_string(temperature) +
                        ", penalty " + std::to_string(penalty),
                    answer);
      }
    }
  }
}

TEST_F(DeviceSample, PenalisesWhatWasSaid) {
  std::vector<float> logits = random_logits(100, 3);
  logits[40] = 30.0F;
  logits[41] = 29.0F;
  const Sampler sampler({.repetition_penalty = 1.5F});
  EXPECT_EQ(sample(logits, sampler, {40, 40, 99, 100000, -3}), 41);
  expect_same(logits, {.temperature = 2.0F, .repetition_penalty = 1.5F, .seed = 5}, 4, "drawn",
              {40, 40, 99, 100000, -3});
}

TEST_F(DeviceSample, DoesNotDependOnTheOrderOfThreads) {
  const std::vector<float> logits = random_logits(3000, 9);
  const Sampler sampler({.temperature = 1.0F, .repetition_penalty = 1.2F, .seed = 3});
  in_every_order([&] { return sample(logits, sampler, {5, 6, 7, 2999}); });
}

TEST_F(DeviceSample, RefusesWhatIsNoVocabulary) {
  std::int32_t* token = upload(std::vector<std::int32_t>{-7});
  const cuda::SampleCall call{upload(std::vector<float>{1.0F}), 0, nullptr, nullptr, token};
  EXPECT_FALSE(returning([&] { backend_->run(&Api::sample, &call); }));
}

}  // namespace
}  // namespace kvlink::tests
