// SPDX-License-Identifier: Apache-2.0
// Weights as GGUF stores them, sixteen elements at a time.
#pragma once

#include "kernels/base/weight_type.h"
#include "kernels/cuda/simt.h"

namespace kvlink::cuda {

/// Elements of a unit. Unit u of a row holds the elements 32 g + 8 h + {0..7} and
/// 32 g + 16 + 8 h + {0..7} with g = u / 2, h = u % 2: what eight bytes of nibbles hold.
inline constexpr int kUnit = 16;

/// First element of half `run` (0, 1) of a unit.
KVLINK_DEVICE std::int64_t unit_element(std::int64_t unit, int run) {
  return unit / 2 * 32 + 16 * run + unit % 2 * 8;
}

KVLINK_DEVICE unsigned pair_at(const std::uint8_t* p) {
  return *reinterpret_cast<const std::uint16_t*>(p);
}
/// Four bytes at an even address: blocks of most types have an odd number of pairs.
KVLINK_DEVICE unsigned word_at(const std::uint8_t* p) { return pair_at(p) | pair_at(p + 2) << 16; }
KVLINK_DEVICE float half_at(const std::uint8_t* p) {
  return f16_value(static_cast<std::uint16_t>(pair_at(p)));
}

/// Small integers of a unit as bytes, and how they become numbers: (q - bias) * scale + offset,
/// scale and offset per run.
struct Unit {
  unsigned q[4];  ///< bytes 0..7: first run
  float scale[2], offset[2];
};

template <DType kType>
KVLINK_DEVICE constexpr float unit_bias() {
  switch (kType) {
    case DType::kQ8_0:
      return 128.0F;
    case DType::kQ4_0:
      return 8.0F;
    case DType::kQ5_0:
      return 16.0F;
    case DType::kQ3K:
      return 4.0F;
    case DType::kQ6K:
      return 32.0F;
    case DType::kIq4Nl:
      return 128.0F;
    default:
      return 0.0F;
  }
}

/// Bit `bit` of each of four bytes to bit 4.
KVLINK_DEVICE unsigned fifth_bits(unsigned word, int bit) {
  return (word >> bit & 0x01010101U) << 4;
}
/// The lowest four of `bits` to bit 4 of four bytes.
KVLINK_DEVICE unsigned spread_to_fifth(unsigned bits) {
  return ((bits & 1U) | (bits & 2U) << 7 | (bits & 4U) << 14 | (bits & 8U) << 21) << 4;
}

KVLINK_DEVICE unsigned iq4nl_level(unsigned q) {
  // -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113; each plus 128.
  constexpr std::uint64_t kLow = 0x766A5D4F3F2D1801ULL;
  constexpr std::uint64_t kHigh = 0xF1D9C5B5A6998D81ULL;
  return static_cast<unsigned>((q < 8 ? kLow : kHigh) >> (q % 8 * 8) & 255U);
}
KVLINK_DEVICE unsigned iq4nl_levels(unsigned nibbles) {
  return iq4nl_level(nibbles & 15U) | iq4nl_level(nibbles >> 8 & 15U) << 8 |
         iq4nl_level(nibbles >> 16 & 15U) << 16 | iq4nl_level(nibbles >> 24 & 15U) << 24;
}

KVLINK_DEVICE void scale_and_minimum(const std::uint8_t* p, int sub, unsigned& scale,
                                     unsigned& minimum) {
  if (sub < 4) {
    scale = p[sub] & 63U;
    minimum = p[sub + 4] & 63U;
  } else {
    scale = (p[sub + 4] & 15U) | (p[sub - 4] >> 6U) << 4;
    minimum = (p[sub + 4] >> 4U) | (p[sub] >> 6U) << 4;
  }
}

/// Scale of half `run` of group `sub` of a Q3_K block.
KVLINK_DEVICE float q3k_scale(const std::uint8_t* p, int sub, int run) {
  const std::uint8_t* packed = p + 96;
  const int index = sub * 2 + run;
  const int low = index < 8 ? packed[index] & 15 : packed[index - 8] >> 4;
  const int high = packed[8 + index % 4] >> (index / 4 * 2) & 3;
  return half_at(p + 108) * static_cast<float>((low | high << 4) - 32);
}

/// Nibbles of eight bytes at p: low ones are the first run.
KVLINK_DEVICE void unpack_nibbles(const std::uint8_t* p, Unit& u) {
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const unsigned word = word_at(p + 4 * i);
    u.q[i] = word & 0x0F0F0F0FU;
    u.q[2 + i] = word >> 4 & 0x0F0F0F0FU;
  }
}

KVLINK_DEVICE void set_both(Unit& u, float scale, float offset) {
  u.scale[0] = u.scale[1] = scale;
  u.offset[0] = u.offset[1] = offset;
}

/// Unit h (0, 1) of group `sub` of the block at p; blocks of 32 elements have one group.
template <DType kType>
KVLINK_DEVICE void unpack_unit(const std::uint8_t* p, [[maybe_unused]] int sub, int h, Unit& u) {
  if constexpr (kType == DType::kQ8_0) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      u.q[i] = word_at(p + 2 + 8 * h + i / 2 * 16 + i % 2 * 4) ^ 0x80808080U;
    }
    set_both(u, half_at(p), 0.0F);
  } else if constexpr (kType == DType::kQ4_0) {
    unpack_nibbles(p + 2 + 8 * h, u);
    set_both(u, half_at(p), 0.0F);
  } else if constexpr (kType == DType::kQ4_1) {
    unpack_nibbles(p + 4 + 8 * h, u);
    set_both(u, half_at(p), half_at(p + 2));
  } else if constexpr (kType == DType::kQ5_0 || kType == DType::kQ5_1) {
    constexpr int kTop = kType == DType::kQ5_0 ? 2 : 4;
    unpack_nibbles(p + kTop + 4 + 8 * h, u);
    const unsigned top = word_at(p + kTop) >> (8 * h);
#pragma unroll
    for (int i = 0; i < 4; ++i) u.q[i] |= spread_to_fifth(top >> (i / 2 * 16 + i % 2 * 4));
    set_both(u, half_at(p), kType == DType::kQ5_1 ? half_at(p + 2) : 0.0F);
  } else if constexpr (kType == DType::kIq4Nl) {
    unpack_nibbles(p + 2 + 8 * h, u);
#pragma unroll
    for (int i = 0; i < 4; ++i) u.q[i] = iq4nl_levels(u.q[i]);
    set_both(u, half_at(p), 0.0F);
  } else if constexpr (kType == DType::kQ2K) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const std::uint8_t* bits = p + 16 + sub / 4 * 32 + i / 2 * 16 + 8 * h + i % 2 * 4;
      u.q[i] = word_at(bits) >> (sub % 4 * 2) & 0x03030303U;
    }
#pragma unroll
    for (int run = 0; run < 2; ++run) {
      const unsigned both = p[sub * 2 + run];
      u.scale[run] = half_at(p + 80) * static_cast<float>(both & 15U);
      u.offset[run] = -(half_at(p + 82) * static_cast<float>(both >> 4));
    }
  } else if constexpr (kType == DType::kQ3K) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int at = i / 2 * 16 + 8 * h + i % 2 * 4;
      const unsigned low = word_at(p + 32 + sub / 4 * 32 + at) >> (sub % 4 * 2) & 0x03030303U;
      u.q[i] = low | (word_at(p + at) >> sub & 0x01010101U) << 2;
    }
    u.scale[0] = q3k_scale(p, sub, 0);
    u.scale[1] = q3k_scale(p, sub, 1);
    u.offset[0] = u.offset[1] = 0.0F;
  } else if constexpr (kType == DType::kQ4K || kType == DType::kQ5K) {
    constexpr int kNibbles = kType == DType::kQ4K ? 16 : 48;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int at = i / 2 * 16 + 8 * h + i % 2 * 4;
      u.q[i] = word_at(p + kNibbles + sub / 2 * 32 + at) >> (sub % 2 * 4) & 0x0F0F0F0FU;
      if constexpr (kType == DType::kQ5K) u.q[i] |= fifth_bits(word_at(p + 16 + at), sub);
    }
    unsigned scale = 0;
    unsigned minimum = 0;
    scale_and_minimum(p + 4, sub, scale, minimum);
    set_both(u, half_at(p) * static_cast<float>(scale),
             -(half_at(p + 2) * static_cast<float>(minimum)));
  } else {
    static_assert(kType == DType::kQ6K);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int at = i / 2 * 16 + 8 * h + i % 2 * 4;
      const unsigned low = word_at(p + sub / 4 * 64 + sub % 2 * 32 + at);
      const unsigned high = word_at(p + 128 + sub / 4 * 32 + at);
      u.q[i] = (low >> (sub % 4 / 2 * 4) & 0x0F0F0F0FU) | (high >> (sub % 4 * 2) & 0x03030303U)
                                                              << 4;
    }
#pragma unroll
    for (int run = 0; run < 2; ++run) {
      const auto factor = static_cast<std::int8_t>(p[192 + sub * 2 + run]);
      u.scale[run] = half_at(p + 208) * static_cast<float>(factor);
    }
    u.offset[0] = u.offset[1] = 0.0F;
  }
}

/// Byte i of a word as a number minus bias, without the slow conversion from integers: the byte
/// becomes the low mantissa of 2^23.
KVLINK_DEVICE float byte_value(unsigned word, unsigned i, float bias) {
  return __uint_as_float(__byte_perm(word, 0x4B000000U, 0x7440U + i)) - (8388608.0F + bias);
}

/// Byte i of a word, at most 127 and with its highest bit set, as 1 + byte / 128: the byte becomes
/// the high mantissa of 1.
KVLINK_DEVICE float byte_fraction(unsigned word, unsigned i) {
  return __uint_as_float(__byte_perm(word, 0x3F000000U, 0x7044U + (i << 8)));
}

template <DType kType>
KVLINK_DEVICE constexpr bool is_plain() {
  return block_elements(kType) == 1;
}

/// Group `unit / 2` of a row of blocks.
template <DType kType>
KVLINK_DEVICE void unpack_of_row(const std::uint8_t* row, std::int64_t unit, Unit& u) {
  constexpr std::int64_t kGroups = block_elements(kType) / 32;
  const std::int64_t group = unit / 2;
  unpack_unit<kType>(row + group / kGroups * block_bytes(kType), static_cast<int>(group % kGroups),
                     static_cast<int>(unit % 2), u);
}

/// The sum of a unit times activations whose runs add up to `x_sums`. Scale and offset come in once
/// a run instead of once an element, which would cost as much again as the products.
template <DType kType>
KVLINK_DEVICE float dot_unit(const std::uint8_t* row, std::int64_t unit, const float (&x)[kUnit],
                             const float (&x_sums)[2]) {
  // Bytes of eight bits do not fit into the mantissa beside the one.
  constexpr bool kFits = kType != DType::kQ8_0 && kType != DType::kIq4Nl;
  Unit u;
  unpack_of_row<kType>(row, unit, u);
  float sum = 0.0F;
#pragma unroll
  for (int run = 0; run < 2; ++run) {
    float dot = 0.0F;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const unsigned word = u.q[2 * run + i / 4];
      const auto at = static_cast<unsigned>(i % 4);
      dot = fmaf(
          kFits ? byte_fraction(word | 0x80808080U, at) : byte_value(word, at, unit_bias<kType>()),
          x[8 * run + i], dot);
    }
    if constexpr (kFits) {
      const float term = u.offset[run] - (128.0F + unit_bias<kType>()) * u.scale[run];
      sum += fmaf(128.0F * u.scale[run], dot, term * x_sums[run]);
    } else {
      sum = fmaf(u.scale[run], dot, sum);
    }
  }
  return sum;
}

/// Unit of a row. Rows of plain types must start at multiples of 16 bytes and have cols % 32 == 0.
template <DType kType>
KVLINK_DEVICE void decode_unit(const std::uint8_t* row, std::int64_t unit, float (&v)[kUnit]) {
  if constexpr (kType == DType::kF32) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const auto part = *reinterpret_cast<const float4*>(reinterpret_cast<const float*>(row) +
                                                         unit_element(unit, i / 2) + i % 2 * 4);
      v[4 * i] = part.x;
      v[4 * i + 1] = part.y;
      v[4 * i + 2] = part.z;
      v[4 * i + 3] = part.w;
    }
  } else if constexpr (is_plain<kType>()) {
#pragma unroll
    for (int run = 0; run < 2; ++run) {
      const auto part = *reinterpret_cast<const uint4*>(
          reinterpret_cast<const std::uint16_t*>(row) + unit_element(unit, run));
      const unsigned words[4] = {part.x, part.y, part.z, part.w};
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        const auto bits = static_cast<std::uint16_t>(words[i / 2] >> (16 * (i % 2)));
        v[8 * run + i] = kType == DType::kF16 ? f16_value(bits) : bf16_value(bits);
      }
    }
  } else {
    Unit u;
    unpack_of_row<kType>(row, unit, u);
#pragma unroll
    for (int i = 0; i < kUnit; ++i) {
      const float q = byte_value(u.q[i / 4], static_cast<unsigned>(i % 4), unit_bias<kType>());
      v[i] = fmaf(q, u.scale[i / 8], u.offset[i / 8]);
    }
  }
}

}  // namespace kvlink::cuda
