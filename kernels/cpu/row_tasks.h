// SPDX-License-Identifier: Apache-2.0
// Splitting the rows of an op over the pool.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/thread_pool.h"

namespace kvlink::kernels {

/// Calls fn(begin, end, worker) for pieces of [0, n_rows) of about 16,384 elements, so that small
/// ops run in the calling thread and large ones balance.
template <typename F>
void for_each_rows(CpuBackend& backend, std::int64_t n_rows, std::int64_t n_columns, F&& fn) {
  constexpr std::int64_t kTaskElements = 16384;
  const std::int64_t step =
      std::max<std::int64_t>(1, kTaskElements / std::max<std::int64_t>(1, n_columns));
  backend.pool().parallel_for((n_rows + step - 1) / step, [&](std::int64_t task, int worker) {
    fn(task * step, std::min(n_rows, (task + 1) * step), worker);
  });
}

/// The same, row by row: fn(row, worker).
template <typename F>
void for_each_row(CpuBackend& backend, std::int64_t n_rows, std::int64_t n_columns, F&& fn) {
  for_each_rows(backend, n_rows, n_columns, [&](std::int64_t begin, std::int64_t end, int worker) {
    for (std::int64_t row = begin; row < end; ++row) fn(row, worker);
  });
}

}  // namespace kvlink::kernels
