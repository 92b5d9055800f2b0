// SPDX-License-Identifier: Apache-2.0
// Rows of w (columns of y) are split over tasks; sums run over k in order, in f32, so that the
// result does not depend on the number of threads.
#include "kernels/matmul.h"

#include <algorithm>

#include "kernels/base/result.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/thread_pool.h"

namespace kvlink::kernels {
namespace {

// From so many rows on, packing a panel costs less than dot products; DotCall takes fewer.
constexpr std::int64_t kFewestPackedRows = 7;
// A panel of this many inputs and its activations stay in the second-level cache.
constexpr std::int64_t kPanelInputs = 1024;
// Rows of y whose narrow last panel goes through scratch at a time.
constexpr std::int64_t kEdgeRows = 48;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

struct Product {
  const KernelTable& table;
  View<const float> x;
  WeightView w;
  View<float> y;
  bool accumulate;
};

void multiply_few_rows(CpuBackend& backend, const Product& p) {
  // About 64 kB of weights a task: enough to pay for taking it, little enough to balance.
  const std::int64_t bytes = row_bytes(p.w.dtype, p.w.cols);
  const std::int64_t rows =
      std::clamp<std::int64_t>(65536 / std::max<std::int64_t>(bytes, 1), 4, 1024) / 4 * 4;
  backend.pool().parallel_for(divide_up(p.w.rows, rows), [&](std::int64_t task, int) {
    const std::int64_t first = task * rows;
    p.table.dot_rows({.x = p.x.data,
                      .x_stride = p.x.row_stride,
                      .m = p.x.rows,
                      .dtype = p.w.dtype,
                      .w = p.w.row(first),
                      .w_row_bytes = bytes,
                      .n_rows = std::min(rows, p.w.rows - first),
                      .k = p.w.cols,
                      .y = p.y.data + first,
                      .y_stride = p.y.row_stride,
                      .accumulate = p.accumulate});
  });
}

/// Rows [row, row + n_rows) of the panel of columns that starts at `column`, for one slice of k.
void multiply_panel(const Product& p, std::int64_t row, std::int64_t n_rows, std::int64_t column,
                    std::int64_t k_begin, std::int64_t k, const float* panel, float* edge) {
  const std::int64_t width = p.table.panel_width;
  const std::int64_t n_columns = std::min(width, p.w.rows - column);
  const bool add = p.accumulate || k_begin > 0;
  const float* a = p.x.row(row) + k_begin;
  if (n_columns == width) {
    p.table.gemm({n_rows, width, k, a, p.x.row_stride, panel, width, p.y.row(row) + column,
                  p.y.row_stride, add});
    return;
  }
  for (std::int64_t r = 0; r < n_rows; r += kEdgeRows) {
    const std::int64_t m = std::min(kEdgeRows, n_rows - r);
    p.table.gemm(
        {m, width, k, a + r * p.x.row_stride, p.x.row_stride, panel, width, edge, width, false});
    for (std::int64_t i = 0; i < m; ++i) {
      float* y = p.y.row(row + r + i) + column;
      for (std::int64_t j = 0; j < n_columns; ++j) {
        y[j] = add ? y[j] + edge[i * width + j] : edge[i * width + j];
      }
    }
  }
}

void multiply_packed(CpuBackend& backend, const Product& p) {
  const std::int64_t width = p.table.panel_width;
  const std::int64_t depth = std::min(kPanelInputs, p.w.cols);
  const std::int64_t n_panels = divide_up(p.w.rows, width);
  // Narrow matrices are cut by rows as well, in multiples of every tile height.
  const std::int64_t wanted = divide_up(std::int64_t{6} * backend.n_threads(), n_panels);
  const std::int64_t rows =
      std::max<std::int64_t>(divide_up(divide_up(p.x.rows, wanted), 24) * 24, 48);
  const std::int64_t n_groups = divide_up(p.x.rows, rows);
  ThreadPool& pool = backend.pool();
  pool.reserve_scratch((depth + kEdgeRows) * width);
  pool.parallel_for(n_panels * n_groups, [&](std::int64_t task, int worker) {
    const std::int64_t column = task / n_groups * width;
    const std::int64_t row = task % n_groups * rows;
    float* panel = pool.scratch(worker);
    for (std::int64_t k_begin = 0; k_begin < p.w.cols; k_begin += depth) {
      const std::int64_t k = std::min(depth, p.w.cols - k_begin);
      p.table.pack_panel(p.w.dtype, p.w.row(column), row_bytes(p.w.dtype, p.w.cols),
                         std::min(width, p.w.rows - column), k_begin, k, panel);
      multiply_panel(p, row, std::min(rows, p.x.rows - row), column, k_begin, k, panel,
                     panel + depth * width);
    }
  });
}

}  // namespace

void matmul(CpuBackend& backend, View<const float> x, WeightView w, View<float> y,
            Accumulate accumulate) {
  KVLINK_CHECK(x.cols == w.cols && y.cols == w.rows && x.rows == y.rows);
  KVLINK_CHECK(w.cols % block_elements(w.dtype) == 0 && w.cols > 0 && w.dtype != DType::kQ8Kv);
  const Product product{kernel_table(backend.isa()), x, w, y, accumulate == Accumulate::kYes};
  if (x.rows < kFewestPackedRows) {
    if (x.rows > 0) multiply_few_rows(backend, product);
  } else {
    multiply_packed(backend, product);
  }
}

}  // namespace kvlink::kernels
