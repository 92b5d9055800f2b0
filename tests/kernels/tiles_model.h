// SPDX-License-Identifier: Apache-2.0
// The tile registers of AMX in software, after Intel's manual: what an instruction forbids ends the
// program, and rows and bytes outside a shape read as zero.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/dtype.h"
#include "kernels/cpu/simd/tile_shapes.h"

namespace kvlink::kernels::tests {

class TilesModel {
 public:
  explicit TilesModel(const TileShapes& shapes) : shapes_(shapes) {
    require(shapes.palette == 1 && shapes.start_row == 0);
    for (const std::uint8_t byte : shapes.reserved) require(byte == 0);
    for (int t = 0; t < 16; ++t) {
      const bool is_used = shapes.n_rows[t] != 0;
      require(is_used == (shapes.row_bytes[t] != 0) && (t < kTiles || !is_used));
      require(shapes.n_rows[t] <= kRows && shapes.row_bytes[t] <= kBytes);
    }
  }
  TilesModel(const TilesModel&) = delete;
  TilesModel& operator=(const TilesModel&) = delete;

  template <int kTile>
  void clear() {
    require(is_used(kTile));
    __builtin_memset(tiles_[kTile], 0, sizeof(tiles_[kTile]));
  }
  template <int kTile>
  void load(const void* from, std::int64_t stride) {
    clear<kTile>();
    for (int r = 0; r < shapes_.n_rows[kTile]; ++r) {
      __builtin_memcpy(tiles_[kTile][r], static_cast<const std::byte*>(from) + r * stride,
                       shapes_.row_bytes[kTile]);
    }
  }
  template <int kTile>
  void store(void* to, std::int64_t stride) const {
    require(is_used(kTile));
    for (int r = 0; r < shapes_.n_rows[kTile]; ++r) {
      __builtin_memcpy(static_cast<std::byte*>(to) + r * stride, tiles_[kTile][r],
                       shapes_.row_bytes[kTile]);
    }
  }
  /// TDPBSUD
  template <int kSums, int kLeft, int kRight>
  void multiply() {
    require_product<kSums, kLeft, kRight>();
    for (int r = 0; r < shapes_.n_rows[kSums]; ++r) {
      for (int c = 0; c < shapes_.row_bytes[kSums] / 4; ++c) {
        std::byte* at = tiles_[kSums][r] + 4 * c;
        std::int32_t sum = 0;
        __builtin_memcpy(&sum, at, 4);
        for (int i = 0; i < shapes_.row_bytes[kLeft]; ++i) {
          const auto left = static_cast<std::int8_t>(tiles_[kLeft][r][i]);
          const auto right = static_cast<std::uint8_t>(tiles_[kRight][i / 4][4 * c + i % 4]);
          sum += left * right;
        }
        __builtin_memcpy(at, &sum, 4);
      }
    }
  }
  /// TDPBF16PS: even and odd inputs are summed up apart, and then added.
  template <int kSums, int kLeft, int kRight>
  void multiply_pairs() {
    require_product<kSums, kLeft, kRight>();
    for (int r = 0; r < shapes_.n_rows[kSums]; ++r) {
      for (int c = 0; c < shapes_.row_bytes[kSums] / 4; ++c) {
        float sums[2] = {0, 0};
        for (int i = 0; i < shapes_.row_bytes[kLeft] / 2; ++i) {
          const float left = bf16_at(&tiles_[kLeft][r][2 * i]);
          const float right = bf16_at(&tiles_[kRight][i / 2][4 * c + 2 * (i % 2)]);
          sums[i % 2] = __builtin_fmaf(left, right, sums[i % 2]);
        }
        std::byte* at = tiles_[kSums][r] + 4 * c;
        float sum = 0;
        __builtin_memcpy(&sum, at, 4);
        sum += sums[0] + sums[1];
        __builtin_memcpy(at, &sum, 4);
      }
    }
  }

 private:
  static float bf16_at(const std::byte* p) {
    std::uint16_t bits = 0;
    __builtin_memcpy(&bits, p, 2);
    return bf16_to_f32(bits);
  }
  template <int kSums, int kLeft, int kRight>
  void require_product() const {
    static_assert(kSums != kLeft && kSums != kRight && kLeft != kRight);
    require(is_used(kSums) && is_used(kLeft) && is_used(kRight));
    require(shapes_.row_bytes[kSums] % 4 == 0 && shapes_.row_bytes[kLeft] % 4 == 0);
    require(shapes_.n_rows[kSums] == shapes_.n_rows[kLeft]);
    require(shapes_.row_bytes[kSums] == shapes_.row_bytes[kRight]);
    require(shapes_.row_bytes[kLeft] / 4 == shapes_.n_rows[kRight]);
  }

  static constexpr int kTiles = 8;
  static constexpr int kRows = 16;
  static constexpr int kBytes = 64;

  bool is_used(int tile) const { return shapes_.n_rows[tile] != 0; }
  static void require(bool ok) {
    if (!ok) __builtin_trap();
  }

  TileShapes shapes_;
  std::byte tiles_[kTiles][kRows][kBytes] = {};
};

}  // namespace kvlink::kernels::tests
