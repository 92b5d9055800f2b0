// SPDX-License-Identifier: Apache-2.0
// Rows are split over tasks; sums are accumulated in f32, one lane per vector element.
#include "kernels/norm.h"

#include "kernels/base/result.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/row_tasks.h"

namespace kvlink::kernels {

void rms_norm(CpuBackend& backend, View<const float> x, const float* w, float eps, View<float> y) {
  KVLINK_CHECK(x.rows == y.rows && x.cols == y.cols && x.cols > 0);
  const KernelTable& kernels = kernel_table(backend.isa());
  for_each_row(backend, x.rows, x.cols,
               [&](std::int64_t r, int) { kernels.rms_norm(x.row(r), w, eps, x.cols, y.row(r)); });
}

void layer_norm(CpuBackend& backend, View<const float> x, const float* w, const float* b, float eps,
                View<float> y) {
  KVLINK_CHECK(x.rows == y.rows && x.cols == y.cols && x.cols > 0);
  const KernelTable& kernels = kernel_table(backend.isa());
  for_each_row(backend, x.rows, x.cols, [&](std::int64_t r, int) {
    kernels.layer_norm(x.row(r), w, b, eps, x.cols, y.row(r));
  });
}

}  // namespace kvlink::kernels
