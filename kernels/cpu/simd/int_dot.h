// SPDX-License-Identifier: Apache-2.0
// Products of quantised activations with packed weights (kernels/packed_weights.h).
// Included once per instruction set, inside its namespace.
#pragma once

#include "kernels/cpu/simd/int_quantize.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

constexpr std::int64_t kGroup = 32;
constexpr std::int64_t kStepBytes = 4;      ///< inputs of one step
constexpr std::int64_t kBlockOutputs = 16;  ///< outputs whose codes of a step lie together
#if KVLINK_ISA_LEVEL == 2
constexpr std::int64_t kMostRows = 6;
#elif KVLINK_ISA_LEVEL == 1
constexpr std::int64_t kMostRows = 4;
#else
constexpr std::int64_t kMostRows = 1;
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
void int_tile(const IntDotCall& d, std::int64_t row, std::int64_t output) {
  constexpr int kSteps = 8 / F::kHalves;
  // 4-bit steps i and i + 4 share a load.
  constexpr int kOrder[8] = {0, 4, 1, 5, 2, 6, 3, 7};
  const std::byte* rows = d.x.rows + row * d.x.stride;
  const std::byte* record = d.panel;
  const std::int64_t scales_at = d.n_blocks * F::kCodeBytes + output * 2;
  const std::int64_t half_bytes = d.n_blocks * kBlockOutputs * 2;
  Vec sums[kRows][kVecs];
  for (auto& sums_of_row : sums) {
    for (Vec& sum : sums_of_row) sum = zero();
  }
  for (std::int64_t g = 0; g < d.n_groups; ++g, record += d.record_bytes) {
    const auto* codes_at = reinterpret_cast<const std::uint8_t*>(record);
    for (std::int64_t line = 0; line < kVecs * kWidth * 32 && kRows == 1; line += 64) {
      __builtin_prefetch(codes_at + d.prefetch_bytes + code_offset<F>(output) + line, 0, 2);
    }
#pragma GCC unroll 2
    for (int half = 0; half < F::kHalves; ++half) {
      GroupSum<F::kBits> group[kRows][kVecs];
      std::int32_t starts[kRows];
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        if constexpr (F::kHasMinimum) {
          starts[r] = 0;
        } else {
          __builtin_memcpy(&starts[r],
                           rows + r * d.x.stride + d.x.sums_at + (g * F::kHalves + half) * 4, 4);
        }
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
          const IntVec x = spread(reinterpret_cast<const std::int8_t*>(rows + r * d.x.stride) +
                                  g * kGroup + step * kStepBytes);
#pragma GCC unroll 8
          for (int v = 0; v < kVecs; ++v) group[r][v].step(codes[v], x);
        }
      }
      Vec scales[kVecs];
      Vec minima[kVecs];
#pragma GCC unroll 8
      for (int v = 0; v < kVecs; ++v) {
        const std::byte* at = record + scales_at + half * half_bytes + v * kWidth * 2;
        scales[v] = load_f16(reinterpret_cast<const std::uint16_t*>(at));
        if constexpr (F::kHasMinimum) {
          at += F::kHalves * half_bytes;
          minima[v] = load_f16(reinterpret_cast<const std::uint16_t*>(at));
        }
      }
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const std::byte* at = rows + r * d.x.stride;
        const Vec scale = set1(float_at(at + d.x.scales_at + g * 4));
        Vec sum = zero();
        if constexpr (F::kHasMinimum) {
          sum = set1(float_at(at + d.x.sums_at + (g * F::kHalves + half) * 4));
        }
#pragma GCC unroll 8
        for (int v = 0; v < kVecs; ++v) {
          const Vec dot = mul(to_float(group[r][v].finish(starts[r])), scales[v]);
          sums[r][v] = fma(dot, scale, sums[r][v]);
          if constexpr (F::kHasMinimum) sums[r][v] = fma(minima[v], sum, sums[r][v]);
        }
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVecs; ++v) {
      const std::int64_t first = output + v * kWidth;
      const std::int64_t left = d.n_outputs - first < kWidth ? d.n_outputs - first : kWidth;
      if (left <= 0) break;
      float* y = d.y + (row + r) * d.y_stride + first;
      store_partial(y, d.accumulate ? add(load_partial(y, left), sums[r][v]) : sums[r][v], left);
    }
  }
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

/// All rows in tiles whose heights differ by one at most.
template <typename F>
void int_multiply(const IntDotCall& d) {
  const std::int64_t n_tiles = (d.m + kMostRows - 1) / kMostRows;
  std::int64_t row = 0;
  for (std::int64_t tile = 0; tile < n_tiles; ++tile) {
    const std::int64_t rows = (d.m - row) / (n_tiles - tile);
    switch (rows) {
      case 1:
        int_rows<F, 1>(d, row);
        break;
#if KVLINK_ISA_LEVEL > 0
      case 2:
        int_rows<F, 2>(d, row);
        break;
      case 3:
        int_rows<F, 3>(d, row);
        break;
      case 4:
        int_rows<F, 4>(d, row);
        break;
#endif
#if KVLINK_ISA_LEVEL == 2
      case 5:
        int_rows<F, 5>(d, row);
        break;
      case 6:
        int_rows<F, 6>(d, row);
        break;
#endif
      default:
        __builtin_trap();
    }
    row += rows;
  }
}

void int_dot(const IntDotCall& d) {
  if (d.bits == 4 && d.n_halves == 1) {
    return d.has_minimum ? int_multiply<Format<4, 1, true>>(d)
                         : int_multiply<Format<4, 1, false>>(d);
  }
  if (d.bits == 4) return int_multiply<Format<4, 2, true>>(d);
  if (d.n_halves == 2) return int_multiply<Format<8, 2, false>>(d);
  return d.has_minimum ? int_multiply<Format<8, 1, true>>(d) : int_multiply<Format<8, 1, false>>(d);
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
