// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <random>

#include "inference/sampler.h"
#include "tests/cuda_host/device_fixture.h"

namespace kvlink::tests {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

class DeviceSample : public DeviceTest {
 protected:
  std::int32_t sample(const std::vector<float>& logits, inference::SamplerOptions options,
                      double uniform, const std::vector<std::int32_t>& seen = {}) {
    std::int32_t* token = upload(std::vector<std::int32_t>{-7});
    const cuda::SampleCall call{upload(logits),
                                std::ssize(logits),
                                upload(seen),
                                std::ssize(seen),
                                options.repetition_penalty,
                                options.temperature,
                                options.top_k,
                                options.top_p,
                                uniform,
                                token};
    backend_->run(&Api::sample, &call);
    return download<std::int32_t>(token, 1)[0];
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
  for (const std::size_t n : {1U, 5U, 64U, 1000U, 49152U}) {
    std::vector<float> logits = random_logits(n, 1);
    logits[n / 3] = logits[n - 1] = 50.0F;
    EXPECT_EQ(sample(logits, {}, 0.0), static_cast<std::int32_t>(n / 3)) << n;
  }
  EXPECT_EQ(sample({-kInfinity, -1.0F, -kInfinity}, {}, 0.0), 1);
}

TEST_F(DeviceSample, DrawsTheTokensThatTheCpuDraws) {
  const std::vector<float> logits = random_logits(300, 2);
  for (const std::int32_t top_k : {1, 7, 40, cuda::kMostCandidates}) {
    for (const float top_p : {0.3F, 0.95F}) {
      const inference::SamplerOptions options{
          .temperature = 0.9F, .top_k = top_k, .top_p = top_p, .seed = 11};
      inference::Sampler cpu(options);
      std::mt19937_64 random(options.seed);
      for (int i = 0; i < 3; ++i) {
        const double uniform = static_cast<double>(random() >> 11) * 0x1.0p-53;
        EXPECT_EQ(sample(logits, options, uniform), cpu.next(logits, {})) << top_k << " " << top_p;
      }
    }
  }
}

TEST_F(DeviceSample, PenalisesWhatWasSaid) {
  std::vector<float> logits = random_logits(100, 3);
  logits[40] = 30.0F;
  logits[41] = 29.0F;
  const inference::SamplerOptions options{.repetition_penalty = 1.5F};
  EXPECT_EQ(sample(logits, options, 0.0, {40, 99, 100000, -3}), 41);
  inference::Sampler cpu(options);
  EXPECT_EQ(cpu.next(logits, std::vector<std::int32_t>{40, 99, 100000, -3}), 41);
}

TEST_F(DeviceSample, SaysWhenLogitsAreNotNumbers) {
  std::vector<float> logits = random_logits(500, 4);
  logits[321] = std::nanf("");
  EXPECT_EQ(sample(logits, {}, 0.0), -1);
  logits[321] = kInfinity;
  EXPECT_EQ(sample(logits, {.temperature = 1.0F}, 0.5), -1);
  EXPECT_EQ(sample(std::vector<float>(70, -kInfinity), {}, 0.0), -1);
}

TEST_F(DeviceSample, DrawsFromFewerTokensThanCandidates) {
  const std::vector<float> logits = {1.0F, -kInfinity, 0.5F};
  const std::int32_t token =
      sample(logits, {.temperature = 1.0F, .top_k = 40, .top_p = 1.0F}, 0.99);
  EXPECT_EQ(token, 2);
}

}  // namespace
}  // namespace kvlink::tests
