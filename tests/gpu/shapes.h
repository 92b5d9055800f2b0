// SPDX-License-Identifier: Apache-2.0
// Models of a shape, with random weights: every layer's views share one layer's memory here and get
// memory of their own on the device.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "inference/model/model.h"
#include "kernels/base/buffer.h"

namespace kvlink::tests {

struct RandomModel {
  inference::Model model;
  std::vector<HostBuffer> buffers;
};

/// Random bytes that are numbers of a sensible size in a type: bf16, f16, f32, q8_0, q4_0.
inline void fill_random(std::byte* to, DType dtype, std::int64_t n_elements, float spread,
                        std::uint64_t seed) {
  const std::int64_t n_blocks = n_elements / block_elements(dtype);
  constexpr std::int64_t kThreads = 8;
  std::vector<std::thread> threads;
  for (std::int64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([=] {
      std::uint64_t state = seed * 977 + static_cast<std::uint64_t>(t);
      const auto next = [&state] {
        state += 0x9E3779B97F4A7C15U;
        std::uint64_t z = state;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
        return z ^ z >> 27;
      };
      const auto unit = [&] { return static_cast<float>(next() >> 40) * 0x1p-23F - 1.0F; };
      const std::uint16_t scale = f32_to_f16(spread / 8.0F);
      for (std::int64_t b = n_blocks * t / kThreads; b < n_blocks * (t + 1) / kThreads; ++b) {
        std::byte* p = to + b * block_bytes(dtype);
        if (dtype == DType::kF32) {
          reinterpret_cast<float*>(p)[0] = spread * unit();
        } else if (dtype == DType::kF16 || dtype == DType::kBF16) {
          const float v = spread * unit();
          *reinterpret_cast<std::uint16_t*>(p) =
              dtype == DType::kF16 ? f32_to_f16(v) : f32_to_bf16(v);
        } else {
          for (std::int64_t i = 0; i < block_bytes(dtype); ++i) {
            p[i] = static_cast<std::byte>(next());
          }
          *reinterpret_cast<std::uint16_t*>(p) = scale;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

inline RandomModel random_model(const inference::ModelConfig& config, DType dtype) {
  RandomModel r;
  r.model.config = config;
  std::uint64_t seed = 1;
  const auto matrix = [&](std::int64_t rows, std::int64_t cols) {
    HostBuffer& buffer = r.buffers.emplace_back(rows * row_bytes(dtype, cols));
    fill_random(buffer.as<std::byte>(), dtype, rows * cols,
                1.5F / std::sqrt(static_cast<float>(cols)), ++seed);
    return WeightView{buffer.as<std::byte>(), dtype, rows, cols};
  };
  const auto ones = [&](std::int64_t n) -> const float* {
    HostBuffer& buffer = r.buffers.emplace_back(n * 4);
    std::fill_n(buffer.as<float>(), n, 1.0F);
    return buffer.as<float>();
  };
  r.model.embedding = matrix(config.vocab_size, config.model_dim);
  r.model.output = matrix(config.vocab_size, config.model_dim);
  r.model.output_norm = ones(config.model_dim);
  inference::LayerWeights layer;
  layer.attention_norm = ones(config.model_dim);
  layer.ffn_norm = ones(config.model_dim);
  layer.wq = matrix(config.attention_dim(), config.model_dim);
  layer.wk = matrix(config.kv_dim(), config.model_dim);
  layer.wv = matrix(config.kv_dim(), config.model_dim);
  layer.wo = matrix(config.model_dim, config.attention_dim());
  layer.gate = matrix(config.ffn_dim, config.model_dim);
  layer.up = matrix(config.ffn_dim, config.model_dim);
  layer.down = matrix(config.model_dim, config.ffn_dim);
  r.model.layers.assign(static_cast<std::size_t>(config.n_layers), layer);
  return r;
}

inline inference::ModelConfig shape_of(std::int32_t n_layers, std::int32_t model_dim,
                                       std::int32_t n_heads, std::int32_t n_kv_heads,
                                       std::int32_t ffn_dim, std::int32_t vocab_size) {
  inference::ModelConfig c;
  c.architecture = "llama";
  c.n_layers = n_layers;
  c.n_heads = n_heads;
  c.n_kv_heads = n_kv_heads;
  c.head_dim = model_dim / n_heads;
  c.model_dim = model_dim;
  c.ffn_dim = ffn_dim;
  c.vocab_size = vocab_size;
  c.context_length = 131072;
  c.rope.pairing = kernels::RopePairing::kHalves;
  for (std::int32_t i = 0; i < c.head_dim; i += 2) {
    c.rope.frequencies.push_back(
        std::pow(500000.0F, -static_cast<float>(i) / static_cast<float>(c.head_dim)));
  }
  return c;
}

inline inference::ModelConfig llama_8b() { return shape_of(32, 4096, 32, 8, 14336, 128256); }
/// For trying the script out without a GPU.
inline inference::ModelConfig toy() { return shape_of(2, 128, 4, 2, 256, 512); }

}  // namespace kvlink::tests
