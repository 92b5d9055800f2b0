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
};

/// Elements in one quantisation block along a row (1 for plain types).
constexpr std::int64_t block_elements(DType t) {
  return t == DType::kQ8_0 || t == DType::kQ4_0 || t == DType::kQ4_1 ? 32 : 1;
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
