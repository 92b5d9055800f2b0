// SPDX-License-Identifier: Apache-2.0
// The inner loops, once per instruction set: simd/*.h is compiled three times behind this table.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/dtype.h"
#include "kernels/cpu/cpu_backend.h"

namespace kvlink::kernels {

/// c[m, n] = (or +=) a[m, k] * b[k, n], all f32; n a multiple of the vector width.
struct GemmCall {
  std::int64_t m, n, k;
  const float* a;
  std::int64_t a_stride;
  const float* b;
  std::int64_t b_stride;
  float* c;
  std::int64_t c_stride;
  bool accumulate;
};

/// y[m, n_rows] = (or +=) x[m, k] * w[n_rows, k]^T for 1 <= m <= 6; w dequantised in registers.
struct DotCall {
  const float* x;
  std::int64_t x_stride, m;
  DType dtype;
  const std::byte* w;
  std::int64_t w_row_bytes, n_rows, k;
  float* y;
  std::int64_t y_stride;
  bool accumulate;
};

/// Up to so many rows (queries times heads of a group) keys are multiplied as they lie, in f32.
inline constexpr std::int64_t kFewAttentionRows = 8;

/// One tile of queries, all heads of a group, against keys [key_begin, key_end) of one KV head.
/// Result unnormalised: sums [n_queries * group, padded head_dim], row_max and row_sum.
struct AttentionCall {
  const float* q;  ///< first head of the group in the first query row; mixed here for kQ8Kv
  std::int64_t q_stride, n_queries, group, head_dim;
  const std::byte* keys;
  const std::byte* values;
  DType dtype;             ///< kF32, kF16, kBF16 or kQ8Kv
  std::int64_t kv_stride;  ///< elements from a row to the next
  std::int64_t key_begin, key_end;
  const std::int32_t* key_positions;    ///< null: every key is visible to every query
  const std::int32_t* query_positions;  ///< null with key_positions
  const float* key_biases;              ///< null: 0
  const float* key_scales;              ///< of the KV head's rows; null: 1
  const float* value_scales;            ///< null with key_scales
  float* partial;                       ///< attention_partial_floats()
  float* scratch;                       ///< attention_scratch_floats()
};

/// Merges n_splits partial results of one tile and writes the normalised rows.
struct AttentionMergeCall {
  const float* partials;  ///< one after the other
  std::int64_t n_splits, n_queries, group, head_dim;
  float* y;  ///< as q of AttentionCall
  std::int64_t y_stride;
};

struct KernelTable {
  std::int64_t panel_width;  ///< output columns of a packed weight panel

  void (*gemm)(const GemmCall& call);
  void (*dot_rows)(const DotCall& call);
  /// k_begin.. k_begin + k of n_rows weight rows into panel[k, panel_width]; missing rows are zero.
  void (*pack_panel)(DType dtype, const std::byte* w, std::int64_t w_row_bytes, std::int64_t n_rows,
                     std::int64_t k_begin, std::int64_t k, float* panel);
  void (*dequantize)(DType dtype, const std::byte* row, std::int64_t n, float* y);
  /// Group `index` (32 elements) of a quantised row: scales[i / 16] * q[i] + offsets[i / 16]. The
  /// offsets are left alone where the type has none.
  void (*unpack_group)(DType dtype, const std::byte* row, std::int64_t index, std::int8_t* q,
                       float* scales, float* offsets);

  std::int64_t (*attention_partial_floats)(std::int64_t n_rows, std::int64_t head_dim);
  std::int64_t (*attention_scratch_floats)(std::int64_t n_rows, std::int64_t head_dim);
  void (*attention)(const AttentionCall& call);
  void (*attention_merge)(const AttentionMergeCall& call);

  void (*rms_norm)(const float* x, const float* w, float eps, std::int64_t n, float* y);
  void (*layer_norm)(const float* x, const float* w, const float* b, float eps, std::int64_t n,
                     float* y);
  void (*swiglu)(const float* gate, const float* up, std::int64_t n, float* y);
  void (*add)(float* x, const float* y, std::int64_t n);
  void (*gelu)(float* x, std::int64_t n);

  /// Turns n unit vectors (cosine, sine) by one step each.
  void (*turn)(const double* step_cosines, const double* step_sines, std::int64_t n,
               double* cosines, double* sines);
  /// Factors of 2 n elements of a head, as `rotate` reads them.
  void (*rotation_factors)(const double* cosines, const double* sines, double magnitude,
                           std::int64_t n, bool interleaved, float* factors_of_element,
                           float* factors_of_partner);
  /// y[e] = x[e] * cosines[e] + x[partner(e)] * sines[e] for every head; sines carry the sign.
  void (*rotate)(float* x, std::int64_t n_heads, std::int64_t head_dim, std::int64_t n_rotated,
                 bool interleaved, const float* cosines, const float* sines);

  /// A row of a KV plane to f32. kQ8Kv: scales per element, or null and one scale.
  void (*load_kv_row)(DType dtype, const std::byte* row, const float* scales, float scale,
                      std::int64_t n, float* y);
  /// f32 to kF32, kF16 or kBF16.
  void (*store_row)(DType dtype, const float* x, std::int64_t n, std::byte* row);
  /// maxima[i] = max(maxima[i], |x[i]|); NaN counts as 0, infinity as 3.4e38.
  void (*max_abs_columns)(const float* x, std::int64_t n, float* maxima);
  float (*max_abs)(const float* x, std::int64_t n);
  /// int8 of x[i] / scale, clamped to +-127; scales per element, or null and one scale.
  void (*quantize_q8)(const float* x, const float* scales, float scale, std::int64_t n,
                      std::int8_t* y);
  /// One head's row of a kQ8Kv arena, at most 256 elements; returns its scale. Keys are mixed.
  float (*store_q8_row)(const float* x, std::int64_t n, bool is_mixed, std::int8_t* y);
  /// The Hadamard transform of simd/mix.h, in place; its own inverse.
  void (*mix)(float* x, std::int64_t n);
  std::int64_t (*peak_f32)(std::int64_t n, float* sink);  ///< simd/peak.h
  float (*peak_read)(const float* x, std::int64_t n);     ///< n a multiple of 128
};

/// The table of the widest set that `isa` admits.
const KernelTable& kernel_table(Isa isa);

/// c[m, n] = (or +=) a[m, 2 * n_pairs] * b[2 * n_pairs, n], where a dword of a holds two bf16
/// neighbours of a row and one of b two neighbours of a column. n a multiple of the vector width.
struct PairGemmCall {
  std::int64_t m, n, n_pairs;
  const std::uint32_t* a;
  std::int64_t a_stride;
  const std::uint32_t* b;
  std::int64_t b_stride;
  float* c;
  std::int64_t c_stride;
  bool accumulate;
};

using PairGemm = void (*)(const PairGemmCall& call);

/// Products of bf16 pairs, for CPUs where they are faster than f32: with bf16 weights, and
/// attention over arenas other than kF32, with positions. Partial results as KernelTable's.
struct Bf16Table {
  PairGemm gemm;
  /// As KernelTable's pack_panel, of bf16 weights and from an even k_begin on: a panel of pairs.
  void (*pack_panel)(const std::byte* w, std::int64_t w_row_bytes, std::int64_t n_rows,
                     std::int64_t k_begin, std::int64_t k, std::uint32_t* panel);
  /// n floats to pairs; writes whole vectors of 16 pairs.
  void (*round_row)(const float* x, std::int64_t n, std::uint32_t* pairs);
  std::int64_t (*attention_scratch_floats)(std::int64_t n_rows, std::int64_t head_dim);
  void (*attention)(const AttentionCall& call);
  std::int64_t (*peak_bf16)(std::int64_t n, float* sink);  ///< as KernelTable's peak_f32
};

/// Call only where CpuBackend::uses_bf16() holds, with the backend's set.
const Bf16Table& bf16_table(Isa isa);

}  // namespace kvlink::kernels
