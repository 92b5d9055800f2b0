// SPDX-License-Identifier: Apache-2.0
// A tiny model on a device and on the CPU, for tests of the decoder.
#pragma once

#include <algorithm>
#include <numeric>
#include <random>

#include "inference/device/device_decoder.h"
#include "inference/model/model.h"
#include "kernels/kv.h"
#include "tests/cuda_host/device_fixture.h"
#include "tests/inference/decoder_driver.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/random_floats.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tolerances.h"

namespace kvlink::tests {

using inference::DeviceArena;
using inference::DeviceDecoder;
using inference::DeviceOptions;
using inference::ForwardBatch;
using inference::KvCache;
using inference::KvLoad;
using inference::Products;

constexpr std::int64_t kCapacity = 256;

class DeviceDecoderTest : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (plugin_ == nullptr) return;
    shared_backend_ =
        std::make_shared<CudaBackend>(plugin_, cuda::BackendOptions{.blas_library = test_blas()});
    use_model({});
  }

  void use_model(const TinyModelOptions& options) {
    const auto file = folder_.path() / ("model" + std::to_string(++n_models_) + ".gguf");
    write_tiny_generator(file, options);
    auto model = inference::load_model(file);
    ASSERT_TRUE(model) << model.error().message;
    model_ = std::make_unique<inference::Model>(std::move(*model));
    cpu_ = std::make_unique<inference::Decoder>(*model_, cpu_backend_);
  }

  DeviceOptions exact(std::int64_t tile_rows = 32) const {
    return {.products = Products::kF32,
            .arena_dtype = DType::kF32,
            .tile_rows = tile_rows,
            .block_budget_bytes = 0};
  }
  std::unique_ptr<DeviceDecoder> make(const DeviceOptions& options) {
    return std::make_unique<DeviceDecoder>(*model_, shared_backend_, options, kCapacity);
  }
  DeviceArena arena(const DeviceOptions& options) {
    return DeviceArena(model_->config, kCapacity, options.arena_dtype, *shared_backend_);
  }
  std::vector<std::int32_t> tokens(std::size_t n, std::uint64_t seed = 3) const {
    std::vector<std::int32_t> ids;
    std::mt19937_64 random(seed);
    for (std::size_t i = 0; i < n; ++i) {
      ids.push_back(static_cast<std::int32_t>(
          random() % static_cast<std::uint64_t>(model_->config.vocab_size)));
    }
    return ids;
  }

  /// A context on both sides.
  struct Pair {
    KvCache cpu, device;  // of the second only the positions are used
    DeviceArena arena;
  };
  Pair pair(const DeviceOptions& options) {
    return {KvCache(model_->config, kCapacity, DType::kF32),
            KvCache(model_->config, kCapacity, DType::kF32), arena(options)};
  }

  /// Appends the batch's rows on both sides and compares what comes out.
  float difference(DeviceDecoder& decoder, Pair& p, std::span<const std::int32_t> ids,
                   std::span<const std::int32_t> positions,
                   std::span<const std::int32_t> logit_rows, View<const float> soft = {}) {
    const auto first = static_cast<std::int32_t>(p.cpu.append_rows(positions));
    p.device.append_rows(positions);
    std::vector<std::int32_t> rows(ids.size());
    std::iota(rows.begin(), rows.end(), first);
    ForwardBatch batch;
    batch.token_ids = ids;
    batch.rows = rows;
    batch.logit_rows = logit_rows;
    batch.embeddings = soft;
    const auto expected = cpu_->forward(batch, p.cpu);
    last_ = decoder.forward(batch, p.device, p.arena, {});
    return max_difference(expected, last_);
  }

  TemporaryFolder folder_;
  int n_models_ = 0;
  kernels::CpuBackend cpu_backend_{
      kernels::CpuOptions{.n_threads = 1, .arithmetic = kernels::Arithmetic::kFloat}};
  std::shared_ptr<CudaBackend> shared_backend_;
  std::unique_ptr<inference::Model> model_;
  std::unique_ptr<inference::Decoder> cpu_;
  std::vector<float> last_;
};

inline std::vector<std::int32_t> counting(std::size_t n, std::int32_t first = 0) {
  std::vector<std::int32_t> values(n);
  std::iota(values.begin(), values.end(), first);
  return values;
}

class DeviceBlocks : public DeviceDecoderTest {
 protected:
  std::shared_ptr<KvBlock> block(const std::vector<std::int32_t>& ids, DType dtype) const {
    const auto& c = model_->config;
    return std::make_shared<KvBlock>(KvLayout{.n_layers = c.n_layers,
                                              .n_kv_heads = c.n_kv_heads,
                                              .head_dim = c.head_dim,
                                              .dtype = dtype},
                                     ids);
  }
  /// A chunk's KV as the CPU computes it.
  std::shared_ptr<KvBlock> encode(const std::vector<std::int32_t>& ids, DType dtype) {
    auto made = block(ids, dtype);
    KvCache cache(model_->config, kCapacity, DType::kF32);
    const auto rows = counting(ids.size());
    cache.append_rows(rows);
    ForwardBatch batch;
    batch.token_ids = ids;
    batch.rows = rows;
    batch.capture = made.get();
    cpu_->forward(batch, cache);
    return made;
  }
};

}  // namespace kvlink::tests
