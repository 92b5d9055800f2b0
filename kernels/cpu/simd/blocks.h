// SPDX-License-Identifier: Apache-2.0
// The GGUF blocks whose numbers lie scattered: small integers of one group first, then one product.
// Included once per instruction set, inside its namespace.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/dtype.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

// Every path works in groups of 32 elements, the block of the simple quantised types.
constexpr std::int64_t kGroup = 32;
constexpr int kGroupVecs = static_cast<int>(kGroup / kWidth);

inline float half_at(const std::byte* p) {
  std::uint16_t bits;
  __builtin_memcpy(&bits, p, 2);
#if KVLINK_ISA_LEVEL == 0
  return f16_to_f32(bits);
#else
  return _cvtsh_ss(bits);
#endif
}

/// Element i of a group is scales[i / 16] * q[i] + offsets[i / 16].
///
/// The product is exact in f32 wherever an offset follows (11 bits of an f16, at most 6 of a scale,
/// at most 5 of an element), so every instruction set gives the same bits, fused or not.
struct Group {
  alignas(32) std::int8_t q[kGroup];
  float scales[2];
  float offsets[2];
};

template <DType kType>
constexpr bool has_offsets() {
  return kType == DType::kQ5_1 || kType == DType::kQ2K || kType == DType::kQ4K ||
         kType == DType::kQ5K;
}

template <DType kType>
inline void scale_group(const Group& group, Vec* out) {
  for (int i = 0; i < kGroupVecs; ++i) {
    const std::int64_t half = i * kWidth / 16;
    const Vec q = load_i8(group.q + i * kWidth);
    if constexpr (has_offsets<kType>()) {
      out[i] = fma(q, set1(group.scales[half]), set1(group.offsets[half]));
    } else {
      out[i] = mul(q, set1(group.scales[half]));
    }
  }
}

inline float half_at(const std::uint8_t* p) {
  return half_at(reinterpret_cast<const std::byte*>(p));
}

/// 5-bit numbers: nibbles at `nibbles`, low halves first, and their top bits in 32 bits.
inline void unpack_five_bits(const std::uint8_t* nibbles, const std::uint8_t* top, int minus,
                             std::int8_t* q) {
  std::uint32_t bits;
  __builtin_memcpy(&bits, top, 4);
  for (int i = 0; i < 16; ++i) {
    const auto low = static_cast<int>((nibbles[i] & 15U) | (bits >> i & 1U) << 4);
    const auto high = static_cast<int>((nibbles[i] >> 4U) | (bits >> (i + 16) & 1U) << 4);
    q[i] = static_cast<std::int8_t>(low - minus);
    q[i + 16] = static_cast<std::int8_t>(high - minus);
  }
}

/// 6-bit scale and minimum of one of the eight groups of a Q4_K or Q5_K super-block.
inline void unpack_scale_and_minimum(const std::uint8_t* p, int sub, unsigned& scale,
                                     unsigned& minimum) {
  if (sub < 4) {
    scale = p[sub] & 63U;
    minimum = p[sub + 4] & 63U;
  } else {
    scale = (p[sub + 4] & 15U) | (p[sub - 4] >> 6U) << 4;
    minimum = (p[sub + 4] >> 4U) | (p[sub] >> 6U) << 4;
  }
}

inline void set_both(float scale, float offset, Group& group) {
  group.scales[0] = group.scales[1] = scale;
  group.offsets[0] = group.offsets[1] = offset;
}

inline void unpack_q2k(const std::uint8_t* p, int sub, Group& group) {
  const std::uint8_t* bits = p + 16 + sub / 4 * 32;
  const int shift = sub % 4 * 2;
  for (int i = 0; i < kGroup; ++i) group.q[i] = static_cast<std::int8_t>(bits[i] >> shift & 3);
  const float scale = half_at(p + 80);
  const float minimum = half_at(p + 82);
  for (int half = 0; half < 2; ++half) {
    const std::uint8_t both = p[sub * 2 + half];
    group.scales[half] = scale * static_cast<float>(both & 15);
    group.offsets[half] = -(minimum * static_cast<float>(both >> 4));
  }
}

inline void unpack_q3k(const std::uint8_t* p, int sub, Group& group) {
  const std::uint8_t* bits = p + 32 + sub / 4 * 32;
  const int shift = sub % 4 * 2;
  for (int i = 0; i < kGroup; ++i) {
    const int top = p[i] >> sub & 1;
    group.q[i] = static_cast<std::int8_t>((bits[i] >> shift & 3) + 4 * top - 4);
  }
  const std::uint8_t* packed = p + 96;
  const float scale = half_at(p + 108);
  for (int half = 0; half < 2; ++half) {
    const int index = sub * 2 + half;
    const int low = index < 8 ? packed[index] & 15 : packed[index - 8] >> 4;
    const int high = packed[8 + index % 4] >> (index / 4 * 2) & 3;
    group.scales[half] = scale * static_cast<float>((low | high << 4) - 32);
  }
}

/// Q4_K, and Q5_K with its fifth bits at `top`.
inline void unpack_q45k(const std::uint8_t* p, const std::uint8_t* top, const std::uint8_t* nibbles,
                        int sub, Group& group) {
  const std::uint8_t* bits = nibbles + sub / 2 * 32;
  const int shift = sub % 2 * 4;
  for (int i = 0; i < kGroup; ++i) group.q[i] = static_cast<std::int8_t>(bits[i] >> shift & 15);
  if (top != nullptr) {
    for (int i = 0; i < kGroup; ++i) {
      group.q[i] = static_cast<std::int8_t>(group.q[i] | (top[i] >> sub & 1) << 4);
    }
  }
  unsigned scale = 0;
  unsigned minimum = 0;
  unpack_scale_and_minimum(p + 4, sub, scale, minimum);
  set_both(half_at(p) * static_cast<float>(scale), -(half_at(p + 2) * static_cast<float>(minimum)),
           group);
}

inline void unpack_q6k(const std::uint8_t* p, int sub, Group& group) {
  const std::uint8_t* low = p + sub / 4 * 64 + sub % 2 * 32;
  const std::uint8_t* high = p + 128 + sub / 4 * 32;
  const int low_shift = sub % 4 / 2 * 4;
  const int high_shift = sub % 4 * 2;
  for (int i = 0; i < kGroup; ++i) {
    const int q = (low[i] >> low_shift & 15) | (high[i] >> high_shift & 3) << 4;
    group.q[i] = static_cast<std::int8_t>(q - 32);
  }
  const float scale = half_at(p + 208);
  for (int half = 0; half < 2; ++half) {
    const auto factor = static_cast<std::int8_t>(p[192 + sub * 2 + half]);
    group.scales[half] = scale * static_cast<float>(factor);
  }
}

inline void unpack_iq4nl(const std::uint8_t* p, Group& group) {
  constexpr std::int8_t kLevels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                       1,    13,   25,  38,  53,  69,  89,  113};
  for (int i = 0; i < 16; ++i) {
    group.q[i] = kLevels[p[2 + i] & 15];
    group.q[i + 16] = kLevels[p[2 + i] >> 4];
  }
  set_both(half_at(p), 0.0F, group);
}

/// Group `sub` of the block at p (0 to 7; blocks of 32 elements have one group and ignore it).
template <DType kType>
inline void unpack(const std::uint8_t* p, int sub, Group& group) {
  if constexpr (kType == DType::kQ5_0) {
    unpack_five_bits(p + 6, p + 2, 16, group.q);
    set_both(half_at(p), 0.0F, group);
  } else if constexpr (kType == DType::kQ5_1) {
    unpack_five_bits(p + 8, p + 4, 0, group.q);
    set_both(half_at(p), half_at(p + 2), group);
  } else if constexpr (kType == DType::kQ2K) {
    unpack_q2k(p, sub, group);
  } else if constexpr (kType == DType::kQ3K) {
    unpack_q3k(p, sub, group);
  } else if constexpr (kType == DType::kQ4K) {
    unpack_q45k(p, nullptr, p + 16, sub, group);
  } else if constexpr (kType == DType::kQ5K) {
    unpack_q45k(p, p + 16, p + 48, sub, group);
  } else if constexpr (kType == DType::kQ6K) {
    unpack_q6k(p, sub, group);
  } else {
    static_assert(kType == DType::kIq4Nl);
    unpack_iq4nl(p, group);
  }
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
