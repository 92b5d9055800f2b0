// SPDX-License-Identifier: Apache-2.0
// Element types of weights, activations and KV, and the sizes of their blocks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kvlink {

/// Persistent in KV block files: append only, do not renumber.
enum class DType : std::uint8_t {
  kF32 = 0,
  kF16 = 1,
  kBF16 = 2,
  kQ8_0 = 3,  ///< GGUF: 32 int8 + one f16 scale
  kQ4_0 = 4,  ///< GGUF: 32 4-bit + one f16 scale
  kQ4_1 = 5,  ///< GGUF: 32 4-bit + f16 scale + f16 minimum
  kQ8Kv = 6,  ///< KV only: int8; K one f32 scale per channel, V one f32 scale per token
  // From here on weights only, as GGUF stores them. "Super-block": 256 elements whose scales (and
  // minima) are small integers times an f16.
  kQ5_0 = 7,    ///< 32 5-bit + f16 scale
  kQ5_1 = 8,    ///< 32 5-bit + f16 scale + f16 minimum
  kQ2K = 9,     ///< super-block of 2-bit, 16 scales and minima of 4 bits
  kQ3K = 10,    ///< super-block of 3-bit, 16 scales of 6 bits
  kQ4K = 11,    ///< super-block of 4-bit, 8 scales and minima of 6 bits
  kQ5K = 12,    ///< super-block of 5-bit, 8 scales and minima of 6 bits
  kQ6K = 13,    ///< super-block of 6-bit, 16 scales of 8 bits
  kIq4Nl = 14,  ///< 32 indices into a table of 16 levels + f16 scale
};

/// Elements in one quantisation block along a row (1 for plain types).
constexpr std::int64_t block_elements(DType t) {
  switch (t) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kQ8Kv:
      return 1;
    case DType::kQ8_0:
    case DType::kQ4_0:
    case DType::kQ4_1:
    case DType::kQ5_0:
    case DType::kQ5_1:
    case DType::kIq4Nl:
      return 32;
    case DType::kQ2K:
    case DType::kQ3K:
    case DType::kQ4K:
    case DType::kQ5K:
    case DType::kQ6K:
      return 256;
  }
  return 1;
}

/// Bytes of one block of block_elements(t) elements.
constexpr std::int64_t block_bytes(DType t) {
  switch (t) {
    case DType::kF32:
      return 4;
    case DType::kF16:
      return 2;
    case DType::kBF16:
      return 2;
    case DType::kQ8_0:
      return 34;
    case DType::kQ4_0:
      return 18;
    case DType::kQ4_1:
      return 20;
    case DType::kQ8Kv:
      return 1;
    case DType::kQ5_0:
      return 22;
    case DType::kQ5_1:
      return 24;
    case DType::kQ2K:
      return 84;
    case DType::kQ3K:
      return 110;
    case DType::kQ4K:
      return 144;
    case DType::kQ5K:
      return 176;
    case DType::kQ6K:
      return 210;
    case DType::kIq4Nl:
      return 18;
  }
  return 0;
}

/// Bytes of a row of n elements; n must be a multiple of block_elements(t).
constexpr std::int64_t row_bytes(DType t, std::int64_t n) {
  return n / block_elements(t) * block_bytes(t);
}

/// "f16", "q4_1", "q8" …
const char* dtype_name(DType t);

/// IEEE binary16 and bfloat16 bit patterns to and from float (round to nearest even).
float f16_to_f32(std::uint16_t bits);
std::uint16_t f32_to_f16(float value);
float bf16_to_f32(std::uint16_t bits);
std::uint16_t f32_to_bf16(float value);

}  // namespace kvlink
