// SPDX-License-Identifier: Apache-2.0
// Products of sixteen rows and more on tile registers (AMX). A group's codes lie in a panel as the
// right-hand tile of an int8 product wants them: four inputs of sixteen outputs in a line. What a
// tile sums up is scaled and added in the order of int_dot.h, so that both give the same bits.
// `Tiles` is simd/tiles_amx.h, or the model in tests/kernels/tiles_model.h.
// Included once per instruction set, inside its namespace.
#pragma once

#include "kernels/cpu/simd/int_dot.h"
#include "kernels/cpu/simd/tile_shapes.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

constexpr std::int64_t kTileRows = 16;
/// Below, most of a tile would be idle.
constexpr std::int64_t kFewestTiledRows = 16;
constexpr std::int64_t kStepLine = kBlockOutputs * kStepBytes;
// What is worked on at a time stays in the first-level cache: codes, factors and sums.
constexpr std::int64_t kSlabRows = 64;
constexpr std::int64_t kChunkGroups = 16;
constexpr std::int64_t kPanelBlocks = 4;
constexpr int kBlockVecs = static_cast<int>(kBlockOutputs / kWidth);

/// Which register holds what. The rows left over have shapes of their own; two tiles of sums, so
/// that one is filled while the other is scaled.
enum TileName { kSums = 0, kLeft = 2, kRight = 3, kRestSums = 4, kRestLeft = 6 };

#if KVLINK_ISA_LEVEL == 2
inline IntVec load_ints(const std::int32_t* p) { return _mm512_loadu_si512(p); }
inline void store_codes(std::uint8_t* p, IntVec v) { _mm512_storeu_si512(p, v); }
#elif KVLINK_ISA_LEVEL == 0
inline IntVec load_ints(const std::int32_t* p) { return *p; }
inline void store_codes(std::uint8_t* p, IntVec v) { __builtin_memcpy(p, &v, sizeof(v)); }
#endif

/// A "part" is what shares a scale: a group of inputs, or half of one.
template <typename F>
struct Parts {
  static constexpr std::int64_t kSteps = 8 / F::kHalves;
  static constexpr std::int64_t kInputs = kGroup / F::kHalves;
  static constexpr std::int64_t kCodeBytes = kSteps * kStepLine;  ///< of sixteen outputs
};

template <typename F>
TileShapes shapes_for(std::int64_t n_rest) {
  using P = Parts<F>;
  TileShapes shapes;
  shapes.set(kRight, P::kSteps, kStepLine);
  shapes.set(kLeft, kTileRows, P::kInputs);
  if (n_rest > 0) shapes.set(kRestLeft, n_rest, P::kInputs);
  for (int i = 0; i < 2; ++i) {
    shapes.set(kSums + i, kTileRows, kStepLine);
    if (n_rest > 0) shapes.set(kRestSums + i, n_rest, kStepLine);
  }
  return shapes;
}

/// Rows [row, row + n_rows) against one panel.
template <typename F, typename Tiles>
class TiledSlab {
 public:
  using P = Parts<F>;

  TiledSlab(const IntDotCall& d, Tiles& tiles, std::int64_t row, std::int64_t n_rows)
      : d_(d), tiles_(tiles), row_(row), n_rows_(n_rows) {}

  void multiply() {
    for (first_ = 0; first_ < d_.n_groups; first_ += kChunkGroups) {
      n_groups_ = d_.n_groups - first_ < kChunkGroups ? d_.n_groups - first_ : kChunkGroups;
      for (std::int64_t row = 0; row < n_rows_; row += kTileRows) gather_factors(row);
      for (std::int64_t block = 0; block < d_.n_blocks; ++block) multiply_block(block);
    }
    for (std::int64_t block = 0; block < d_.n_blocks; ++block) {
      for (std::int64_t row = 0; row < n_rows_; ++row) write(block, row);
    }
  }

 private:
  struct Factors {
    float scales[kChunkGroups][kTileRows];
    std::int32_t sums[kChunkGroups * F::kHalves][kTileRows];  ///< f32 where there is a minimum
  };

  const std::byte* row_at(std::int64_t row) const { return d_.x.rows + (row_ + row) * d_.x.stride; }
  std::int64_t rest_of(std::int64_t row) const {
    return n_rows_ - row < kTileRows ? n_rows_ - row : kTileRows;
  }

  /// Scales and sums of a tile of rows, those of one part beside each other. Rows that are not
  /// there repeat the last one, and nobody reads their results.
  void gather_factors(std::int64_t row) {
    const std::int64_t n = rest_of(row);
    Factors& factors = factors_[row / kTileRows];
    for (std::int64_t r = 0; r < kTileRows; ++r) {
      const std::byte* from = row_at(row + (r < n ? r : n - 1));
      const std::byte* scales = from + d_.x.scales_at + first_ * 4;
      const std::byte* sums = from + d_.x.sums_at + first_ * F::kHalves * 4;
      for (std::int64_t g = 0; g < n_groups_; ++g) {
        factors.scales[g][r] = float_at(scales + g * 4);
      }
      for (std::int64_t p = 0; p < n_groups_ * F::kHalves; ++p) {
        __builtin_memcpy(&factors.sums[p][r], sums + p * 4, 4);
      }
    }
  }

  void multiply_block(std::int64_t block) {
    block_ = block;
    if constexpr (F::kBits == 4) unpack_codes();
    for (std::int64_t row = 0; row < n_rows_; row += kTileRows) {
      const std::int64_t n = rest_of(row);
      if (n == kTileRows) {
        multiply_rows<kSums, kLeft, 16>(row);
      } else if (n > 12) {
        multiply_rows<kRestSums, kRestLeft, 16>(row);
      } else if (n > 8) {
        multiply_rows<kRestSums, kRestLeft, 12>(row);
      } else if (n > 4) {
        multiply_rows<kRestSums, kRestLeft, 8>(row);
      } else {
        multiply_rows<kRestSums, kRestLeft, 4>(row);
      }
    }
  }

  const std::byte* record_of(std::int64_t group) const {
    return d_.panel + (first_ + group) * d_.record_bytes;
  }
  const std::uint8_t* stored_codes(std::int64_t group) const {
    return reinterpret_cast<const std::uint8_t*>(record_of(group)) + block_ * F::kCodeBytes;
  }

  /// 4-bit codes as bytes.
  void unpack_codes() {
    for (std::int64_t g = 0; g < n_groups_; ++g) {
      const std::uint8_t* from = stored_codes(g);
      std::uint8_t* low = codes_ + g * 8 * kStepLine;
      std::uint8_t* high = low + 4 * kStepLine;
      for (std::int64_t i = 0; i < 4 * kStepLine; i += kWidth * kStepBytes) {
        const IntVec both = load_codes(from + i);
        store_codes(low + i, low_nibbles(both));
        store_codes(high + i, high_nibbles(both));
      }
    }
  }
  const std::uint8_t* codes_of(std::int64_t part) const {
    const std::int64_t group = part / F::kHalves;
    const std::uint8_t* codes =
        F::kBits == 4 ? codes_ + group * 8 * kStepLine : stored_codes(group);
    return codes + part % F::kHalves * P::kCodeBytes;
  }

  using Sums = Vec[kBlockVecs];

  /// A tile of rows: the next part is multiplied before the last one is scaled.
  template <int kSumsAt, int kLeftAt, int kRows>
  void multiply_rows(std::int64_t row) {
    const std::int64_t n_parts = n_groups_ * F::kHalves;
    const Factors& factors = factors_[row / kTileRows];
    float* kept = sums_[block_][row];
    Sums sums[kRows];
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kBlockVecs; ++v) {
        sums[r][v] = first_ == 0 ? zero() : load(kept + r * kBlockOutputs + v * kWidth);
      }
    }
    multiply_part<kSumsAt, kLeftAt>(row, 0, products_[0]);
    for (std::int64_t part = 0; part < n_parts; part += 2) {
      if (part + 1 < n_parts) multiply_part<kSumsAt + 1, kLeftAt>(row, part + 1, products_[1]);
      add_scaled<kRows>(part, products_[0], factors, sums);
      if (part + 2 < n_parts) multiply_part<kSumsAt, kLeftAt>(row, part + 2, products_[0]);
      if (part + 1 < n_parts) add_scaled<kRows>(part + 1, products_[1], factors, sums);
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kBlockVecs; ++v) {
        store(kept + r * kBlockOutputs + v * kWidth, sums[r][v]);
      }
    }
  }

  template <int kSumsAt, int kLeftAt>
  KVLINK_INLINE void multiply_part(std::int64_t row, std::int64_t part, std::int32_t* products) {
    tiles_.template clear<kSumsAt>();
    tiles_.template load<kLeftAt>(row_at(row) + first_ * kGroup + part * P::kInputs, d_.x.stride);
    tiles_.template load<kRight>(codes_of(part), kStepLine);
    tiles_.template multiply<kSumsAt, kLeftAt, kRight>();
    tiles_.template store<kSumsAt>(products, kStepLine);
  }

  template <int kRows>
  KVLINK_INLINE void add_scaled(std::int64_t part, const std::int32_t* products,
                                const Factors& factors, Sums (&sums)[kRows]) const {
    const std::int64_t group = part / F::kHalves;
    const std::int64_t half_bytes = d_.n_blocks * kBlockOutputs * 2;
    const std::byte* at = record_of(group) + d_.n_blocks * F::kCodeBytes +
                          block_ * kBlockOutputs * 2 + part % F::kHalves * half_bytes;
    for (int v = 0; v < kBlockVecs; ++v) {
      const auto* halves = reinterpret_cast<const std::uint16_t*>(at) + v * kWidth;
      const Vec scale = load_f16(halves);
      Vec minimum = zero();
      if constexpr (F::kHasMinimum) minimum = load_f16(halves + F::kHalves * half_bytes / 2);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        IntVec product = load_ints(products + r * kBlockOutputs + v * kWidth);
        const std::int32_t& sum = factors.sums[part][r];
        if constexpr (!F::kHasMinimum) product = add(product, spread(sum));
        const Vec dot = mul(to_float(product), scale);
        sums[r][v] = fma(dot, set1(factors.scales[group][r]), sums[r][v]);
        if constexpr (F::kHasMinimum) {
          const auto* bytes = reinterpret_cast<const std::byte*>(&sum);
          sums[r][v] = fma(minimum, set1(float_at(bytes)), sums[r][v]);
        }
      }
    }
  }

  void write(std::int64_t block, std::int64_t row) const {
    for (int v = 0; v < kBlockVecs; ++v) {
      const std::int64_t first = block * kBlockOutputs + v * kWidth;
      const std::int64_t left = d_.n_outputs - first < kWidth ? d_.n_outputs - first : kWidth;
      if (left <= 0) continue;
      const Vec sum = load(sums_[block][row] + v * kWidth);
      float* y = d_.y + (row_ + row) * d_.y_stride + first;
      store_partial(y, d_.accumulate ? add(load_partial(y, left), sum) : sum, left);
    }
  }

  const IntDotCall& d_;
  Tiles& tiles_;
  std::int64_t row_, n_rows_;
  std::int64_t first_ = 0, n_groups_ = 0;  ///< groups of this chunk
  std::int64_t block_ = 0;
  alignas(64) std::uint8_t codes_[F::kBits == 4 ? kChunkGroups * 8 * kStepLine : 1];
  alignas(64) std::int32_t products_[2][kTileRows * kBlockOutputs];
  alignas(64) Factors factors_[kSlabRows / kTileRows];
  alignas(64) float sums_[kPanelBlocks][kSlabRows][kBlockOutputs];
};

template <typename F, typename Tiles>
void multiply_by_tiles(const IntDotCall& d) {
  Tiles tiles(shapes_for<F>(d.m % kTileRows));
  for (std::int64_t row = 0; row < d.m; row += kSlabRows) {
    TiledSlab<F, Tiles>(d, tiles, row, d.m - row < kSlabRows ? d.m - row : kSlabRows).multiply();
  }
}

template <typename Tiles>
void int_dot_by_tiles(const IntDotCall& d) {
  if (d.m < kFewestTiledRows) return int_dot(d);
  for_format(d, [&d]<typename F>() { multiply_by_tiles<F, Tiles>(d); });
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
