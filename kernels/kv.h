// SPDX-License-Identifier: Apache-2.0
// Moving KV between activations, the arena and blocks.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/base/kv_block.h"
#include "kernels/base/view.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/rope.h"

namespace kvlink::kernels {

/// Writes rotated keys and values of a forward pass into rows `rows` of the arena, in any type of
/// is_arena_dtype (kernels/kv_arena.h); kQ8Kv: symmetric int8 with one scale per row and head, of
/// keys after a Hadamard transform of the head, which attention applies to queries as well.
/// k, v [n, n_kv_heads * head_dim] f32.
void kv_scatter(CpuBackend& backend, View<const float> k, View<const float> v,
                std::span<const std::int32_t> rows, KvArenaView arena);

/// Layers first_layer, first_layer + 1, … of a block into the arenas of these layers, which have
/// one shape: dequantise, rotate keys to `positions`, scatter to rows first_row, first_row + 1, … .
/// Keys are rounded once more, to the arena's type; values only where it is not the block's.
/// positions [block.n_tokens()]. Many layers at a time share the angles.
void kv_load(CpuBackend& backend, const KvBlock& block, std::int32_t first_layer, const Rope& rope,
             std::span<const std::int32_t> positions, std::int64_t first_row,
             std::span<const KvArenaView> arenas);

/// Keys of rows 0..y.rows of one head of an arena back in f32, y [n, head_dim].
void kv_read_keys(CpuBackend& backend, const KvArenaView& arena, std::int64_t head, View<float> y);

/// One layer.
inline void kv_load(CpuBackend& backend, const KvBlock& block, std::int32_t layer, const Rope& rope,
                    std::span<const std::int32_t> positions, std::int64_t first_row,
                    KvArenaView arena) {
  kv_load(backend, block, layer, rope, positions, first_row, std::span(&arena, 1));
}

/// Quantises unrotated keys and values [n_tokens, kv_dim] f32 into one layer of a block
/// (kF32, kF16, kBF16, kQ8Kv: K symmetric int8 per channel, V symmetric int8 per token).
void kv_store(CpuBackend& backend, View<const float> k, View<const float> v, std::int32_t layer,
              KvBlock& block);

/// A plane of a block back to f32, token-major [n_tokens, kv_dim].
void kv_dequantize(const KvBlock& block, std::int32_t layer, Plane plane, View<float> y);

}  // namespace kvlink::kernels
