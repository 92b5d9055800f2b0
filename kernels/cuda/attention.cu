// SPDX-License-Identifier: Apache-2.0
// Attention over the arena with online softmax (Dao 2022, algorithm 1), 16-bit products, f32 sums.
//
// The queries of all heads that share a KV head are rows of one matrix: row r is query r / group of
// head r % group. A block has 16 rows per warp and goes through the keys 64 (32) at a time. Few
// rows leave the device idle, so keys are then split over blocks whose partial results are merged.
#include <cuda_warp_matrix.h>

#include "kernels/cuda/context.h"
#include "kernels/cuda/simt.h"

namespace kvlink::cuda {
namespace {

constexpr float kNegativeInfinity = -INFINITY;
constexpr int kMostSplits = 64;
constexpr float kLog2E = 1.44269504F;

struct Problem {
  AttentionCall call;
  std::int64_t group, n_rows;  ///< rows of one KV head
  std::int64_t n_splits;
  float scale;      ///< 1 / sqrt(head_dim) * log2(e): softmax is computed in powers of two
  float* partials;  ///< [n_splits, n_kv_heads, n_rows, padded + 2]; null: one split
};

template <Half kHalf>
KVLINK_DEVICE std::uint16_t bits_of(float v) {
  return kHalf == Half::kF16 ? f16_bits(v) : bf16_bits(v);
}
template <Half kHalf>
KVLINK_DEVICE unsigned pack(float a, float b) {
  return bits_of<kHalf>(a) | static_cast<unsigned>(bits_of<kHalf>(b)) << 16;
}

/// Element e of a row of an arena plane.
KVLINK_DEVICE float arena_value(const void* plane, const float* scales, const Arena& arena,
                                std::int64_t row, std::int64_t e) {
  if (arena.dtype != DType::kQ8Kv) return load_one(plane, arena.dtype, row * arena.head_dim + e);
  return static_cast<float>(static_cast<const std::int8_t*>(plane)[row * arena.head_dim + e]) *
         scales[row];
}

/// Shared memory of one stage: a tile of keys, one of values, and where the keys stand.
template <int kDim, int kKeys>
struct Stage {
  static constexpr int kStride = kDim + 8;  // keeps the rows of a matrix in different banks
  alignas(16) std::uint16_t keys[kKeys][kStride];
  alignas(16) std::uint16_t values[kKeys][kStride];
  std::int32_t positions[kKeys];
  float biases[kKeys];  ///< in powers of two, as the scores
};

/// A tile of one plane. In the type of the products it is copied beside the arithmetic; elements
/// past head_dim are zero since the kernel began, rows past the last key are made so.
template <Half kHalf, int kDim, int kKeys>
KVLINK_DEVICE void load_tile(const void* plane, const float* scales, const Arena& arena,
                             std::int64_t head_row, std::int64_t first, std::int64_t end,
                             std::uint16_t (*tile)[kDim + 8]) {
  constexpr DType kOwn = kHalf == Half::kF16 ? DType::kF16 : DType::kBF16;
  const int runs = static_cast<int>(arena.head_dim) / 8;
  const int n = kKeys * runs;
  for (int i = static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x)) {
    const int key = i / runs;
    const int column = i % runs * 8;
    std::uint16_t* to = &tile[key][column];
    const std::int64_t row = head_row + first + key;
    if (first + key >= end) {
      *reinterpret_cast<uint4*>(to) = {0, 0, 0, 0};
    } else if (arena.dtype == kOwn) {
      copy_16_bytes_async(to,
                          static_cast<const std::uint16_t*>(plane) + row * arena.head_dim + column);
    } else {
      unsigned words[4];
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        words[j] = pack<kHalf>(arena_value(plane, scales, arena, row, column + 2 * j),
                               arena_value(plane, scales, arena, row, column + 2 * j + 1));
      }
      *reinterpret_cast<uint4*>(to) = {words[0], words[1], words[2], words[3]};
    }
  }
}

/// Whether a key at `position` counts for a query; hidden rows have negative positions.
KVLINK_DEVICE bool is_visible(std::int32_t position, std::int32_t query) {
  return position >= 0 && position <= query;
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
    const unsigned p[4] = {pack<kHalf>(scores[2 * n][0], scores[2 * n][1]),
                           pack<kHalf>(scores[2 * n][2], scores[2 * n][3]),
                           pack<kHalf>(scores[2 * n + 1][0], scores[2 * n + 1][1]),
                           pack<kHalf>(scores[2 * n + 1][2], scores[2 * n + 1][3])};
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

KVLINK_DEVICE float query_value(const Problem& p, std::int64_t kv_head, std::int64_t row,
                                std::int64_t e) {
  if (row >= p.n_rows || e >= p.call.arena.head_dim) return 0.0F;
  const std::int64_t head = kv_head * p.group + row % p.group;
  return load_one(p.call.q.data, p.call.q.dtype,
                  row / p.group * p.call.q.row_stride + head * p.call.arena.head_dim + e);
}

template <int kDim>
KVLINK_DEVICE void write_rows(const Problem& p, std::int64_t kv_head, std::int64_t split,
                              const LaneRows& rows, Running<kDim>& running) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t head_dim = p.call.arena.head_dim;
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    running.total[i] += __shfl_xor_sync(kWholeWarp, running.total[i], 1);
    running.total[i] += __shfl_xor_sync(kWholeWarp, running.total[i], 2);
  }
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const std::int64_t row = rows.row[i];
    if (row >= p.n_rows) continue;
    float* partial =
        p.partials + ((split * p.call.arena.n_kv_heads + kv_head) * p.n_rows + row) * (kDim + 2);
    const float share = running.total[i] > 0.0F ? 1.0F / running.total[i] : 0.0F;
    const std::int64_t head = kv_head * p.group + row % p.group;
    const std::int64_t to = row / p.group * p.call.y.row_stride + head * head_dim;
#pragma unroll
    for (int n = 0; n < kDim / 8; ++n) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const int column = 8 * n + lane % 4 * 2 + e;
        const float v = running.sums[n][2 * i + e];
        if (p.partials != nullptr) {
          partial[column] = v;
        } else if (column < head_dim) {
          store_one(p.call.y.data, p.call.y.dtype, to + column, v * share);
        }
      }
    }
    if (p.partials != nullptr && lane % 4 == 0) {
      partial[kDim] = running.largest[i];
      partial[kDim + 1] = running.total[i];
    }
  }
}

/// Keys [begin, end) of one split: whole tiles, so that no tile is read twice.
KVLINK_DEVICE void split_range(const Problem& p, std::int64_t split, int n_tile_keys,
                               std::int64_t& begin, std::int64_t& end) {
  const std::int64_t n_keys = *p.call.n_keys;
  const std::int64_t n_tiles = (n_keys + n_tile_keys - 1) / n_tile_keys;
  const std::int64_t each = (n_tiles + p.n_splits - 1) / p.n_splits;
  begin = split * each * n_tile_keys;
  end = begin + each * n_tile_keys;
  if (end > n_keys) end = n_keys;
}

template <Half kHalf, int kDim, int kKeys, int kWarps, int kStages>
__global__ void __launch_bounds__(kWarps* kWarp) attention_kernel(Problem p) {
  using Tile = Stage<kDim, kKeys>;
  auto* stages = reinterpret_cast<Tile*>(dynamic_shared());
  const Arena& arena = p.call.arena;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t kv_head = blockIdx.y;
  // The last rows see the most keys; they start first.
  const std::int64_t tile = gridDim.x - 1 - blockIdx.x;
  const std::int64_t first_row = (tile * kWarps + threadIdx.x / kWarp) * 16;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  split_range(p, blockIdx.z, kKeys, begin, end);

  LaneRows rows;
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    rows.row[i] = first_row + lane / 4 + 8 * i;
    rows.position[i] = -1;
    if (rows.row[i] < p.n_rows) {
      rows.position[i] = p.call.query_positions == nullptr
                             ? INT32_MAX
                             : p.call.query_positions[rows.row[i] / p.group];
    }
  }
  unsigned q[kDim / 16][4];
#pragma unroll
  for (int k = 0; k < kDim / 16; ++k) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const std::int64_t e = 16 * k + lane % 4 * 2 + j / 2 * 8;
      q[k][j] = pack<kHalf>(query_value(p, kv_head, rows.row[j % 2], e),
                            query_value(p, kv_head, rows.row[j % 2], e + 1));
    }
  }
  // Columns past head_dim take part in the products.
  for (int i = static_cast<int>(threadIdx.x); i < kStages * kKeys * kDim;
       i += static_cast<int>(blockDim.x)) {
    const int column = i % kDim;
    if (column >= arena.head_dim) {
      stages[i / kDim / kKeys].keys[i / kDim % kKeys][column] = 0;
      stages[i / kDim / kKeys].values[i / kDim % kKeys][column] = 0;
    }
  }
  // The latest query of the block decides which tiles can be left out.
  std::int32_t latest = INT32_MAX;
  if (p.call.query_positions != nullptr) {
    latest = -1;
    const std::int64_t from = tile * kWarps * 16 / p.group;
    for (std::int64_t r = from; r * p.group < (tile + 1) * kWarps * 16 && r * p.group < p.n_rows;
         ++r) {
      latest = p.call.query_positions[r] > latest ? p.call.query_positions[r] : latest;
    }
  }
  const auto position_of = [&](std::int64_t key) {
    if (key >= end) return -1;
    return p.call.key_positions == nullptr ? 0 : p.call.key_positions[key];
  };
  const auto next_visible = [&](std::int64_t at) {
    for (; at < end; at += kKeys) {
      bool any = false;
      for (int i = static_cast<int>(threadIdx.x); i < kKeys; i += static_cast<int>(blockDim.x)) {
        any = any || is_visible(position_of(at + i), latest);
      }
      if (__syncthreads_or(any ? 1 : 0) != 0) break;
    }
    return at;
  };
  const auto load = [&](std::int64_t at, Tile& stage) {
    for (int i = static_cast<int>(threadIdx.x); i < kKeys; i += static_cast<int>(blockDim.x)) {
      stage.positions[i] = position_of(at + i);
      stage.biases[i] =
          p.call.key_biases == nullptr || at + i >= end ? 0.0F : p.call.key_biases[at + i] * kLog2E;
    }
    const std::int64_t head_row = kv_head * arena.capacity;
    load_tile<kHalf, kDim, kKeys>(arena.keys, arena.key_scales, arena, head_row, at, end,
                                  stage.keys);
    load_tile<kHalf, kDim, kKeys>(arena.values, arena.value_scales, arena, head_row, at, end,
                                  stage.values);
    commit_copies();
  };

  Running<kDim> running = {};
  running.largest[0] = running.largest[1] = kNegativeInfinity;
  std::int64_t at = next_visible(begin);
  int current = 0;
  if (at < end) load(at, stages[0]);
  while (at < end) {
    std::int64_t next = next_visible(at + kKeys);
    if (kStages > 1 && next < end) {
      load(next, stages[1 - current]);
      wait_for_copies<1>();
    } else {
      wait_for_copies<0>();
    }
    __syncthreads();
    attend_tile<kHalf, kDim, kKeys>(stages[current], rows, p.scale, q, running);
    __syncthreads();
    if (kStages > 1) {
      current = 1 - current;
    } else if (next < end) {
      load(next, stages[0]);
    }
    at = next;
  }
  write_rows<kDim>(p, kv_head, blockIdx.z, rows, running);
}

/// One warp per row of a KV head: the splits' results by their shares.
__global__ void merge_kernel(Problem p, std::int64_t padded) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t row = std::int64_t{blockIdx.x} * 4 + threadIdx.x / kWarp;
  const std::int64_t kv_head = blockIdx.y;
  if (row >= p.n_rows) return;
  const std::int64_t step = p.call.arena.n_kv_heads * p.n_rows * (padded + 2);
  const float* first = p.partials + (kv_head * p.n_rows + row) * (padded + 2);
  float largest = kNegativeInfinity;
  for (std::int64_t s = 0; s < p.n_splits; ++s) {
    const float m = first[s * step + padded];
    largest = m > largest ? m : largest;
  }
  const float shift = largest == kNegativeInfinity ? 0.0F : largest;
  float total = 0.0F;
  for (std::int64_t s = 0; s < p.n_splits; ++s) {
    total += exp2f(first[s * step + padded] - shift) * first[s * step + padded + 1];
  }
  const float share = total > 0.0F ? 1.0F / total : 0.0F;
  const std::int64_t head = kv_head * p.group + row % p.group;
  const std::int64_t head_dim = p.call.arena.head_dim;
  for (std::int64_t e = lane; e < head_dim; e += kWarp) {
    float sum = 0.0F;
    for (std::int64_t s = 0; s < p.n_splits; ++s) {
      sum += exp2f(first[s * step + padded] - shift) * first[s * step + e];
    }
    store_one(p.call.y.data, p.call.y.dtype,
              row / p.group * p.call.y.row_stride + head * head_dim + e, sum * share);
  }
}

/// Block per query and head: the largest score, the sum, then every key's share.
__global__ void mass_kernel(AttentionMassCall call, std::int64_t group, float scale) {
  __shared__ float scratch[kWarp];
  const Arena& arena = call.arena;
  const std::int64_t head = blockIdx.y;
  const std::int64_t kv_row = head / group * arena.capacity;
  const float* q = static_cast<const float*>(call.q.data) + blockIdx.x * call.q.row_stride +
                   head * arena.head_dim;
  const std::int32_t own = call.query_positions[blockIdx.x];
  const auto score = [&](std::int64_t key) {
    if (!is_visible(call.key_positions[key], own)) return kNegativeInfinity;
    float sum = 0.0F;
    for (std::int64_t e = 0; e < arena.head_dim; ++e) {
      sum = fmaf(q[e], arena_value(arena.keys, arena.key_scales, arena, kv_row + key, e), sum);
    }
    return sum * scale;
  };
  float largest = kNegativeInfinity;
  for (std::int64_t k = threadIdx.x; k < call.n_keys; k += blockDim.x) {
    const float s = score(k);
    largest = s > largest ? s : largest;
  }
  largest = warp_max(largest);
  if (threadIdx.x % kWarp == 0) scratch[threadIdx.x / kWarp] = largest;
  __syncthreads();
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  largest =
      warp_max(lane < static_cast<int>(blockDim.x) / kWarp ? scratch[lane] : kNegativeInfinity);
  const float shift = largest == kNegativeInfinity ? 0.0F : largest;
  float sum = 0.0F;
  for (std::int64_t k = threadIdx.x; k < call.n_keys; k += blockDim.x) {
    sum += exp2f(score(k) - shift);
  }
  const float total = block_sum(sum, scratch);
  if (!(total > 0.0F)) return;
  for (std::int64_t k = threadIdx.x; k < call.n_keys; k += blockDim.x) {
    const float share = exp2f(score(k) - shift) / total;
    if (share > 0.0F) atomicAdd(&call.mass[k], share);
  }
}

int padded_dim(std::int64_t head_dim) {
  return head_dim <= 64 ? 64 : (head_dim <= 128 ? 128 : 256);
}

float softmax_scale(std::int64_t head_dim) {
  return kLog2E / std::sqrt(static_cast<float>(head_dim));
}

Problem problem_of(const Context& context, const AttentionCall& call) {
  Problem p = {};
  p.call = call;
  p.group = call.q.cols / (call.arena.n_kv_heads * call.arena.head_dim);
  p.n_rows = call.q.rows * p.group;
  p.scale = softmax_scale(call.arena.head_dim);
  // About four blocks per processor; a split of fewer than 256 keys would be mostly overhead.
  const std::int64_t tile_rows = p.n_rows <= 16 ? 16 : 64;
  const std::int64_t n_blocks = (p.n_rows + tile_rows - 1) / tile_rows * call.arena.n_kv_heads;
  const std::int64_t wanted = (4 * std::int64_t{context.n_processors} + n_blocks - 1) / n_blocks;
  const std::int64_t useful = (call.most_keys + 255) / 256;
  p.n_splits = wanted < useful ? wanted : useful;
  if (p.n_splits > kMostSplits) p.n_splits = kMostSplits;
  if (p.n_splits < 1) p.n_splits = 1;
  return p;
}

template <Half kHalf, int kDim, int kKeys, int kWarps, int kStages>
void start(Context& context, const Problem& p) {
  const auto kernel = attention_kernel<kHalf, kDim, kKeys, kWarps, kStages>;
  const std::size_t shared = kStages * sizeof(Stage<kDim, kKeys>);
  if (shared > 48 * 1024) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(shared)),
          "attention");
  }
  const dim3 grid(blocks_for(p.n_rows, kWarps * 16), static_cast<unsigned>(p.call.arena.n_kv_heads),
                  static_cast<unsigned>(p.n_splits));
  launch(context, "attention", kernel, grid, kWarps * kWarp, shared, p);
}

template <Half kHalf, int kDim, int kKeys>
void start_for_rows(Context& context, const Problem& p) {
  constexpr std::size_t kTwoStages = 2 * sizeof(Stage<kDim, kKeys>);
  // Turing has no room for two stages: sixteen rows a block there, whatever their number.
  if (p.n_rows <= 16 || static_cast<std::size_t>(context.most_shared_bytes) < kTwoStages) {
    start<kHalf, kDim, kKeys, 1, 1>(context, p);
  } else {
    start<kHalf, kDim, kKeys, 4, 2>(context, p);
  }
}

template <Half kHalf>
void start_for_dim(Context& context, const Problem& p) {
  switch (padded_dim(p.call.arena.head_dim)) {
    case 64:
      return start_for_rows<kHalf, 64, 64>(context, p);
    case 128:
      return start_for_rows<kHalf, 128, 64>(context, p);
    default:
      return start_for_rows<kHalf, 256, 32>(context, p);
  }
}

}  // namespace

std::int64_t attention_scratch(const Context& context, const AttentionCall& call) {
  const Problem p = problem_of(context, call);
  if (p.n_splits == 1) return 0;
  return p.n_splits * call.arena.n_kv_heads * p.n_rows * (padded_dim(call.arena.head_dim) + 2) * 4;
}

void attention(Context& context, const AttentionCall& call) {
  const Arena& arena = call.arena;
  require(arena.head_dim > 0 && arena.head_dim % 8 == 0 && arena.head_dim <= 256,
          "attention: heads must have a multiple of 8 elements, at most 256");
  require(arena.n_kv_heads > 0 && call.q.cols % (arena.n_kv_heads * arena.head_dim) == 0,
          "attention: heads");
  require(call.y.rows == call.q.rows && call.y.cols == call.q.cols, "attention: shapes");
  require(call.most_keys <= arena.capacity, "attention: keys");
  if (call.q.rows == 0) return;
  Problem p = problem_of(context, call);
  if (p.n_splits > 1) {
    p.partials = static_cast<float*>(context.scratch(attention_scratch(context, call)));
  }
  if (call.half == DType::kBF16) {
    start_for_dim<Half::kBF16>(context, p);
  } else {
    start_for_dim<Half::kF16>(context, p);
  }
  if (p.n_splits > 1) {
    launch(context, "attention_merge", merge_kernel,
           dim3(blocks_for(p.n_rows, 4), static_cast<unsigned>(arena.n_kv_heads)), 128, 0, p,
           std::int64_t{padded_dim(arena.head_dim)});
  }
}

void attention_mass(Context& context, const AttentionMassCall& call) {
  require(call.q.dtype == DType::kF32, "attention_mass: type");
  const std::int64_t n_heads = call.q.cols / call.arena.head_dim;
  launch(context, "attention_mass", mass_kernel,
         dim3(blocks_for(call.q.rows, 1), static_cast<unsigned>(n_heads)), 128, 0, call,
         n_heads / call.arena.n_kv_heads, softmax_scale(call.arena.head_dim));
}

}  // namespace kvlink::cuda
