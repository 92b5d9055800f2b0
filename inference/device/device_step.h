// SPDX-License-Identifier: Apache-2.0
// What one step of the decoder on a device works on. Internal to DeviceDecoder's files.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "inference/device/device_decoder.h"

namespace kvlink::inference {

/// At most so many rows go through products with f32 activations.
inline constexpr std::int64_t kFewRows = 8;
/// Activations that products read: f32 for few rows, else what products are computed in.
inline DType activation(std::int64_t rows, DType half) {
  return rows <= kFewRows ? DType::kF32 : half;
}

inline std::int64_t qkv_dim(const ModelConfig& c) { return c.attention_dim() + 2 * c.kv_dim(); }

/// What one step is about, on the device: written by the host in one copy.
struct DeviceDecoder::Tile {
  std::int64_t from = 0;    ///< first batch index
  std::int64_t n = 0;       ///< rows of the batch
  std::int64_t padded = 0;  ///< rows that are computed; rows from n on are padding
  std::int64_t stride = 0;  ///< of the arrays in the step buffer
  std::vector<std::int32_t> logit_rows = {};  ///< within the tile
  bool draws = false;  ///< a token out of the one logit row, instead of its logits

  // n_keys, then five arrays.
  std::int64_t bytes() const { return (4 + 5 * stride) * 4; }
  static std::int64_t logit_rows_at() { return 4; }
  std::int64_t ids_at() const { return 4 + stride; }
  std::int64_t rows_at() const { return 4 + 2 * stride; }
  std::int64_t positions_at() const { return 4 + 3 * stride; }
  std::int64_t base_rows_at() const { return 4 + 4 * stride; }
};

/// What a token is drawn with: the parameters, the token that comes out, the ids to penalise.
struct DeviceDecoder::Draw {
  /// Of answers with more different tokens the host draws.
  static constexpr std::int64_t kMostSeen = 2048;
  cuda::DrawParameters parameters;
  std::int32_t token;
  std::int32_t seen[kMostSeen];
};

struct DeviceDecoder::KeptGraph {
  std::uint64_t arena = 0;
  std::int64_t padded = 0;
  bool draws = false;
  cuda::GraphHandle graph;  // empty: met once, made at the next time
};

struct DeviceDecoder::Buffers {
  Buffers(const ModelConfig& c, std::int64_t rows, std::int64_t capacity, cuda::CudaBackend& b)
      : x(b, rows * c.model_dim * 4),
        normed(b, rows * c.model_dim * 4),
        qkv(b, rows * qkv_dim(c) * 4),
        q(b, rows * c.attention_dim() * 4),
        attended(b, rows * c.attention_dim() * 4),
        gate_up(b, rows * 2 * c.ffn_dim * 4),
        act(b, rows * c.ffn_dim * 4),
        captured(b, rows * 2 * c.kv_dim() * 4),
        pairs(b, std::max<std::int64_t>(rows * c.rope.n_rotated() * 4, 256)),
        logits(b, kDeviceLogitRows * c.vocab_size * 4),
        soft(b, kDeviceGraphRows * c.model_dim * 4),
        soft_host(b, kDeviceGraphRows * c.model_dim * 4),
        step(b, (4 + 5 * rows) * 4),
        step_host(b, (4 + 5 * rows) * 4),
        logits_host(b, kDeviceLogitRows * c.vocab_size * 4),
        draw(b, sizeof(Draw)),
        draw_host(b, sizeof(Draw)),
        mass(b, capacity * 4) {}

  cuda::DeviceBuffer x, normed, qkv, q, attended, gate_up, act, captured, pairs, logits, soft;
  cuda::PinnedBuffer soft_host;
  cuda::DeviceBuffer step;
  cuda::PinnedBuffer step_host, logits_host;
  cuda::DeviceBuffer draw;
  cuda::PinnedBuffer draw_host;
  cuda::DeviceBuffer mass;
  // More soft tokens than most questions have: taken when they first come.
  cuda::DeviceBuffer more_soft;
  cuda::PinnedBuffer more_soft_host;
};

}  // namespace kvlink::inference
