// SPDX-License-Identifier: Apache-2.0
// Products of quantised activations with packed weights (kernels/packed_weights.h).
// Included once per instruction set, inside its namespace.
#pragma once

#include "kernels/cpu/simd/int_quantize.h"

#define KVLINK_INLINE inline __attribute__((always_inline))

namespace kvlink::kernels::KVLINK_ISA {
namespace {

constexpr std::int64_t kGroup = 32;
constexpr std::int64_t kStepBytes = 4;      ///< inputs of one step
constexpr std::int64_t kBlockOutputs = 16;  ///< outputs whose codes of a step lie together
#if KVLINK_ISA_LEVEL == 2
constexpr int kMostRows = 6;
#elif KVLINK_ISA_LEVEL == 1
constexpr int kMostRows = 4;
#else
constexpr int kMostRows = 1;
#endif

/// What PackedFormat says, known to the compiler.
template <int kBitsOf, int kHalvesOf, bool kMinimum>
struct Format {
  static constexpr int kBits = kBitsOf;
  static constexpr int kHalves = kHalvesOf;
  static constexpr bool kHasMinimum = kMinimum;
  /// Vectors of codes in a group: 4-bit codes hold steps i and i + 4.
  static constexpr std::int64_t kCodeBytes = kGroup * kBlockOutputs * kBits / 8;
};

#if KVLINK_VNNI || KVLINK_ISA_LEVEL == 0
template <int kBits>
struct Codes {
  IntVec codes;
};
/// Sums of a group of one row for the outputs of a vector.
template <int kBits>
struct GroupSum {
  IntVec sum;
  void start(std::int32_t value) { sum = spread(value); }
  void step(const Codes<kBits>& w, IntVec x) { dot4(sum, w.codes, x); }
  IntVec finish(std::int32_t) const { return sum; }
};
inline void set_codes(Codes<4>& w, IntVec codes) { w.codes = codes; }
inline void set_codes(Codes<8>& w, IntVec codes) { w.codes = codes; }
#else
/// Without a dot product of bytes: 16-bit sums, which eight steps of 4-bit codes do not overflow.
/// Codes of 8 bits are two of 4.
template <int kBits>
struct Codes {
  IntVec low;
  IntVec high;
};
template <int kBits>
struct GroupSum {
  IntVec low;
  IntVec high;
  void start(std::int32_t) { low = high = zero_int(); }
  void step(const Codes<kBits>& w, IntVec x) {
    dot2(low, w.low, x);
    if constexpr (kBits == 8) dot2(high, w.high, x);
  }
  IntVec finish(std::int32_t start) const {
    const IntVec sum = add(spread(start), widen(low, 1));
    if constexpr (kBits == 4) return sum;
    return add(sum, widen(high, 16));
  }
};
inline void set_codes(Codes<4>& w, IntVec codes) { w.low = codes; }
inline void set_codes(Codes<8>& w, IntVec codes) {
  w.low = low_nibbles(codes);
  w.high = high_nibbles(codes);
}
#endif

/// Codes of one step; `block` is where those of sixteen outputs and one group begin.
template <typename F>
inline void read_codes(const std::uint8_t* block, int step, Codes<F::kBits>& codes) {
  constexpr std::int64_t kStride = kBlockOutputs * kStepBytes;
  if constexpr (F::kBits == 8) {
    set_codes(codes, load_codes(block + step * kStride));
  } else {
    const IntVec both = load_codes(block + step % 4 * kStride);
    set_codes(codes, step < 4 ? low_nibbles(both) : high_nibbles(both));
  }
}

/// Offset of an output's codes from the first of its record; `output` is a multiple of kWidth.
template <typename F>
constexpr std::int64_t code_offset(std::int64_t output) {
  return output / kBlockOutputs * F::kCodeBytes + output % kBlockOutputs * kStepBytes;
}

/// kRows rows against kVecs vectors of outputs.
template <typename F, int kRows, int kVecs>
struct Tile {
  using GroupSums = GroupSum<F::kBits>[kRows][kVecs];
  static constexpr int kSteps = 8 / F::kHalves;  ///< that share a scale

  const IntDotCall& d;
  const std::byte* rows;
  std::int64_t output;

  void multiply(std::int64_t row) const {
    Vec sums[kRows][kVecs];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < kVecs; ++v) sums[r][v] = zero();
    }
    const std::byte* record = d.panel;
    for (std::int64_t g = 0; g < d.n_groups; ++g, record += d.record_bytes) {
      if constexpr (kRows == 1) prefetch(record);
#pragma GCC unroll 2
      for (int half = 0; half < F::kHalves; ++half) {
        GroupSums group;
        std::int32_t starts[kRows];
        multiply_codes(record, g, half, group, starts);
        add_scaled(record, g, half, group, starts, sums);
      }
    }
    write(row, sums);
  }

  const std::byte* row_at(int r) const { return rows + r * d.x.stride; }
  std::int64_t sum_at(std::int64_t g, int half) const {
    return d.x.sums_at + (g * F::kHalves + half) * 4;
  }

  KVLINK_INLINE void prefetch(const std::byte* record) const {
    const std::byte* ahead = record + d.prefetch_bytes + code_offset<F>(output);
    for (std::int64_t line = 0; line < kVecs * kWidth * 32; line += 64) {
      __builtin_prefetch(ahead + line, 0, 2);
    }
  }

  KVLINK_INLINE void multiply_codes(const std::byte* record, std::int64_t g, int half,
                                    GroupSums& group, std::int32_t (&starts)[kRows]) const {
    // 4-bit steps i and i + 4 share a load.
    constexpr int kOrder[8] = {0, 4, 1, 5, 2, 6, 3, 7};
    const auto* codes_at = reinterpret_cast<const std::uint8_t*>(record);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      starts[r] = 0;
      if constexpr (!F::kHasMinimum) {
        __builtin_memcpy(&starts[r], row_at(r) + sum_at(g, half), 4);
      }
#pragma GCC unroll 8
      for (int v = 0; v < kVecs; ++v) group[r][v].start(starts[r]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < kSteps; ++i) {
      const int step = F::kHalves == 1 ? kOrder[i] : half * kSteps + i;
      Codes<F::kBits> codes[kVecs];
#pragma GCC unroll 8
      for (int v = 0; v < kVecs; ++v) {
        read_codes<F>(codes_at + code_offset<F>(output + v * kWidth), step, codes[v]);
      }
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const IntVec x = spread(reinterpret_cast<const std::int8_t*>(row_at(r)) + g * kGroup +
                                step * kStepBytes);
#pragma GCC unroll 8
        for (int v = 0; v < kVecs; ++v) group[r][v].step(codes[v], x);
      }
    }
  }

  KVLINK_INLINE void add_scaled(const std::byte* record, std::int64_t g, int half,
                                const GroupSums& group, const std::int32_t (&starts)[kRows],
                                Vec (&sums)[kRows][kVecs]) const {
    const std::int64_t half_bytes = d.n_blocks * kBlockOutputs * 2;
    const std::byte* scales_at =
        record + d.n_blocks * F::kCodeBytes + output * 2 + half * half_bytes;
    Vec scales[kVecs];
    Vec minima[kVecs];
#pragma GCC unroll 8
    for (int v = 0; v < kVecs; ++v) {
      const std::byte* at = scales_at + v * kWidth * 2;
      scales[v] = load_f16(reinterpret_cast<const std::uint16_t*>(at));
      at += F::kHalves * half_bytes;
      minima[v] = zero();
      if constexpr (F::kHasMinimum) {
        minima[v] = load_f16(reinterpret_cast<const std::uint16_t*>(at));
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Vec scale = set1(float_at(row_at(r) + d.x.scales_at + g * 4));
#pragma GCC unroll 8
      for (int v = 0; v < kVecs; ++v) {
        const Vec dot = mul(to_float(group[r][v].finish(starts[r])), scales[v]);
        sums[r][v] = fma(dot, scale, sums[r][v]);
        if constexpr (F::kHasMinimum) {
          sums[r][v] = fma(minima[v], set1(float_at(row_at(r) + sum_at(g, half))), sums[r][v]);
        }
      }
    }
  }

  KVLINK_INLINE void write(std::int64_t row, const Vec (&sums)[kRows][kVecs]) const {
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < kVecs; ++v) {
        const std::int64_t first = output + v * kWidth;
        const std::int64_t left = d.n_outputs - first < kWidth ? d.n_outputs - first : kWidth;
        if (left <= 0) continue;
        float* y = d.y + (row + r) * d.y_stride + first;
        store_partial(y, d.accumulate ? add(load_partial(y, left), sums[r][v]) : sums[r][v], left);
      }
    }
  }
};

template <typename F, int kRows, int kVecs>
void int_tile(const IntDotCall& d, std::int64_t row, std::int64_t output) {
  Tile<F, kRows, kVecs>{d, d.x.rows + row * d.x.stride, output}.multiply(row);
}

/// Vectors of outputs beside each other: what leaves the sums of a group in registers.
template <int kRows>
constexpr int tile_vecs() {
#if KVLINK_ISA_LEVEL == 2
  return kRows <= 3 ? 4 : 2;
#else
  return kRows <= 2 ? 4 : 2;
#endif
}

template <typename F, int kRows>
void int_rows(const IntDotCall& d, std::int64_t row) {
  constexpr int kVecs = tile_vecs<kRows>();
  const std::int64_t end = d.n_blocks * kBlockOutputs;
  std::int64_t output = 0;
  for (; output + kVecs * kWidth <= end; output += kVecs * kWidth) {
    int_tile<F, kRows, kVecs>(d, row, output);
  }
  if constexpr (kWidth > 1) {
    for (; output < end; output += kWidth) int_tile<F, kRows, 1>(d, row, output);
  }
}

/// `rows` of at most kMost rows.
template <typename F, int kMost>
void int_rows_of(const IntDotCall& d, std::int64_t row, std::int64_t rows) {
  if constexpr (kMost > 1) {
    if (rows < kMost) return int_rows_of<F, kMost - 1>(d, row, rows);
  }
  int_rows<F, kMost>(d, row);
}

/// All rows in tiles whose heights differ by one at most.
template <typename F>
void int_multiply(const IntDotCall& d) {
  const std::int64_t n_tiles = (d.m + kMostRows - 1) / kMostRows;
  std::int64_t row = 0;
  for (std::int64_t tile = 0; tile < n_tiles; ++tile) {
    const std::int64_t rows = (d.m - row) / (n_tiles - tile);
    int_rows_of<F, kMostRows>(d, row, rows);
    row += rows;
  }
}

/// Calls fn<Format>() with the call's format.
template <typename Fn>
void for_format(const IntDotCall& d, Fn&& fn) {
  if (d.bits == 4 && d.n_halves == 1) {
    return d.has_minimum ? fn.template operator()<Format<4, 1, true>>()
                         : fn.template operator()<Format<4, 1, false>>();
  }
  if (d.bits == 4) return fn.template operator()<Format<4, 2, true>>();
  if (d.n_halves == 2) return fn.template operator()<Format<8, 2, false>>();
  return d.has_minimum ? fn.template operator()<Format<8, 1, true>>()
                       : fn.template operator()<Format<8, 1, false>>();
}

void int_dot(const IntDotCall& d) {
  for_format(d, [&d]<typename F>() { int_multiply<F>(d); });
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
