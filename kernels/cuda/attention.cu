// SPDX-License-Identifier: Apache-2.0
// Attention over the arena with online softmax (Dao 2022, algorithm 1), 16-bit products, f32 sums:
// one kernel for prefill, 16 to 64 rows and decoding.
//
// A block has 16 rows per warp and goes through the keys 64 (32) at a time. Few rows leave the
// device idle, so keys are then split over blocks whose partial results are merged
// (attention_merge.cu).
#include "kernels/cuda/attention_tile.h"

namespace kvlink::cuda {
namespace {

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
    float* partial = p.partials + ((split * p.call.arena.n_kv_heads + kv_head) * p.n_rows + row) *
                                      (kDim + kPartialTail);
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
      q[k][j] = pack_halves<kHalf>(query_value(p, kv_head, rows.row[j % 2], e),
                                   query_value(p, kv_head, rows.row[j % 2], e + 1));
    }
  }
  if (arena.head_dim < kDim) clear_columns(stages, kStages, static_cast<int>(arena.head_dim));
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
  // Where the next tile's keys stand is read a tile ahead: nobody waits for it in between.
  constexpr int kThreads = kWarps * kWarp;
  constexpr int kOwnKeys = (kKeys + kThreads - 1) / kThreads;
  const auto own_key = [](int i) { return static_cast<int>(threadIdx.x) + i * kThreads; };
  struct Standing {
    std::int32_t position[kOwnKeys];
    float bias[kOwnKeys];
  } ahead, found;
  const auto read_ahead = [&](std::int64_t at) {
#pragma unroll
    for (int i = 0; i < kOwnKeys; ++i) {
      const std::int64_t key = at + own_key(i);
      ahead.position[i] = -1;
      ahead.bias[i] = 0.0F;
      if (own_key(i) >= kKeys || key >= end) continue;
      ahead.position[i] = p.call.key_positions == nullptr ? 0 : p.call.key_positions[key];
      if (p.call.key_biases != nullptr) ahead.bias[i] = p.call.key_biases[key] * kLog2E;
    }
  };
  // The first tile from `at` on, whose keys' standing is in `ahead`, that has something to see.
  const auto next_visible = [&](std::int64_t at) {
    for (; at < end; at += kKeys) {
      found = ahead;
      read_ahead(at + kKeys);
      bool any = false;
#pragma unroll
      for (int i = 0; i < kOwnKeys; ++i) any = any || is_visible(found.position[i], latest);
      if (__syncthreads_or(any ? 1 : 0) != 0) break;
    }
    return at;
  };
  const auto load = [&](std::int64_t at, Tile& stage) {
    const std::int64_t head_row = kv_head * arena.capacity;
    load_tile<kHalf, kDim, kKeys, kThreads>(arena.keys, arena.key_scales, arena, head_row, at, end,
                                            stage.keys);
    load_tile<kHalf, kDim, kKeys, kThreads>(arena.values, arena.value_scales, arena, head_row, at,
                                            end, stage.values);
    commit_copies();
#pragma unroll
    for (int i = 0; i < kOwnKeys; ++i) {
      if (own_key(i) >= kKeys) continue;
      stage.positions[own_key(i)] = found.position[i];
      stage.biases[own_key(i)] = found.bias[i];
    }
  };

  Running<kDim> running = {};
  running.largest[0] = running.largest[1] = kNegativeInfinity;
  read_ahead(begin);
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
  return p.n_splits * call.arena.n_kv_heads * p.n_rows *
         (padded_dim(call.arena.head_dim) + kPartialTail) * 4;
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
  if (p.n_splits > 1) merge_splits(context, p);
}

}  // namespace kvlink::cuda
