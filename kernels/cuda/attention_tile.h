// SPDX-License-Identifier: Apache-2.0
// One tile of keys and values: into shared memory, and what a warp of sixteen rows makes of it.
#pragma once

#include <cuda_warp_matrix.h>

#include "kernels/cuda/attention_problem.h"

namespace kvlink::cuda {

/// Shared memory of one stage: a tile of keys, one of values, and where the keys stand.
template <int kDim, int kKeys>
struct Stage {
  static constexpr int kStride = kDim + 8;  // keeps the rows of a matrix in different banks
  alignas(16) std::uint16_t keys[kKeys][kStride];
  alignas(16) std::uint16_t values[kKeys][kStride];
  std::int32_t positions[kKeys];
  float biases[kKeys];  ///< in powers of two, as the scores
};

/// Columns past head_dim take part in the products; nothing else is written there.
template <int kDim, int kKeys>
KVLINK_DEVICE void clear_columns(Stage<kDim, kKeys>* stages, int n_stages, int head_dim) {
  for (int i = static_cast<int>(threadIdx.x); i < n_stages * kKeys * kDim;
       i += static_cast<int>(blockDim.x)) {
    const int column = i % kDim;
    if (column < head_dim) continue;
    stages[i / kDim / kKeys].keys[i / kDim % kKeys][column] = 0;
    stages[i / kDim / kKeys].values[i / kDim % kKeys][column] = 0;
  }
}

/// Columns of a tile that the arena's rows fill exactly, in the type of the products: copied beside
/// the arithmetic, with nothing to divide.
template <int kDim, int kKeys, int kThreads>
KVLINK_DEVICE void copy_tile(const std::uint16_t* first_row, std::int64_t n_rows,
                             std::uint16_t (*tile)[kDim + 8]) {
  constexpr int kRuns = kDim / 8;
  static_assert(kKeys * kRuns % kThreads == 0);
#pragma unroll 8
  for (int i = 0; i < kKeys * kRuns / kThreads; ++i) {
    const int index = static_cast<int>(threadIdx.x) + i * kThreads;
    const int key = index / kRuns;
    const int column = index % kRuns * 8;
    std::uint16_t* to = &tile[key][column];
    if (key < n_rows) {
      copy_16_bytes_async(to, first_row + key * kDim + column);
    } else {
      *reinterpret_cast<uint4*>(to) = {0, 0, 0, 0};
    }
  }
}

/// A tile of one plane of any type. Elements past head_dim are zero since the kernel began, rows
/// past the last key are made so.
template <Half kHalf, int kDim, int kKeys, int kThreads>
KVLINK_DEVICE void load_tile(const void* plane, const float* scales, const Arena& arena,
                             std::int64_t head_row, std::int64_t first, std::int64_t end,
                             std::uint16_t (*tile)[kDim + 8]) {
  constexpr DType kOwn = kHalf == Half::kF16 ? DType::kF16 : DType::kBF16;
  const auto* own = static_cast<const std::uint16_t*>(plane);
  if (arena.dtype == kOwn && arena.head_dim == kDim) {
    copy_tile<kDim, kKeys, kThreads>(own + (head_row + first) * kDim, end - first, tile);
    return;
  }
  const int runs = static_cast<int>(arena.head_dim) / 8;
  for (int i = static_cast<int>(threadIdx.x); i < kKeys * runs; i += kThreads) {
    const int key = i / runs;
    const int column = i % runs * 8;
    std::uint16_t* to = &tile[key][column];
    const std::int64_t row = head_row + first + key;
    if (first + key >= end) {
      *reinterpret_cast<uint4*>(to) = {0, 0, 0, 0};
    } else if (arena.dtype == kOwn) {
      copy_16_bytes_async(to, own + row * arena.head_dim + column);
    } else {
      unsigned words[4];
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        words[j] = pack_halves<kHalf>(arena_value(plane, scales, arena, row, column + 2 * j),
                                      arena_value(plane, scales, arena, row, column + 2 * j + 1));
      }
      *reinterpret_cast<uint4*>(to) = {words[0], words[1], words[2], words[3]};
    }
  }
}

/// Rows of queries that a lane works on: two of its warp's sixteen.
struct LaneRows {
  std::int64_t row[2];
  std::int32_t position[2];  // -1: no such row
};

/// One warp's running softmax and sums.
template <int kDim>
struct Running {
  float sums[kDim / 8][4];
  float largest[2], total[2];
};

template <Half kHalf, int kDim, int kKeys>
KVLINK_DEVICE void attend_tile(const Stage<kDim, kKeys>& stage, const LaneRows& rows, float scale,
                               const unsigned (&q)[kDim / 16][4], Running<kDim>& running) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  float scores[kKeys / 8][4] = {};
#pragma unroll
  for (int k = 0; k < kDim / 16; ++k) {
#pragma unroll
    for (int n = 0; n < kKeys / 16; ++n) {
      unsigned b[4];
      load_matrix_x4(b, &stage.keys[16 * n + lane / 16 * 8 + lane % 8][16 * k + lane / 8 % 2 * 8]);
      const unsigned first[2] = {b[0], b[1]};
      const unsigned second[2] = {b[2], b[3]};
      mma_16x8x16<kHalf>(scores[2 * n], q[k], first);
      mma_16x8x16<kHalf>(scores[2 * n + 1], q[k], second);
    }
  }
  float largest[2] = {running.largest[0], running.largest[1]};
#pragma unroll
  for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const int key = 8 * n + lane % 4 * 2 + e % 2;
      float& s = scores[n][e];
      s = is_visible(stage.positions[key], rows.position[e / 2]) ? fmaf(s, scale, stage.biases[key])
                                                                 : kNegativeInfinity;
      largest[e / 2] = s > largest[e / 2] ? s : largest[e / 2];
    }
  }
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    for (int mask = 1; mask <= 2; mask *= 2) {
      const float other = __shfl_xor_sync(kWholeWarp, largest[i], mask);
      largest[i] = other > largest[i] ? other : largest[i];
    }
  }
  float shift[2];
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    // Nothing seen yet: any finite number keeps infinity minus infinity away.
    shift[i] = largest[i] == kNegativeInfinity ? 0.0F : largest[i];
    const float shrink = exp2f(running.largest[i] - shift[i]);
    running.largest[i] = largest[i];
    running.total[i] *= shrink;
#pragma unroll
    for (int n = 0; n < kDim / 8; ++n) {
      running.sums[n][2 * i] *= shrink;
      running.sums[n][2 * i + 1] *= shrink;
    }
  }
#pragma unroll
  for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      scores[n][e] = exp2f(scores[n][e] - shift[e / 2]);
      running.total[e / 2] += scores[n][e];
    }
  }
#pragma unroll
  for (int n = 0; n < kKeys / 16; ++n) {
    // Two tiles of scores are one left operand as they lie.
    const unsigned p[4] = {pack_halves<kHalf>(scores[2 * n][0], scores[2 * n][1]),
                           pack_halves<kHalf>(scores[2 * n][2], scores[2 * n][3]),
                           pack_halves<kHalf>(scores[2 * n + 1][0], scores[2 * n + 1][1]),
                           pack_halves<kHalf>(scores[2 * n + 1][2], scores[2 * n + 1][3])};
#pragma unroll
    for (int d = 0; d < kDim / 16; ++d) {
      unsigned b[4];
      load_matrix_x4_transposed(b, &stage.values[16 * n + lane % 16][16 * d + lane / 16 * 8]);
      const unsigned first[2] = {b[0], b[1]};
      const unsigned second[2] = {b[2], b[3]};
      mma_16x8x16<kHalf>(running.sums[2 * d], p, first);
      mma_16x8x16<kHalf>(running.sums[2 * d + 1], p, second);
    }
  }
}

}  // namespace kvlink::cuda
