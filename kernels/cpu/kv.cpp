// SPDX-License-Identifier: Apache-2.0
// Tokens are split over tasks (columns, for the scales of quantised keys). Nothing is summed.
#include "kernels/kv.h"

#include <algorithm>

#include "kernels/base/result.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/rope_table.h"
#include "kernels/cpu/row_tasks.h"

namespace kvlink::kernels {
namespace {

constexpr std::int64_t kLoadRows = 2 * RopeTable::kFreshEvery;

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
  for (std::int64_t head = 0; head < arena.n_kv_heads; ++head) {
    kernels.store_row(arena.dtype, values + head * arena.head_dim, arena.head_dim,
                      arena_row(base, arena, head, row));
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

void check_arena(const KvArenaView& arena) {
  KVLINK_CHECK(arena.dtype == DType::kF32 || arena.dtype == DType::kF16);
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

void kv_load(CpuBackend& backend, const KvBlock& block, std::int32_t layer, const Rope& rope,
             std::span<const std::int32_t> positions, std::int64_t first_row, KvArenaView arena) {
  const KvLayout& layout = block.layout();
  const std::int64_t n = block.n_tokens();
  check_arena(arena);
  KVLINK_CHECK(layout.n_kv_heads == arena.n_kv_heads && layout.head_dim == arena.head_dim);
  KVLINK_CHECK(static_cast<std::int64_t>(positions.size()) == n);
  KVLINK_CHECK(first_row >= 0 && first_row + n <= arena.capacity);
  KVLINK_CHECK(rope.n_rotated() <= arena.head_dim);
  const KernelTable& kernels = kernel_table(backend.isa());
  const PlaneRows<const std::byte> keys(block.plane(layer, Plane::kKeys), layout, Plane::kKeys, n);
  const PlaneRows<const std::byte> values(block.plane(layer, Plane::kValues), layout,
                                          Plane::kValues, n);
  const bool interleaved = rope.pairing == RopePairing::kInterleaved;
  const RopeSteps steps(rope);
  ThreadPool& pool = backend.pool();
  pool.reserve_scratch(RopeTable::scratch_floats(rope) + layout.kv_dim());
  pool.parallel_for((n + kLoadRows - 1) / kLoadRows, [&](std::int64_t task, int worker) {
    RopeTable table(kernels, rope, steps, pool.scratch(worker));
    float* row = pool.scratch(worker) + RopeTable::scratch_floats(rope);
    for (std::int64_t t = task * kLoadRows; t < std::min(n, (task + 1) * kLoadRows); ++t) {
      table.move_to(positions[static_cast<std::size_t>(t)]);
      load_token(kernels, layout, Plane::kKeys, keys, t, row);
      kernels.rotate(row, arena.n_kv_heads, arena.head_dim, rope.n_rotated(), interleaved,
                     table.cosines(), table.sines());
      store_heads(kernels, row, arena.keys, arena, first_row + t);
      load_token(kernels, layout, Plane::kValues, values, t, row);
      store_heads(kernels, row, arena.values, arena, first_row + t);
    }
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
