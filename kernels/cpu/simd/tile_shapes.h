// SPDX-License-Identifier: Apache-2.0
// What the tile registers hold, as LDTILECFG reads it.
#pragma once

#include <cstdint>

namespace kvlink::kernels {

/// Rows and bytes of a row of the eight registers; 0 and 0: the register is not used.
struct alignas(64) TileShapes {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t n_rows[16] = {};

  constexpr void set(int tile, std::int64_t rows, std::int64_t bytes) {
    n_rows[tile] = static_cast<std::uint8_t>(rows);
    row_bytes[tile] = static_cast<std::uint16_t>(bytes);
  }
};
static_assert(sizeof(TileShapes) == 64);

}  // namespace kvlink::kernels
