// SPDX-License-Identifier: Apache-2.0
// What the kinds of attention share: positions of a tile of keys, and where partial results lie.
// Included once per instruction set, inside its namespace.
#pragma once

#include "kernels/cpu/kernel_table.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

constexpr std::int64_t kKeyTile = 64;
constexpr std::int32_t kHiddenPosition = INT32_MAX;
constexpr std::int64_t kMostPrefetched = 1024;  ///< bytes of a row
template <DType kType>
constexpr std::int64_t kElementBytes = block_bytes(kType);

inline std::int64_t padded(std::int64_t head_dim) { return (head_dim + 15) / 16 * 16; }

/// sums [n_rows, padded head_dim], then row_max [n_rows], then row_sum [n_rows].
inline std::int64_t partial_floats(std::int64_t n_rows, std::int64_t head_dim) {
  return (n_rows * (padded(head_dim) + 2) + 15) / 16 * 16;
}

struct KeyTile {
  alignas(64) std::int32_t positions[kKeyTile];
  alignas(64) float biases[kKeyTile];  ///< where is_biased
  bool is_biased = false;
  alignas(64) float key_scales[kKeyTile];    ///< where is_scaled; 0 of hidden keys
  alignas(64) float value_scales[kKeyTile];  ///< likewise
  bool is_scaled = false;
  std::int64_t n = 0;
  std::int32_t lowest = kHiddenPosition;   ///< of the keys that are not hidden
  std::int32_t highest = kHiddenPosition;  ///< kHiddenPosition when any is hidden or missing
};

inline void read_scales(const AttentionCall& call, std::int64_t key, KeyTile& tile) {
  tile.is_scaled = call.key_scales != nullptr;
  for (std::int64_t i = 0; tile.is_scaled && i < kKeyTile; ++i) {
    const bool is_hidden = tile.positions[i] == kHiddenPosition;
    tile.key_scales[i] = is_hidden ? 0.0F : call.key_scales[key + i];
    tile.value_scales[i] = is_hidden ? 0.0F : call.value_scales[key + i];
  }
}

/// Everything about a tile of keys but the keys and values themselves.
inline void read_tile(const AttentionCall& call, std::int64_t key, KeyTile& tile) {
  tile.n = call.key_end - key < kKeyTile ? call.key_end - key : kKeyTile;
  std::int32_t lowest = kHiddenPosition;
  std::int32_t highest = 0;
  for (std::int64_t i = 0; i < kKeyTile; ++i) {
    std::int32_t position = kHiddenPosition;
    if (i < tile.n) position = call.key_positions != nullptr ? call.key_positions[key + i] : 0;
    if (position < 0) position = kHiddenPosition;
    tile.positions[i] = position;
    lowest = position < lowest ? position : lowest;
    highest = position > highest ? position : highest;
  }
  tile.lowest = lowest;
  tile.highest = highest;
  tile.is_biased = call.key_biases != nullptr;
  for (std::int64_t i = 0; tile.is_biased && i < kKeyTile; ++i) {
    tile.biases[i] = i < tile.n ? call.key_biases[key + i] : 0.0F;
  }
  read_scales(call, key, tile);
}

inline void clear_partial(float* partial, std::int64_t n_rows, std::int64_t width) {
  for (std::int64_t i = 0; i < n_rows * width; i += kWidth) store(partial + i, zero());
  for (std::int64_t r = 0; r < n_rows; ++r) {
    partial[n_rows * width + r] = -__builtin_inff();
    partial[n_rows * width + n_rows + r] = 0.0F;
  }
}

/// The highest position of the call's queries; 0 where every key is visible.
inline std::int32_t last_position(const AttentionCall& call) {
  std::int32_t last = 0;
  for (std::int64_t i = 0; call.query_positions != nullptr && i < call.n_queries; ++i) {
    if (call.query_positions[i] > last) last = call.query_positions[i];
  }
  return last;
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
