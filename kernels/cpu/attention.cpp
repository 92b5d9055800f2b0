// SPDX-License-Identifier: Apache-2.0
// Tasks are (KV head, tile of queries, range of keys); ranges exist where the first two are few and
// the keys many, and depend on shapes alone, so that results do not depend on the thread count.
#include "kernels/attention.h"

#include <algorithm>
#include <limits>

#include "kernels/base/result.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/kv_arena.h"

namespace kvlink::kernels {
namespace {

constexpr std::int64_t kTileRows = 192;    ///< queries times heads of a group
constexpr std::int64_t kFewTasks = 24;     ///< below this, keys are split
constexpr std::int64_t kLeastKeys = 256;   ///< per split
constexpr std::int64_t kKeyMultiple = 64;  ///< of the key tile
/// Heads that few rows are computed for by themselves on the processors that have bf16.
constexpr std::int64_t kFewHeadMultiple = 64;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Attention over strided rows, before it is cut into tasks.
struct Problem {
  View<const float> q;
  View<float> y;
  std::int64_t n_kv_heads, group, head_dim;
  const std::byte* keys;
  const std::byte* values;
  DType dtype;
  std::int64_t head_bytes;  ///< from a KV head to the next
  std::int64_t kv_stride;   ///< elements from a key to the next
  std::int64_t n_keys;
  const std::int32_t* key_positions;
  const std::int32_t* query_positions;
  const float* key_biases;
  const float* key_scales = nullptr;  ///< [n_kv_heads, scale_stride]; null: 1
  const float* value_scales = nullptr;
  std::int64_t scale_stride = 0;
};

struct Cut {
  std::int64_t tile_queries, n_tiles, n_splits, split_keys, tasks_per_split;

  explicit Cut(const Problem& p) {
    tile_queries = std::max<std::int64_t>(1, kTileRows / p.group);
    n_tiles = divide_up(p.q.rows, tile_queries);
    tile_queries = divide_up(p.q.rows, n_tiles);
    tasks_per_split = p.n_kv_heads * n_tiles;
    const std::int64_t wanted = divide_up(kFewTasks, tasks_per_split);
    n_splits = std::clamp<std::int64_t>(p.n_keys / kLeastKeys, 1, wanted);
    split_keys = divide_up(divide_up(p.n_keys, n_splits), kKeyMultiple) * kKeyMultiple;
    n_splits = divide_up(p.n_keys, split_keys);
  }
};

AttentionCall call_for(const Problem& p, const Cut& cut, std::int64_t head, std::int64_t tile,
                       std::int64_t split) {
  const std::int64_t query = tile * cut.tile_queries;
  const auto scales_of = [&](const float* first) {
    return first == nullptr ? nullptr : first + head * p.scale_stride;
  };
  return {.q = p.q.row(query) + head * p.group * p.head_dim,
          .q_stride = p.q.row_stride,
          .n_queries = std::min(cut.tile_queries, p.q.rows - query),
          .group = p.group,
          .head_dim = p.head_dim,
          .keys = p.keys + head * p.head_bytes,
          .values = p.values + head * p.head_bytes,
          .dtype = p.dtype,
          .kv_stride = p.kv_stride,
          .key_begin = split * cut.split_keys,
          .key_end = std::min(p.n_keys, (split + 1) * cut.split_keys),
          .key_positions = p.key_positions,
          .query_positions = p.query_positions == nullptr ? nullptr : p.query_positions + query,
          .key_biases = p.key_biases,
          .key_scales = scales_of(p.key_scales),
          .value_scales = scales_of(p.value_scales),
          .partial = nullptr,
          .scratch = nullptr};
}

void merge(const Problem& p, const Cut& cut, const KernelTable& kernels, std::int64_t head,
           std::int64_t tile, const float* partials) {
  const std::int64_t query = tile * cut.tile_queries;
  kernels.attention_merge({.partials = partials,
                           .n_splits = cut.n_splits,
                           .n_queries = std::min(cut.tile_queries, p.q.rows - query),
                           .group = p.group,
                           .head_dim = p.head_dim,
                           .y = p.y.row(query) + head * p.group * p.head_dim,
                           .y_stride = p.y.row_stride});
}

void attend(CpuBackend& backend, const Problem& p) {
  const KernelTable& kernels = kernel_table(backend.isa());
  ThreadPool& pool = backend.pool();
  const Cut cut(p);
  const std::int64_t tile_rows = cut.tile_queries * p.group;
  const std::int64_t partial = kernels.attention_partial_floats(tile_rows, p.head_dim);
  const bool is_few = tile_rows <= kFewAttentionRows && p.head_dim % kFewHeadMultiple == 0;
  const bool by_pairs = backend.uses_bf16() && p.dtype != DType::kF32 && !is_few;
  const auto attention = by_pairs ? bf16_table(backend.isa()).attention : kernels.attention;
  const std::int64_t scratch =
      by_pairs ? bf16_table(backend.isa()).attention_scratch_floats(tile_rows, p.head_dim)
               : kernels.attention_scratch_floats(tile_rows, p.head_dim);
  pool.reserve_scratch(partial + scratch);
  const bool is_split = cut.n_splits > 1;
  if (is_split) pool.reserve_shared_scratch(cut.tasks_per_split * cut.n_splits * partial);
  // Tiles run from the last one, which sees the most keys, so that no long task is left at the end.
  pool.parallel_for(cut.tasks_per_split * cut.n_splits, [&](std::int64_t task, int worker) {
    const std::int64_t split = task % cut.n_splits;
    const std::int64_t head = task / cut.n_splits % p.n_kv_heads;
    const std::int64_t tile = cut.n_tiles - 1 - task / cut.n_splits / p.n_kv_heads;
    AttentionCall call = call_for(p, cut, head, tile, split);
    // Partial results of a tile lie one after the other, as the merge reads them: each of
    // them has the size of its own tile, which the last one may have smaller.
    const std::int64_t own = kernels.attention_partial_floats(call.n_queries * p.group, p.head_dim);
    call.scratch = pool.scratch(worker);
    call.partial = is_split
                       ? pool.shared_scratch() +
                             (tile * p.n_kv_heads + head) * cut.n_splits * partial + split * own
                       : call.scratch + scratch;
    attention(call);
    if (!is_split) merge(p, cut, kernels, head, tile, call.partial);
  });
  if (is_split) {
    pool.parallel_for(cut.tasks_per_split, [&](std::int64_t task, int) {
      const std::int64_t head = task % p.n_kv_heads;
      const std::int64_t tile = task / p.n_kv_heads;
      const float* partials = pool.shared_scratch() + task * cut.n_splits * partial;
      merge(p, cut, kernels, head, tile, partials);
    });
  }
}

/// Judged by positions alone: scores may be NaN when a model's weights are.
bool every_row_sees_a_key(std::span<const std::int32_t> key_positions,
                          std::span<const std::int32_t> query_positions) {
  std::uint32_t lowest = std::numeric_limits<std::uint32_t>::max();
  for (const std::int32_t position : key_positions) {
    lowest = std::min(lowest, static_cast<std::uint32_t>(position));  // hidden rows are huge
  }
  return std::all_of(query_positions.begin(), query_positions.end(), [&](std::int32_t position) {
    return position >= 0 && static_cast<std::uint32_t>(position) >= lowest;
  });
}

}  // namespace

void attention(CpuBackend& backend, View<const float> q, KvArenaView arena,
               std::span<const std::int32_t> key_positions,
               std::span<const std::int32_t> query_positions, View<float> y,
               std::span<const float> key_biases) {
  const auto n_keys = static_cast<std::int64_t>(key_positions.size());
  KVLINK_CHECK(is_arena_dtype(arena.dtype));
  KVLINK_CHECK(arena.head_dim > 0 && arena.head_dim % 8 == 0 && arena.head_dim <= 256);
  KVLINK_CHECK(q.cols % (arena.n_kv_heads * arena.head_dim) == 0);
  KVLINK_CHECK(y.rows == q.rows && y.cols == q.cols);
  KVLINK_CHECK(static_cast<std::int64_t>(query_positions.size()) == q.rows);
  KVLINK_CHECK(n_keys > 0 && n_keys <= arena.capacity);
  KVLINK_CHECK(key_biases.empty() || key_biases.size() == key_positions.size());
  KVLINK_CHECK(every_row_sees_a_key(key_positions, query_positions));
  if (q.rows == 0) return;
  attend(backend, {.q = q,
                   .y = y,
                   .n_kv_heads = arena.n_kv_heads,
                   .group = q.cols / (arena.n_kv_heads * arena.head_dim),
                   .head_dim = arena.head_dim,
                   .keys = arena.keys,
                   .values = arena.values,
                   .dtype = arena.dtype,
                   .head_bytes = row_bytes(arena.dtype, arena.capacity * arena.head_dim),
                   .kv_stride = arena.head_dim,
                   .n_keys = n_keys,
                   .key_positions = key_positions.data(),
                   .query_positions = query_positions.data(),
                   .key_biases = key_biases.empty() ? nullptr : key_biases.data(),
                   .key_scales = arena_scales(arena.keys, arena),
                   .value_scales = arena_scales(arena.values, arena),
                   .scale_stride = arena.capacity});
}

void attention_bidirectional(CpuBackend& backend, View<const float> q, View<const float> k,
                             View<const float> v, std::int64_t n_heads, View<float> y) {
  KVLINK_CHECK(n_heads > 0 && q.cols % n_heads == 0 && q.cols / n_heads <= 256);
  KVLINK_CHECK(k.cols == q.cols && v.cols == q.cols && y.cols == q.cols);
  KVLINK_CHECK(k.rows == v.rows && y.rows == q.rows && k.row_stride == v.row_stride);
  KVLINK_CHECK(k.rows > 0);
  if (q.rows == 0) return;
  const std::int64_t head_dim = q.cols / n_heads;
  attend(backend, {.q = q,
                   .y = y,
                   .n_kv_heads = n_heads,
                   .group = 1,
                   .head_dim = head_dim,
                   .keys = reinterpret_cast<const std::byte*>(k.data),
                   .values = reinterpret_cast<const std::byte*>(v.data),
                   .dtype = DType::kF32,
                   .head_bytes = row_bytes(DType::kF32, head_dim),
                   .kv_stride = k.row_stride,
                   .n_keys = k.rows,
                   .key_positions = nullptr,
                   .query_positions = nullptr,
                   .key_biases = nullptr});
}

}  // namespace kvlink::kernels
