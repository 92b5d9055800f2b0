// SPDX-License-Identifier: Apache-2.0
// The inner loops of int8 products, once per instruction set: simd/int_*.h is compiled six times
// behind this table.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/cpu_backend.h"

namespace kvlink::kernels {

/// Rows of activations as int8: in each row n_groups * 32 bytes, then one f32 scale per group, then
/// the sums of whole groups or of their halves: what weights with a minimum multiply it with (f32,
/// scaled), or the negative sum times `zero` (int32), where the sums of products begin.
struct QuantizedRows {
  std::byte* rows = nullptr;
  std::int64_t stride = 0;     ///< bytes
  std::int64_t scales_at = 0;  ///< bytes into a row
  std::int64_t sums_at = 0;
};

/// Where things lie in rows of so many groups; an odd number of cache lines, so that rows do not
/// meet in the same sets of the cache.
constexpr QuantizedRows quantized_layout(std::int64_t n_groups, std::int32_t n_halves) {
  constexpr std::int64_t kLine = 64;
  QuantizedRows to;
  to.scales_at = n_groups * 32;
  to.sums_at = to.scales_at + n_groups * 4;
  const std::int64_t n_lines = (to.sums_at + n_groups * n_halves * 4 + kLine - 1) / kLine;
  to.stride = (n_lines | 1) * kLine;
  return to;
}

struct QuantizeCall {
  const float* x;
  std::int64_t n_groups;
  std::int32_t n_halves, zero;
  bool has_minimum;
  QuantizedRows to;
  std::int64_t row;
  float* rest;  ///< null, or [n_groups * 32]: receives x minus what was kept of it
};

/// y[m, n_outputs] = (or +=) quantised rows times one panel of packed weights.
struct IntDotCall {
  QuantizedRows x;
  std::int64_t m, n_groups;
  std::int32_t bits, n_halves;
  bool has_minimum;
  const std::byte* panel;
  std::int64_t record_bytes;    ///< of one group
  std::int64_t n_blocks;        ///< sixteen outputs each
  std::int64_t n_outputs;       ///< the last block may have fewer
  std::int64_t prefetch_bytes;  ///< how far ahead to ask for codes
  float* y;
  std::int64_t y_stride;
  bool accumulate;
};

struct IntTable {
  void (*quantize)(const QuantizeCall& call);
  void (*int_dot)(const IntDotCall& call);
  std::int64_t (*peak_int8)(std::int64_t n, std::int32_t* sink);  ///< simd/int_peak.h
};

/// The table of exactly this set.
const IntTable& int_table(Isa isa);

}  // namespace kvlink::kernels
