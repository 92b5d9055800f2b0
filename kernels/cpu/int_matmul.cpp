// SPDX-License-Identifier: Apache-2.0
// Panels of outputs are split over tasks, for many rows also the rows; groups of inputs are summed
// in order, so that a row's result depends on nothing but the row and the weights.
#include <algorithm>

#include "kernels/base/result.h"
#include "kernels/cpu/int_table.h"
#include "kernels/cpu/row_tasks.h"
#include "kernels/packed_weights.h"

namespace kvlink::kernels {
namespace {

constexpr std::int64_t kBlockOutputs = 16;  ///< as in simd/int_dot.h
/// Rows of a task: their int8 form stays in the second-level cache. A multiple of every tile.
constexpr std::int64_t kTaskRows = 96;
/// Weights of a task of few rows: enough to pay for taking it, little enough to balance.
constexpr std::int64_t kTaskBytes = 65536;
constexpr std::int64_t kPrefetchBytes = 2048;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Activations as int8 in the backend's memory: once, or as a sum of two.
struct Activations {
  QuantizedRows first;
  QuantizedRows rest;  ///< null rows: none
};

Activations quantize(CpuBackend& backend, const IntTable& table, View<const float> x,
                     const PackedFormat& format, Rounding rounding) {
  const std::int64_t n_groups = x.cols / PackedWeights::kGroup;
  Activations a{.first = quantized_layout(n_groups, format.n_halves), .rest = {}};
  a.rest = a.first;
  const bool twice = rounding == Rounding::kTwice;
  ThreadPool& pool = backend.pool();
  pool.reserve_shared_scratch(x.rows * a.first.stride / 4 * (twice ? 2 : 1));
  if (twice) pool.reserve_scratch(x.cols);
  a.first.rows = reinterpret_cast<std::byte*>(pool.shared_scratch());
  if (twice) a.rest.rows = a.first.rows + x.rows * a.first.stride;
  for_each_row(backend, x.rows, x.cols, [&](std::int64_t r, int worker) {
    QuantizeCall call{.x = x.row(r),
                      .n_groups = n_groups,
                      .n_halves = format.n_halves,
                      .zero = format.zero,
                      .has_minimum = format.has_minimum,
                      .to = a.first,
                      .row = r,
                      .rest = twice ? pool.scratch(worker) : nullptr};
    table.quantize(call);
    if (!twice) return;
    call.x = call.rest;
    call.to = a.rest;
    call.rest = nullptr;
    table.quantize(call);
  });
  return a;
}

/// Rows [row, row + m) of the panel's outputs.
struct PanelProduct {
  const IntTable& table;
  const PackedWeights& w;
  Activations x;
  bool accumulate;

  void multiply(const PackedWeights::Panel& panel, View<float> y, std::int64_t row,
                std::int64_t m) const {
    const PackedFormat& format = w.format();
    IntDotCall call{.x = x.first,
                    .m = m,
                    .n_groups = w.n_inputs() / PackedWeights::kGroup,
                    .bits = format.bits,
                    .n_halves = format.n_halves,
                    .has_minimum = format.has_minimum,
                    .panel = panel.bytes,
                    .record_bytes = PackedWeights::record_bytes(format, panel.n_outputs),
                    .n_blocks = divide_up(panel.n_outputs, kBlockOutputs),
                    .n_outputs = panel.n_outputs,
                    .prefetch_bytes = kPrefetchBytes,
                    .y = y.row(row) + panel.first,
                    .y_stride = y.row_stride,
                    .accumulate = accumulate};
    call.x.rows += row * call.x.stride;
    if (x.rest.rows != nullptr && m == 1 && !accumulate &&
        x.rest.rows == x.first.rows + call.x.stride) {
      return multiply_pair(call);
    }
    table.int_dot(call);
    if (x.rest.rows == nullptr) return;
    call.x.rows = x.rest.rows + row * call.x.stride;
    call.accumulate = true;
    table.int_dot(call);
  }

  /// One row and its rest, which lies behind it: the weights are read once for both.
  void multiply_pair(IntDotCall call) const {
    float sums[2 * PackedWeights::kPanelOutputs];
    float* y = call.y;
    call.m = 2;
    call.y = sums;
    call.y_stride = PackedWeights::kPanelOutputs;
    table.int_dot(call);
    for (std::int64_t i = 0; i < call.n_outputs; ++i) {
      y[i] = sums[i] + sums[PackedWeights::kPanelOutputs + i];
    }
  }
};

}  // namespace

void matmul(CpuBackend& backend, View<const float> x, const PackedWeights& w,
            std::span<const View<float>> ys, Accumulate accumulate, Rounding rounding) {
  KVLINK_CHECK(x.cols == w.n_inputs() && ys.size() == w.outputs().size());
  for (std::size_t i = 0; i < ys.size(); ++i) {
    KVLINK_CHECK(ys[i].rows == x.rows && ys[i].cols == w.outputs()[i]);
  }
  if (x.rows == 0) return;
  const IntTable& table = int_table(backend.isa());
  const PanelProduct product{.table = table,
                             .w = w,
                             .x = quantize(backend, table, x, w.format(), rounding),
                             .accumulate = accumulate == Accumulate::kYes};
  const auto panels = w.panels();
  const std::int64_t n_panels = std::ssize(panels);
  const std::int64_t panel_bytes =
      w.n_inputs() / PackedWeights::kGroup *
      PackedWeights::record_bytes(w.format(), PackedWeights::kPanelOutputs);
  const std::int64_t step = std::max<std::int64_t>(1, kTaskBytes / panel_bytes / x.rows);
  const std::int64_t n_row_parts = divide_up(x.rows, kTaskRows);
  backend.pool().parallel_for(divide_up(n_panels, step) * n_row_parts, [&](std::int64_t task, int) {
    const std::int64_t row = task % n_row_parts * kTaskRows;
    const std::int64_t first = task / n_row_parts * step;
    for (std::int64_t p = first; p < std::min(n_panels, first + step); ++p) {
      const PackedWeights::Panel& panel = panels[static_cast<std::size_t>(p)];
      product.multiply(panel, ys[static_cast<std::size_t>(panel.map)], row,
                       std::min(kTaskRows, x.rows - row));
    }
  });
}

}  // namespace kvlink::kernels
