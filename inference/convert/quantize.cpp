// SPDX-License-Identifier: Apache-2.0
#include "inference/convert/quantize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

constexpr int kBlock = 32;
constexpr int kHalf = kBlock / 2;

using detail::put_f16;

/// 1 / d; 0 for a step of zero or one so small that its inverse is no number.
float inverse(float d) {
  const float inverted = d == 0.0F ? 0.0F : 1.0F / d;
  return std::isfinite(inverted) ? inverted : 0.0F;
}

std::uint8_t clamp_code(float value, int most) {
  return static_cast<std::uint8_t>(std::clamp(static_cast<int>(value), 0, most));
}

/// The element of largest magnitude, the first of equals, with its sign.
float extreme(const float* x) {
  float found = x[0];
  for (int i = 1; i < kBlock; ++i) {
    if (std::abs(x[i]) > std::abs(found)) found = x[i];
  }
  return found;
}

/// Nibbles: element i low, element i + 16 high.
void put_nibbles(const std::uint8_t* codes, std::byte* out) {
  for (int i = 0; i < kHalf; ++i) {
    out[i] = std::byte((codes[i] & 0x0F) | (codes[i + kHalf] & 0x0F) << 4);
  }
}

/// The fifth bits, element i in bit i.
void put_fifth_bits(const std::uint8_t* codes, std::byte* out) {
  std::uint32_t bits = 0;
  for (int i = 0; i < kBlock; ++i) bits |= static_cast<std::uint32_t>(codes[i] >> 4) << i;
  std::memcpy(out, &bits, sizeof(bits));
}

/// Q4_0 and Q5_0: symmetric codes around 2^(n_bits - 1).
bool symmetric_block(const float* x, int n_bits, std::byte* out) {
  const int middle = 1 << (n_bits - 1);
  const float d = extreme(x) / static_cast<float>(-middle);
  const float scale = inverse(d);
  std::uint8_t codes[kBlock];
  for (int i = 0; i < kBlock; ++i) {
    codes[i] = clamp_code(x[i] * scale + (static_cast<float>(middle) + 0.5F), 2 * middle - 1);
  }
  if (n_bits == 5) put_fifth_bits(codes, out + 2);
  put_nibbles(codes, out + (n_bits == 5 ? 6 : 2));
  return put_f16(d, out);
}

/// Q4_1 and Q5_1: codes from the block's minimum.
bool offset_block(const float* x, int n_bits, std::byte* out) {
  const auto [low, high] = std::minmax_element(x, x + kBlock);
  const int most = (1 << n_bits) - 1;
  const float d = (*high - *low) / static_cast<float>(most);
  const float scale = inverse(d);
  std::uint8_t codes[kBlock];
  for (int i = 0; i < kBlock; ++i) codes[i] = clamp_code((x[i] - *low) * scale + 0.5F, most);
  if (n_bits == 5) put_fifth_bits(codes, out + 4);
  put_nibbles(codes, out + (n_bits == 5 ? 8 : 4));
  const bool step_fits = put_f16(d, out);
  return put_f16(*low, out + 2) && step_fits;
}

bool q8_block(const float* x, std::byte* out) {
  const float d = std::abs(extreme(x)) / 127.0F;
  const float scale = inverse(d);
  for (int i = 0; i < kBlock; ++i) {
    out[2 + i] = std::byte(static_cast<std::uint8_t>(static_cast<int>(std::round(x[i] * scale))));
  }
  return put_f16(d, out);
}

/// IQ4_NL: codes are places in a table of levels that lie closer around zero.
constexpr std::array<float, 16> kLevels = {-127, -104, -83, -65, -49, -35, -22, -10,
                                           1,    13,   25,  38,  53,  69,  89,  113};

/// The level nearest to `value`.
std::uint8_t nearest_level(float value) {
  const auto above = std::lower_bound(kLevels.begin(), kLevels.end(), value);
  if (above == kLevels.begin()) return 0;
  const bool is_lower = above == kLevels.end() || value - above[-1] <= *above - value;
  return static_cast<std::uint8_t>(above - kLevels.begin() - (is_lower ? 1 : 0));
}

/// The step, of a few that bring the largest number near either end of the table, that leaves the
/// smallest squared error once the levels are chosen.
float fit_levels(const float* x) {
  const float largest = extreme(x);
  float best = 0.0F;
  double best_error = std::numeric_limits<double>::infinity();
  for (const float end : {kLevels.front(), kLevels.back()}) {
    for (const float tried : {0.84F, 0.88F, 0.92F, 0.96F, 1.0F, 1.04F, 1.08F}) {
      const float scale = inverse(tried * largest / end);
      double sum_qq = 0;
      double sum_qx = 0;
      double sum_xx = 0;
      for (int i = 0; i < kBlock; ++i) {
        const double level = kLevels[nearest_level(x[i] * scale)];
        sum_qq += level * level;
        sum_qx += level * double{x[i]};
        sum_xx += double{x[i]} * x[i];
      }
      // Of the best step for these levels.
      const double error = sum_xx - sum_qx * sum_qx / sum_qq;
      if (error < best_error) {
        best_error = error;
        best = static_cast<float>(sum_qx / sum_qq);
      }
    }
  }
  return best;
}

bool level_block(const float* x, std::byte* out) {
  const float d = fit_levels(x);
  const float scale = inverse(f16_to_f32(f32_to_f16(d)));
  std::uint8_t codes[kBlock];
  for (int i = 0; i < kBlock; ++i) codes[i] = nearest_level(x[i] * scale);
  put_nibbles(codes, out + 2);
  return put_f16(d, out);
}

bool halves(std::span<const float> x, std::byte* out) {
  bool fits = true;
  for (std::size_t i = 0; i < x.size(); ++i) fits = put_f16(x[i], out + 2 * i) && fits;
  return fits;
}

bool brain_halves(std::span<const float> x, std::byte* out) {
  bool fits = true;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::uint16_t bits = f32_to_bf16(x[i]);
    std::memcpy(out + 2 * i, &bits, sizeof(bits));
    fits = fits && (bits & 0x7F80U) != 0x7F80U;
  }
  return fits;
}

bool quantize_block(DType dtype, const float* x, std::byte* out) {
  switch (dtype) {
    case DType::kQ8_0:
      return q8_block(x, out);
    case DType::kQ4_0:
      return symmetric_block(x, 4, out);
    case DType::kQ5_0:
      return symmetric_block(x, 5, out);
    case DType::kQ4_1:
      return offset_block(x, 4, out);
    case DType::kQ5_1:
      return offset_block(x, 5, out);
    case DType::kIq4Nl:
      return level_block(x, out);
    case DType::kQ2K:
      return detail::quantize_q2_k(x, out);
    case DType::kQ3K:
      return detail::quantize_q3_k(x, out);
    case DType::kQ4K:
      return detail::quantize_q4_k(x, out);
    case DType::kQ5K:
      return detail::quantize_q5_k(x, out);
    default:
      return detail::quantize_q6_k(x, out);
  }
}

}  // namespace

bool detail::put_f16(float value, std::byte* out) {
  const std::uint16_t bits = f32_to_f16(value);
  std::memcpy(out, &bits, sizeof(bits));
  return (bits & 0x7C00U) != 0x7C00U;
}

bool can_quantize(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kQ8_0:
    case DType::kQ4_0:
    case DType::kQ4_1:
    case DType::kQ5_0:
    case DType::kQ5_1:
    case DType::kIq4Nl:
    case DType::kQ2K:
    case DType::kQ3K:
    case DType::kQ4K:
    case DType::kQ5K:
    case DType::kQ6K:
      return true;
    default:
      return false;
  }
}

bool quantize_row(DType dtype, std::span<const float> x, std::byte* out) {
  KVLINK_CHECK(can_quantize(dtype));
  const auto step = static_cast<std::size_t>(block_elements(dtype));
  KVLINK_CHECK(x.size() % step == 0);
  if (dtype == DType::kF16) return halves(x, out);
  if (dtype == DType::kBF16) return brain_halves(x, out);
  if (dtype == DType::kF32) {
    std::memcpy(out, x.data(), x.size_bytes());
    return true;
  }
  bool fits = true;
  for (std::size_t i = 0; i < x.size(); i += step) {
    fits = quantize_block(dtype, x.data() + i, out) && fits;
    out += block_bytes(dtype);
  }
  return fits;
}

}  // namespace kvlink::inference
