// SPDX-License-Identifier: Apache-2.0
// How keys and values lie in a plane of a KvArenaView, by type.
#pragma once

#include <cstdint>

#include "kernels/base/view.h"

namespace kvlink::kernels {

/// Whether keys and values can be kept in memory as `t`: kF32, kF16, kBF16 or kQ8Kv.
constexpr bool is_arena_dtype(DType t) {
  return t == DType::kF32 || t == DType::kF16 || t == DType::kBF16 || t == DType::kQ8Kv;
}

/// Bytes of one head's row, with the scale that belongs to it.
constexpr std::int64_t arena_row_bytes(DType t, std::int64_t head_dim) {
  return row_bytes(t, head_dim) +
         (t == DType::kQ8Kv ? static_cast<std::int64_t>(sizeof(float)) : 0);
}

/// Bytes of the elements of a plane [n_kv_heads, capacity, head_dim]; they are a multiple of 64 in
/// kQ8Kv, so that the scales behind them and the next plane begin with a cache line.
constexpr std::int64_t arena_element_bytes(DType t, std::int64_t n_rows, std::int64_t head_dim) {
  const std::int64_t n_bytes = row_bytes(t, n_rows * head_dim);
  return t == DType::kQ8Kv ? (n_bytes + 63) / 64 * 64 : n_bytes;
}

/// Bytes of a plane of n_rows = n_kv_heads * capacity rows. kQ8Kv: one f32 scale per row stands
/// behind the int8 rows, so that the scales of neighbouring keys make a vector, and a row of 64 is
/// one cache line.
constexpr std::int64_t arena_plane_bytes(DType t, std::int64_t n_rows, std::int64_t head_dim) {
  const std::int64_t elements = arena_element_bytes(t, n_rows, head_dim);
  if (t != DType::kQ8Kv) return elements;
  return elements + (n_rows * static_cast<std::int64_t>(sizeof(float)) + 63) / 64 * 64;
}

/// Scales [n_kv_heads, capacity] of a plane of a kQ8Kv arena; null for other types.
inline float* arena_scales(std::byte* plane, const KvArenaView& arena) {
  if (arena.dtype != DType::kQ8Kv) return nullptr;
  return reinterpret_cast<float*>(
      plane + arena_element_bytes(arena.dtype, arena.n_kv_heads * arena.capacity, arena.head_dim));
}

}  // namespace kvlink::kernels
