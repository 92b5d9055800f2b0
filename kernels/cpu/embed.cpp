// SPDX-License-Identifier: Apache-2.0
#include "kernels/embed.h"

#include "kernels/base/result.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/row_tasks.h"

namespace kvlink::kernels {

void embed(CpuBackend& backend, WeightView table, std::span<const std::int32_t> ids,
           View<float> y) {
  KVLINK_CHECK(y.cols == table.cols && y.rows == static_cast<std::int64_t>(ids.size()));
  KVLINK_CHECK(table.cols % block_elements(table.dtype) == 0 && table.dtype != DType::kQ8Kv);
  for (const std::int32_t id : ids) KVLINK_CHECK(id >= 0 && id < table.rows);
  const KernelTable& kernels = kernel_table(backend.isa());
  for_each_row(backend, y.rows, y.cols, [&](std::int64_t r, int) {
    kernels.dequantize(table.dtype, table.row(ids[static_cast<std::size_t>(r)]), table.cols,
                       y.row(r));
  });
}

void dequantize_row(WeightView w, std::int64_t row, float* y) {
  KVLINK_CHECK(row >= 0 && row < w.rows && w.dtype != DType::kQ8Kv);
  KVLINK_CHECK(w.cols % block_elements(w.dtype) == 0);
  kernel_table(Isa::kScalar).dequantize(w.dtype, w.row(row), w.cols, y);
}

}  // namespace kvlink::kernels
