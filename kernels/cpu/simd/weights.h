// SPDX-License-Identifier: Apache-2.0
// Weights in their stored type: dequantised in registers, into packed panels, or row by row.
// Included once per instruction set, inside its namespace.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/weight_type.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/simd/blocks.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

/// Where the bytes of a group begin: its block, which super-blocks share among eight groups.
template <DType kType>
inline const std::byte* group_start(const std::byte* row, std::int64_t group) {
  constexpr std::int64_t kElements = block_elements(kType);
  constexpr std::int64_t kBytes = (kElements == 1 ? kGroup : 1) * block_bytes(kType);
  constexpr std::int64_t kGroups = kElements == 1 ? 1 : kElements / kGroup;
  return row + group / kGroups * kBytes;
}

/// One group of 32 elements of a row as kGroupVecs vectors.
template <DType kType>
inline void load_group(const std::byte* row, std::int64_t index, Vec* out) {
  const std::byte* p = group_start<kType>(row, index);
  if constexpr (kType == DType::kF32) {
    for (int i = 0; i < kGroupVecs; ++i) {
      out[i] = load(reinterpret_cast<const float*>(p) + i * kWidth);
    }
  } else if constexpr (kType == DType::kF16) {
    for (int i = 0; i < kGroupVecs; ++i) {
      out[i] = load_f16(reinterpret_cast<const std::uint16_t*>(p) + i * kWidth);
    }
  } else if constexpr (kType == DType::kBF16) {
    for (int i = 0; i < kGroupVecs; ++i) {
      out[i] = load_bf16(reinterpret_cast<const std::uint16_t*>(p) + i * kWidth);
    }
  } else if constexpr (kType == DType::kQ8_0) {
    const Vec scale = set1(half_at(p));
    for (int i = 0; i < kGroupVecs; ++i) {
      out[i] = mul(scale, load_i8(reinterpret_cast<const std::int8_t*>(p + 2) + i * kWidth));
    }
  } else if constexpr (kType == DType::kQ4_0) {
    const float scale = half_at(p);
    dequantize_nibbles(reinterpret_cast<const std::uint8_t*>(p + 2), scale, -8.0F * scale, out);
  } else if constexpr (kType == DType::kQ4_1) {
    dequantize_nibbles(reinterpret_cast<const std::uint8_t*>(p + 4), half_at(p), half_at(p + 2),
                       out);
  } else {
    Group group;
    unpack<kType>(reinterpret_cast<const std::uint8_t*>(p), static_cast<int>(index % 8), group);
    scale_group<kType>(group, out);
  }
}

/// n < 32 elements of a plain type, one vector at a time; elements past n are zero.
template <DType kType>
inline Vec load_plain(const std::byte* p, std::int64_t element, std::int64_t n) {
  const std::int64_t left = n - element < kWidth ? n - element : kWidth;
  if constexpr (kType == DType::kF32) {
    return load_partial(reinterpret_cast<const float*>(p) + element, left);
  } else if constexpr (kType == DType::kF16) {
    return load_f16_partial(reinterpret_cast<const std::uint16_t*>(p) + element, left);
  } else if constexpr (kType == DType::kBF16) {
    return load_bf16_partial(reinterpret_cast<const std::uint16_t*>(p) + element, left);
  } else {
    return zero();  // quantised rows have no part of a group
  }
}

template <DType kType>
void dequantize_row(const std::byte* row, std::int64_t n, float* y) {
  const std::int64_t whole = n / kGroup * kGroup;
  Vec group[kGroupVecs];
  for (std::int64_t i = 0; i < whole; i += kGroup) {
    load_group<kType>(row, i / kGroup, group);
    for (int v = 0; v < kGroupVecs; ++v) store(y + i + v * kWidth, group[v]);
  }
  const std::byte* rest = group_start<kType>(row, whole / kGroup);
  for (std::int64_t i = 0; i < n - whole; i += kWidth) {
    const std::int64_t left = n - whole - i < kWidth ? n - whole - i : kWidth;
    store_partial(y + whole + i, load_plain<kType>(rest, i, n - whole), left);
  }
}

/// panel[p, column] = w[column, k_begin + p]: kWidth weight rows at a time are dequantised, one
/// group each, and transposed.
template <DType kType>
void pack_panel_of(const std::byte* w, std::int64_t row_bytes, std::int64_t n_rows,
                   std::int64_t k_begin, std::int64_t k, float* panel) {
  constexpr std::int64_t kPanel = kTileVecs * kWidth;
  alignas(64) float rows[kWidth * kGroup];
  for (std::int64_t column = 0; column < kPanel; column += kWidth) {
    for (std::int64_t p = 0; p < k; p += kGroup) {
      const std::int64_t length = k - p < kGroup ? k - p : kGroup;
      for (std::int64_t r = 0; r < kWidth; ++r) {
        float* row = rows + r * kGroup;
        const std::byte* source = w + (column + r) * row_bytes;
        const std::int64_t index = (k_begin + p) / kGroup;
        if (column + r >= n_rows) {
          for (std::int64_t i = 0; i < kGroup; i += kWidth) store(row + i, zero());
        } else if (length == kGroup) {
          Vec group[kGroupVecs];
          load_group<kType>(source, index, group);
          for (int v = 0; v < kGroupVecs; ++v) store(row + v * kWidth, group[v]);
        } else {
          for (std::int64_t i = 0; i < kGroup; i += kWidth) {
            const std::byte* last = group_start<kType>(source, index);
            store(row + i, i < length ? load_plain<kType>(last, i, length) : zero());
          }
        }
      }
      float* target = panel + p * kPanel + column;
      std::int64_t i = 0;
      for (; i + kWidth <= length; i += kWidth) {
        transpose(rows + i, kGroup, target + i * kPanel, kPanel);
      }
      if (i < length) {
        alignas(64) float corner[kWidth * kWidth];
        transpose(rows + i, kGroup, corner, kWidth);
        for (std::int64_t j = 0; j < length - i; ++j) {
          store(target + (i + j) * kPanel, load(corner + j * kWidth));
        }
      }
    }
  }
}

void pack_panel(DType type, const std::byte* w, std::int64_t row_bytes, std::int64_t n_rows,
                std::int64_t k_begin, std::int64_t k, float* panel) {
  for_weight_type(
      type, [=]<DType kType>() { pack_panel_of<kType>(w, row_bytes, n_rows, k_begin, k, panel); });
}

/// Low halves first, as GGUF's blocks of 32 keep them.
inline void unpack_nibbles(const std::uint8_t* p, std::int8_t* q) {
  for (int i = 0; i < 16; ++i) {
    q[i] = static_cast<std::int8_t>(p[i] & 15U);
    q[i + 16] = static_cast<std::int8_t>(p[i] >> 4U);
  }
}

void unpack_group(DType type, const std::byte* row, std::int64_t index, std::int8_t* q,
                  float* scales, float* offsets) {
  for_weight_type(type, [=]<DType kType>() {
    const auto* p = reinterpret_cast<const std::uint8_t*>(group_start<kType>(row, index));
    if constexpr (kType == DType::kQ8_0) {
      __builtin_memcpy(q, p + 2, kGroup);
      scales[0] = scales[1] = half_at(p);
    } else if constexpr (kType == DType::kQ4_0) {
      unpack_nibbles(p + 2, q);
      scales[0] = scales[1] = half_at(p);
      offsets[0] = offsets[1] = -8.0F * scales[0];
    } else if constexpr (kType == DType::kQ4_1) {
      unpack_nibbles(p + 4, q);
      scales[0] = scales[1] = half_at(p);
      offsets[0] = offsets[1] = half_at(p + 2);
    } else if constexpr (block_elements(kType) > 1) {
      Group group;
      unpack<kType>(p, static_cast<int>(index % 8), group);
      __builtin_memcpy(q, group.q, kGroup);
      __builtin_memcpy(scales, group.scales, sizeof(group.scales));
      if constexpr (has_offsets<kType>()) {
        __builtin_memcpy(offsets, group.offsets, sizeof(group.offsets));
      }
    }
  });
}

void dequantize(DType type, const std::byte* row, std::int64_t n, float* y) {
  for_weight_type(type, [=]<DType kType>() { dequantize_row<kType>(row, n, y); });
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
