// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise.h"

#include "kernels/base/result.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/row_tasks.h"

namespace kvlink::kernels {

void swiglu(CpuBackend& backend, View<const float> gate, View<const float> up, View<float> y) {
  KVLINK_CHECK(gate.rows == y.rows && gate.cols == y.cols);
  KVLINK_CHECK(up.rows == y.rows && up.cols == y.cols);
  const KernelTable& kernels = kernel_table(backend.isa());
  for_each_row(backend, y.rows, y.cols, [&](std::int64_t r, int) {
    kernels.swiglu(gate.row(r), up.row(r), y.cols, y.row(r));
  });
}

void add(CpuBackend& backend, View<float> x, View<const float> y) {
  KVLINK_CHECK(x.rows == y.rows && x.cols == y.cols);
  const KernelTable& kernels = kernel_table(backend.isa());
  for_each_row(backend, x.rows, x.cols,
               [&](std::int64_t r, int) { kernels.add(x.row(r), y.row(r), x.cols); });
}

void add_bias(CpuBackend& backend, View<float> x, const float* bias) {
  const KernelTable& kernels = kernel_table(backend.isa());
  for_each_row(backend, x.rows, x.cols,
               [&](std::int64_t r, int) { kernels.add(x.row(r), bias, x.cols); });
}

void gelu(CpuBackend& backend, View<float> x) {
  const KernelTable& kernels = kernel_table(backend.isa());
  for_each_row(backend, x.rows, x.cols,
               [&](std::int64_t r, int) { kernels.gelu(x.row(r), x.cols); });
}

}  // namespace kvlink::kernels
