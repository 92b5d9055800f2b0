// SPDX-License-Identifier: Apache-2.0
// The embedder on a device against the embedder on the CPU.
#include <string>

#include "inference/embedder.h"
#include "tests/cuda_host/device_fixture.h"
#include "tests/inference/decoder_driver.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tolerances.h"

namespace kvlink::tests {
namespace {

using inference::Embedder;
using inference::GpuOptions;
using inference::Products;
using inference::TextRole;

class DeviceEmbedding : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    write_tiny_embedder(folder_.path());
    cpu_ = value_or_throw(Embedder::load(folder_.path()));
    for (int i = 0; i < 6; ++i) {
      std::string text = "the red river";
      for (int word = 0; word < 3 * i; ++word) text += word % 3 == 0 ? " is green" : " and blue";
      texts_.push_back(text);
    }
  }

  GpuOptions gpu(Products products, std::int64_t fail_after_calls = 0) const {
    GpuOptions options;
    options.plugin = plugin_;
    options.backend = {.blas_library = test_blas(), .fail_after_calls = fail_after_calls};
    options.decoder.products = products;
    return options;
  }
  std::unique_ptr<Embedder> on_gpu(const GpuOptions& options) const {
    auto embedder = value_or_throw(Embedder::load(folder_.path()));
    embedder->use_gpu(options);
    return embedder;
  }
  std::vector<float> embed(const Embedder& embedder, std::span<const std::string> texts) {
    return value_or_throw(embedder.embed(backend_of_cpu_, texts));
  }
  /// The least cosine of a text's two vectors.
  double least_cosine(const std::vector<float>& a, const std::vector<float>& b) const {
    EXPECT_EQ(a.size(), b.size());
    const auto dim = static_cast<std::size_t>(cpu_->dim());
    double least = 1.0;
    for (std::size_t at = 0; at < a.size(); at += dim) {
      double cosine = 0.0;
      for (std::size_t i = at; i < at + dim; ++i) cosine += double{a[i]} * double{b[i]};
      least = std::min(least, cosine);
    }
    return least;
  }

  TemporaryFolder folder_;
  kernels::CpuBackend backend_of_cpu_{
      kernels::CpuOptions{.n_threads = 1, .arithmetic = kernels::Arithmetic::kFloat}};
  std::unique_ptr<Embedder> cpu_;
  std::vector<std::string> texts_;
};

TEST_F(DeviceEmbedding, GivesTheCpusVectors) {
  const auto expected = embed(*cpu_, texts_);
  for (const Products products : {Products::kF32, Products::kF16}) {
    const auto embedder = on_gpu(gpu(products));
    for (int turn = 0; turn < 2; ++turn) {  // the second time without the check
      const auto vectors = embed(*embedder, texts_);
      EXPECT_LT(max_difference(expected, vectors), kDeviceEmbedding);
      EXPECT_GT(least_cosine(expected, vectors), kDeviceEmbeddingCosine);
    }
    EXPECT_TRUE(embedder->take_device_notices().empty());
  }
}

TEST_F(DeviceEmbedding, FewTokensAndSingleTextsAreTheSame) {
  const auto embedder = on_gpu(gpu(Products::kF16));
  for (const char* text : {"", "a", "the river", "where is the mountain"}) {
    const std::string one = text;
    EXPECT_GT(least_cosine(embed(*cpu_, std::span(&one, 1)), embed(*embedder, std::span(&one, 1))),
              kDeviceEmbeddingCosine)
        << text;
  }
  EXPECT_TRUE(embed(*embedder, {}).empty());
}

TEST_F(DeviceEmbedding, TheCpuGoesOnWhenTheDeviceIsLost) {
  const auto expected = embed(*cpu_, texts_);
  int n_lost = 0;
  for (const std::int64_t calls : {1, 20, 90, 130, 200}) {
    const auto embedder = on_gpu(gpu(Products::kF16, calls));
    for (int turn = 0; turn < 2; ++turn) {
      EXPECT_GT(least_cosine(expected, embed(*embedder, texts_)), kDeviceEmbeddingCosine) << calls;
    }
    const auto notices = embedder->take_device_notices();
    n_lost += notices.empty() ? 0 : 1;
    EXPECT_LE(notices.size(), 1U);
    if (!notices.empty()) {
      EXPECT_NE(notices[0].find("the CPU"), std::string::npos) << notices[0];
    }
    EXPECT_TRUE(embedder->take_device_notices().empty());
  }
  EXPECT_GE(n_lost, 3);
}

TEST_F(DeviceEmbedding, ADeviceThatComputesSomethingElseIsNotTrusted) {
  if (!fake_.is_there()) GTEST_SKIP() << "a device cannot be told to be wrong";
  const auto expected = embed(*cpu_, texts_);
  fake_.set_wrong(1);
  const auto embedder = on_gpu(gpu(Products::kF16));
  fake_.set_wrong(0);
  EXPECT_LT(max_difference(expected, embed(*embedder, texts_)), 1e-6F);
  const auto notices = embedder->take_device_notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_NE(notices[0].find("does not compute what the processor does"), std::string::npos)
      << notices[0];
}

TEST_F(DeviceEmbedding, QuestionsAndStopsAreHeardBetweenBatches) {
  const auto embedder = on_gpu(gpu(Products::kF16));
  int n_heard = 0;
  value_or_throw(
      embedder->embed(backend_of_cpu_, texts_, TextRole::kPassage, [&n_heard] { ++n_heard; }));
  EXPECT_GE(n_heard, 1);
  const auto stopped = embedder->embed(backend_of_cpu_, texts_, TextRole::kPassage,
                                       [] { fail(ErrorCode::kCancelled, "stopped"); });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(embedder->take_device_notices().empty());
}

}  // namespace
}  // namespace kvlink::tests
