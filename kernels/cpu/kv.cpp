// SPDX-License-Identifier: Apache-2.0
// Tokens are split over tasks (columns, for the scales of quantised keys). Nothing is summed.
#include "kernels/kv.h"

#include <algorithm>

#include "kernels/base/result.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/rope_table.h"
#include "kernels/cpu/row_tasks.h"
#include "kernels/kv_arena.h"

namespace kvlink::kernels {
namespace {

/// Tokens of a task of kv_load: their angles stay in the first-level cache.
constexpr std::int64_t kLoadRows = RopeTable::kFreshEvery;
constexpr std::int64_t kTasksPerThread = 6;

/// A plane's bytes by meaning. Byte: std::byte, or const std::byte of a block that is only read.
template <typename Byte>
struct PlaneRows {
  using Scale = std::conditional_t<std::is_const_v<Byte>, const float, float>;
  Scale* scales = nullptr;  ///< kQ8Kv only
  Byte* rows = nullptr;
  std::int64_t row_bytes = 0;

  PlaneRows(std::span<Byte> plane, const KvLayout& layout, Plane which, std::int64_t n_tokens) {
    const std::int64_t dim = layout.kv_dim();
    rows = plane.data();
    row_bytes = kvlink::row_bytes(layout.dtype, dim);
    if (layout.dtype != DType::kQ8Kv) return;
    scales = reinterpret_cast<Scale*>(plane.data());
    rows += static_cast<std::int64_t>(sizeof(float)) * (which == Plane::kKeys ? dim : n_tokens);
  }
};

std::byte* arena_row(std::byte* base, const KvArenaView& arena, std::int64_t head,
                     std::int64_t row) {
  const std::int64_t element = (head * arena.capacity + row) * arena.head_dim;
  return base + row_bytes(arena.dtype, element);
}

void store_heads(const KernelTable& kernels, const float* values, std::byte* base,
                 const KvArenaView& arena, std::int64_t row) {
  float* scales = arena_scales(base, arena);
  for (std::int64_t head = 0; head < arena.n_kv_heads; ++head) {
    const float* x = values + head * arena.head_dim;
    std::byte* y = arena_row(base, arena, head, row);
    if (scales == nullptr) {
      kernels.store_row(arena.dtype, x, arena.head_dim, y);
      continue;
    }
    scales[head * arena.capacity + row] = kernels.store_q8_row(
        x, arena.head_dim, base == arena.keys, reinterpret_cast<std::int8_t*>(y));
  }
}

/// One token of a plane to f32.
void load_token(const KernelTable& kernels, const KvLayout& layout, Plane which,
                const PlaneRows<const std::byte>& plane, std::int64_t token, float* y) {
  const bool quantised = layout.dtype == DType::kQ8Kv;
  const bool by_token = quantised && which == Plane::kValues;
  kernels.load_kv_row(layout.dtype, plane.rows + token * plane.row_bytes,
                      quantised && !by_token ? plane.scales : nullptr,
                      by_token ? plane.scales[token] : 1.0F, layout.kv_dim(), y);
}

/// Tokens from `token` on, at most kLoadRows, of some layers of a block.
class LoadTask {
 public:
  /// Angles of one token while they are made, those of all tokens, and a row.
  static std::int64_t scratch_floats(const Rope& rope, const KvLayout& layout) {
    return RopeTable::scratch_floats(rope) + kLoadRows * 2 * rope.n_rotated() + layout.kv_dim();
  }

  LoadTask(const KernelTable& kernels, const KvBlock& block, const Rope& rope, std::int64_t token,
           float* scratch)
      : kernels_(kernels),
        block_(block),
        rope_(rope),
        begin_(token),
        end_(std::min(token + kLoadRows, block.n_tokens())),
        scratch_(scratch),
        factors_(scratch + RopeTable::scratch_floats(rope)),
        row_(factors_ + kLoadRows * 2 * rope.n_rotated()) {}

  void turn_to(const RopeSteps& steps, std::span<const std::int32_t> positions) {
    RopeTable table(kernels_, rope_, steps, scratch_);
    for (std::int64_t t = begin_; t < end_; ++t) {
      table.move_to(positions[static_cast<std::size_t>(t)]);
      std::copy_n(table.cosines(), 2 * rope_.n_rotated(), factors_of(t));  // sines lie behind
    }
  }

  void run(std::int32_t layer, std::int64_t first_row, const KvArenaView& arena) const {
    const KvLayout& layout = block_.layout();
    const PlaneRows<const std::byte> keys(block_.plane(layer, Plane::kKeys), layout, Plane::kKeys,
                                          block_.n_tokens());
    const bool interleaved = rope_.pairing == RopePairing::kInterleaved;
    for (std::int64_t t = begin_; t < end_; ++t) {
      load_token(kernels_, layout, Plane::kKeys, keys, t, row_);
      kernels_.rotate(row_, arena.n_kv_heads, arena.head_dim, rope_.n_rotated(), interleaved,
                      factors_of(t), factors_of(t) + rope_.n_rotated());
      store_heads(kernels_, row_, arena.keys, arena, first_row + t);
    }
    const PlaneRows<const std::byte> values(block_.plane(layer, Plane::kValues), layout,
                                            Plane::kValues, block_.n_tokens());
    for (std::int64_t t = begin_; t < end_; ++t) {
      if (layout.dtype == arena.dtype) {
        copy_heads(values, t, arena, first_row + t);
      } else {
        load_token(kernels_, layout, Plane::kValues, values, t, row_);
        store_heads(kernels_, row_, arena.values, arena, first_row + t);
      }
    }
  }

 private:
  float* factors_of(std::int64_t token) const {
    return factors_ + (token - begin_) * 2 * rope_.n_rotated();
  }
  /// Values of one type are not rounded again: the heads of a kQ8Kv row share its scale.
  static void copy_heads(const PlaneRows<const std::byte>& values, std::int64_t token,
                         const KvArenaView& arena, std::int64_t row) {
    const std::byte* from = values.rows + token * values.row_bytes;
    const std::int64_t bytes = row_bytes(arena.dtype, arena.head_dim);
    float* scales = arena_scales(arena.values, arena);
    for (std::int64_t head = 0; head < arena.n_kv_heads; ++head) {
      std::copy_n(from + head * bytes, bytes, arena_row(arena.values, arena, head, row));
      if (scales != nullptr) scales[head * arena.capacity + row] = values.scales[token];
    }
  }

  const KernelTable& kernels_;
  const KvBlock& block_;
  const Rope& rope_;
  std::int64_t begin_, end_;
  float* scratch_;
  float* factors_;
  float* row_;
};

void check_arena(const KvArenaView& arena) {
  KVLINK_CHECK(is_arena_dtype(arena.dtype));
  KVLINK_CHECK(arena.head_dim > 0 && arena.head_dim <= 256);
}

void quantize_keys(CpuBackend& backend, const KernelTable& kernels, View<const float> k,
                   const PlaneRows<std::byte>& plane) {
  constexpr std::int64_t kColumns = 64;
  backend.pool().parallel_for((k.cols + kColumns - 1) / kColumns, [&](std::int64_t task, int) {
    const std::int64_t column = task * kColumns;
    const std::int64_t n = std::min(kColumns, k.cols - column);
    float* scales = plane.scales + column;
    std::fill(scales, scales + n, 0.0F);
    for (std::int64_t t = 0; t < k.rows; ++t) {
      kernels.max_abs_columns(k.row(t) + column, n, scales);
    }
    for (std::int64_t i = 0; i < n; ++i) scales[i] /= 127.0F;
    for (std::int64_t t = 0; t < k.rows; ++t) {
      auto* row = reinterpret_cast<std::int8_t*>(plane.rows + t * plane.row_bytes);
      kernels.quantize_q8(k.row(t) + column, scales, 0.0F, n, row + column);
    }
  });
}

void store_plane(CpuBackend& backend, View<const float> x, std::int32_t layer, Plane which,
                 KvBlock& block) {
  const KernelTable& kernels = kernel_table(backend.isa());
  const KvLayout& layout = block.layout();
  const PlaneRows<std::byte> plane(block.plane(layer, which), layout, which, block.n_tokens());
  if (layout.dtype == DType::kQ8Kv && which == Plane::kKeys) {
    quantize_keys(backend, kernels, x, plane);
    return;
  }
  for_each_row(backend, x.rows, x.cols, [&](std::int64_t t, int) {
    std::byte* row = plane.rows + t * plane.row_bytes;
    if (layout.dtype != DType::kQ8Kv) {
      kernels.store_row(layout.dtype, x.row(t), x.cols, row);
      return;
    }
    const float scale = kernels.max_abs(x.row(t), x.cols) / 127.0F;
    plane.scales[t] = scale;
    kernels.quantize_q8(x.row(t), nullptr, scale, x.cols, reinterpret_cast<std::int8_t*>(row));
  });
}

}  // namespace

void kv_scatter(CpuBackend& backend, View<const float> k, View<const float> v,
                std::span<const std::int32_t> rows, KvArenaView arena) {
  check_arena(arena);
  KVLINK_CHECK(k.rows == v.rows && k.rows == static_cast<std::int64_t>(rows.size()));
  KVLINK_CHECK(k.cols == arena.n_kv_heads * arena.head_dim && v.cols == k.cols);
  for (const std::int32_t row : rows) KVLINK_CHECK(row >= 0 && row < arena.capacity);
  const KernelTable& kernels = kernel_table(backend.isa());
  for_each_row(backend, k.rows, k.cols, [&](std::int64_t r, int) {
    const std::int64_t row = rows[static_cast<std::size_t>(r)];
    store_heads(kernels, k.row(r), arena.keys, arena, row);
    store_heads(kernels, v.row(r), arena.values, arena, row);
  });
}

void kv_load(CpuBackend& backend, const KvBlock& block, std::int32_t first_layer, const Rope& rope,
             std::span<const std::int32_t> positions, std::int64_t first_row,
             std::span<const KvArenaView> arenas) {
  const KvLayout& layout = block.layout();
  KVLINK_CHECK(std::ssize(positions) == block.n_tokens());
  KVLINK_CHECK(first_layer >= 0 && first_layer + std::ssize(arenas) <= layout.n_layers);
  for (const KvArenaView& arena : arenas) {
    check_arena(arena);
    KVLINK_CHECK(layout.n_kv_heads == arena.n_kv_heads && layout.head_dim == arena.head_dim);
    KVLINK_CHECK(first_row >= 0 && first_row + block.n_tokens() <= arena.capacity);
  }
  KVLINK_CHECK(rope.n_rotated() <= layout.head_dim);
  const RopeSteps steps(rope);
  ThreadPool& pool = backend.pool();
  pool.reserve_scratch(LoadTask::scratch_floats(rope, layout));
  // Angles are shared by the layers of a task, so there are only as many tasks as threads need.
  const std::int64_t n_ranges = (block.n_tokens() + kLoadRows - 1) / kLoadRows;
  const std::int64_t wanted = (kTasksPerThread * backend.n_threads() + n_ranges - 1) / n_ranges;
  const std::int64_t n_parts = std::clamp<std::int64_t>(wanted, 1, std::ssize(arenas));
  pool.parallel_for(n_ranges * n_parts, [&](std::int64_t task, int worker) {
    const std::int64_t token = task / n_parts * kLoadRows;
    LoadTask load(kernel_table(backend.isa()), block, rope, token, pool.scratch(worker));
    load.turn_to(steps, positions);
    const std::int64_t part = task % n_parts;
    for (std::int64_t i = part * std::ssize(arenas) / n_parts;
         i < (part + 1) * std::ssize(arenas) / n_parts; ++i) {
      load.run(first_layer + static_cast<std::int32_t>(i), first_row,
               arenas[static_cast<std::size_t>(i)]);
    }
  });
}

void kv_read_keys(CpuBackend& backend, const KvArenaView& arena, std::int64_t head, View<float> y) {
  check_arena(arena);
  KVLINK_CHECK(head >= 0 && head < arena.n_kv_heads);
  KVLINK_CHECK(y.rows <= arena.capacity && y.cols == arena.head_dim);
  const KernelTable& kernels = kernel_table(backend.isa());
  const float* scales = arena_scales(arena.keys, arena);
  for_each_row(backend, y.rows, y.cols, [&](std::int64_t row, int) {
    const float scale = scales == nullptr ? 1.0F : scales[head * arena.capacity + row];
    kernels.load_kv_row(arena.dtype, arena_row(arena.keys, arena, head, row), nullptr, scale,
                        arena.head_dim, y.row(row));
    if (scales != nullptr) kernels.mix(y.row(row), arena.head_dim);
  });
}

void kv_store(CpuBackend& backend, View<const float> k, View<const float> v, std::int32_t layer,
              KvBlock& block) {
  const std::int64_t dim = block.layout().kv_dim();
  KVLINK_CHECK(k.rows == block.n_tokens() && v.rows == block.n_tokens());
  KVLINK_CHECK(k.cols == dim && v.cols == dim);
  store_plane(backend, k, layer, Plane::kKeys, block);
  store_plane(backend, v, layer, Plane::kValues, block);
}

void kv_dequantize(const KvBlock& block, std::int32_t layer, Plane plane, View<float> y) {
  const KvLayout& layout = block.layout();
  KVLINK_CHECK(y.rows == block.n_tokens() && y.cols == layout.kv_dim());
  const PlaneRows<const std::byte> source(block.plane(layer, plane), layout, plane, y.rows);
  const KernelTable& kernels = kernel_table(detect_isa());
  for (std::int64_t t = 0; t < y.rows; ++t) {
    load_token(kernels, layout, plane, source, t, y.row(t));
  }
}

}  // namespace kvlink::kernels
