// SPDX-License-Identifier: Apache-2.0
// Rows of w (columns of y) are split over tasks; sums run over k in order, in f32, so that the
// result does not depend on the number of threads.
#include "kernels/matmul.h"

#include <algorithm>

#include "kernels/base/result.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/row_tasks.h"
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

/// Panels in f32, whatever the weights are stored in.
class FloatPanels {
 public:
  using Element = float;
  static constexpr std::int64_t kInputs = 1;  ///< of an element

  explicit FloatPanels(const Product& p) : p_(p) {}
  void pack(std::int64_t column, std::int64_t k_begin, std::int64_t k, Element* panel) const {
    p_.table.pack_panel(p_.w.dtype, p_.w.row(column), row_bytes(p_.w.dtype, p_.w.cols),
                        std::min(p_.table.panel_width, p_.w.rows - column), k_begin, k, panel);
  }
  void multiply(std::int64_t row, std::int64_t m, std::int64_t k_begin, std::int64_t k,
                const Element* panel, float* c, std::int64_t c_stride, bool add) const {
    const std::int64_t width = p_.table.panel_width;
    p_.table.gemm(
        {m, width, k, p_.x.row(row) + k_begin, p_.x.row_stride, panel, width, c, c_stride, add});
  }

 private:
  const Product& p_;
};

/// Panels of bf16 pairs, of weights that are bf16; activations are rounded to it.
class PairPanels {
 public:
  using Element = std::uint32_t;
  static constexpr std::int64_t kInputs = 2;

  PairPanels(CpuBackend& backend, const Product& p) : p_(p), table_(bf16_table(backend.isa())) {
    // An odd number of cache lines, so that rows do not meet in the same sets of the cache.
    stride_ = (divide_up(p.x.cols, kLineInputs) | 1) * kLineInputs / kInputs;
    backend.pool().reserve_shared_scratch(p.x.rows * stride_);
    rows_ = reinterpret_cast<std::uint32_t*>(backend.pool().shared_scratch());
    for_each_row(backend, p.x.rows, p.x.cols, [&](std::int64_t r, int) {
      table_.round_row(p.x.row(r), p.x.cols, rows_ + r * stride_);
    });
  }
  void pack(std::int64_t column, std::int64_t k_begin, std::int64_t k, Element* panel) const {
    table_.pack_panel(p_.w.row(column), row_bytes(p_.w.dtype, p_.w.cols),
                      std::min(p_.table.panel_width, p_.w.rows - column), k_begin, k, panel);
  }
  void multiply(std::int64_t row, std::int64_t m, std::int64_t k_begin, std::int64_t k,
                const Element* panel, float* c, std::int64_t c_stride, bool add) const {
    const std::int64_t width = p_.table.panel_width;
    table_.gemm({m, width, divide_up(k, kInputs), rows_ + row * stride_ + k_begin / kInputs,
                 stride_, panel, width, c, c_stride, add});
  }

 private:
  static constexpr std::int64_t kLineInputs = 32;
  const Product& p_;
  const Bf16Table& table_;
  std::int64_t stride_ = 0;
  std::uint32_t* rows_ = nullptr;
};

/// Rows [row, row + n_rows) of the panel of columns that starts at `column`, for one slice of k.
template <typename Panels>
void multiply_panel(const Product& p, const Panels& panels, std::int64_t row, std::int64_t n_rows,
                    std::int64_t column, std::int64_t k_begin, std::int64_t k,
                    const typename Panels::Element* panel, float* edge) {
  const std::int64_t width = p.table.panel_width;
  const std::int64_t n_columns = std::min(width, p.w.rows - column);
  const bool add = p.accumulate || k_begin > 0;
  if (n_columns == width) {
    panels.multiply(row, n_rows, k_begin, k, panel, p.y.row(row) + column, p.y.row_stride, add);
    return;
  }
  for (std::int64_t r = 0; r < n_rows; r += kEdgeRows) {
    const std::int64_t m = std::min(kEdgeRows, n_rows - r);
    panels.multiply(row + r, m, k_begin, k, panel, edge, width, false);
    for (std::int64_t i = 0; i < m; ++i) {
      float* y = p.y.row(row + r + i) + column;
      for (std::int64_t j = 0; j < n_columns; ++j) {
        y[j] = add ? y[j] + edge[i * width + j] : edge[i * width + j];
      }
    }
  }
}

template <typename Panels>
void multiply_packed(CpuBackend& backend, const Product& p, const Panels& panels) {
  using Element = typename Panels::Element;
  const std::int64_t width = p.table.panel_width;
  const std::int64_t depth = std::min(kPanelInputs, p.w.cols);
  const std::int64_t n_elements = divide_up(depth, Panels::kInputs) * width;
  const std::int64_t n_panels = divide_up(p.w.rows, width);
  // Narrow matrices are cut by rows as well, in multiples of every tile height.
  const std::int64_t wanted = divide_up(std::int64_t{6} * backend.n_threads(), n_panels);
  const std::int64_t rows =
      std::max<std::int64_t>(divide_up(divide_up(p.x.rows, wanted), 24) * 24, 48);
  const std::int64_t n_groups = divide_up(p.x.rows, rows);
  ThreadPool& pool = backend.pool();
  pool.reserve_scratch(n_elements + kEdgeRows * width);
  pool.parallel_for(n_panels * n_groups, [&](std::int64_t task, int worker) {
    const std::int64_t column = task / n_groups * width;
    const std::int64_t row = task % n_groups * rows;
    auto* panel = reinterpret_cast<Element*>(pool.scratch(worker));
    for (std::int64_t k_begin = 0; k_begin < p.w.cols; k_begin += depth) {
      const std::int64_t k = std::min(depth, p.w.cols - k_begin);
      panels.pack(column, k_begin, k, panel);
      multiply_panel(p, panels, row, std::min(rows, p.x.rows - row), column, k_begin, k, panel,
                     pool.scratch(worker) + n_elements);
    }
  });
}

}  // namespace

void matmul(CpuBackend& backend, View<const float> x, WeightView w, View<float> y,
            Accumulate accumulate) {
  KVLINK_CHECK(x.cols == w.cols && y.cols == w.rows && x.rows == y.rows);
  KVLINK_CHECK(w.cols % block_elements(w.dtype) == 0 && w.cols > 0 && w.dtype != DType::kQ8Kv);
  const Product product{kernel_table(backend.isa()), x, w, y, accumulate == Accumulate::kYes};
  if (x.rows == 0) return;
  if (x.rows < kFewestPackedRows) {
    multiply_few_rows(backend, product);
  } else if (w.dtype == DType::kBF16 && backend.uses_bf16()) {
    multiply_packed(backend, product, PairPanels(backend, product));
  } else {
    multiply_packed(backend, product, FloatPanels(product));
  }
}

}  // namespace kvlink::kernels
