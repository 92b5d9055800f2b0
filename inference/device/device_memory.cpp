// SPDX-License-Identifier: Apache-2.0
#include "inference/device/device_memory.h"

#include <algorithm>
#include <string>

#include "inference/device/device_arena.h"
#include "inference/device/device_weights.h"
#include "kernels/base/kv_block.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using cuda::Api;

/// What a token is drawn with, about.
constexpr std::int64_t kDrawBytes = 16 << 10;

/// f32 elements of every activation of one row, and of the few that do not grow with rows.
std::int64_t activation_bytes(const ModelConfig& c, std::int64_t rows, std::int64_t capacity) {
  const std::int64_t per_row = 2 * std::int64_t{c.model_dim} + 3 * c.attention_dim() +
                               3 * std::int64_t{c.ffn_dim} + 4 * c.kv_dim() + c.rope.n_rotated() +
                               5;
  return rows * per_row * 4 + kDeviceLogitRows * std::int64_t{c.vocab_size} * 4 +
         kDeviceGraphRows * std::int64_t{c.model_dim} * 4 + capacity * 4 + kDrawBytes;
}

constexpr std::int64_t kAlignment = 256;
std::int64_t aligned(std::int64_t n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }

/// Loads are at least this long in a plan: the check of a new device makes such.
constexpr std::int64_t kLeastTokens = 1024;

}  // namespace

LoadRoom::LoadRoom(const ModelConfig& config, std::int64_t capacity, std::int64_t slot_bytes)
    : n_tokens(std::max(capacity, kLeastTokens)) {
  // A layer of one block that fills the context, in the widest type.
  const KvLayout widest{.n_layers = config.n_layers,
                        .n_kv_heads = config.n_kv_heads,
                        .head_dim = config.head_dim,
                        .dtype = DType::kF32};
  const std::int64_t layer =
      2 * (widest.plane_bytes(Plane::kKeys, n_tokens) + KvBlock::kPlaneAlignment);
  slot = aligned(std::min(layer, slot_bytes));
  const std::int64_t n_blocks = std::min(n_tokens, kMostBlocks);
  tables = aligned(config.n_layers * n_blocks * static_cast<std::int64_t>(sizeof(cuda::KvSource))) +
           2 * n_tokens * 4;
  pairs = std::max(n_tokens * config.rope.n_rotated() * 4, kAlignment);
}

DeviceMemory device_memory(const Model& model, const DeviceOptions& options, std::int64_t capacity,
                           std::int64_t available) {
  DeviceMemory m;
  m.weights = DeviceWeights::stored_bytes(model);
  m.activations = activation_bytes(model.config, options.tile_rows, capacity);
  m.context = DeviceArena::size_bytes(model.config, capacity, options.arena_dtype);
  m.loads = LoadRoom(model.config, capacity, options.ring_slot_bytes).on_device();
  const std::int64_t copies = DeviceWeights::wide_bytes(model);
  const bool wanted = options.copies && options.products != Products::kF32;
  const std::int64_t kept = options.block_budget_bytes;
  if (wanted && m.total() + copies + kept <= available) m.copies = copies;
  return m;
}

DeviceMemory plan_device_memory(const Model& model, cuda::CudaBackend& backend,
                                const DeviceOptions& options, std::int64_t capacity) {
  if (options.tile_rows < 16 || options.block_budget_bytes < 0 || options.ring_slot_bytes < 1) {
    fail(ErrorCode::kInvalidInput,
         "GPU: at least 16 rows a tile, room for loads, and no negative budget");
  }
  std::int64_t used = 0;
  std::int64_t available = 0;
  backend.run(&Api::memory, &used, &available);
  const DeviceMemory m = device_memory(model, options, capacity, available);
  if (m.total() > available) {
    const auto mib = [](std::int64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; };
    fail(ErrorCode::kOutOfMemory,
         "the GPU has " + mib(available) + " free, and this model takes " + mib(m.total()) + ": " +
             mib(m.weights) + " of weights, " + mib(m.context) + " for a context of " +
             std::to_string(capacity) + " tokens, " + mib(m.activations) + " to compute in, " +
             mib(m.loads) + " to load blocks through");
  }
  return m;
}

}  // namespace kvlink::inference
