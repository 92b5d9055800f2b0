// SPDX-License-Identifier: Apache-2.0
// Super-blocks: 256 elements in groups whose scales are small integers times an f16.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "inference/convert/quantize.h"

namespace kvlink::inference {
namespace {

using detail::put_f16;

constexpr int kSuper = 256;
constexpr int kGroup = 32;
constexpr int kGroups = kSuper / kGroup;
/// Q2_K, Q3_K and Q6_K have a scale for every 16 elements.
constexpr int kPart = 16;
constexpr std::size_t kParts = kSuper / kPart;
/// Scales around the range of a group that are tried.
constexpr std::array<float, 7> kTried = {0.88F, 0.92F, 0.96F, 1.0F, 1.04F, 1.08F, 0.84F};

float as_f16(float value) { return f16_to_f32(f32_to_f16(value)); }

int code_of(float value, int least, int most) {
  return std::clamp(static_cast<int>(std::lround(std::clamp(value, -1e6F, 1e6F))), least, most);
}

/// A group as scale * code - minimum, both not negative.
struct Fit {
  float scale = 0.0F;
  float minimum = 0.0F;
  double error = 0.0;
};

/// Least squares for x = scale * code - minimum with the codes that `scale` and `minimum` give.
Fit refine(std::span<const float> x, float scale, float minimum, int most) {
  const auto n = static_cast<double>(x.size());
  double sum_q = 0;
  double sum_qq = 0;
  double sum_x = 0;
  double sum_qx = 0;
  std::array<int, kGroup> codes;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const int q = code_of((x[i] + minimum) / scale, 0, most);
    codes[i] = q;
    sum_q += q;
    sum_qq += q * q;
    sum_x += x[i];
    sum_qx += q * double{x[i]};
  }
  const double spread = n * sum_qq - sum_q * sum_q;
  Fit fit{scale, minimum, 0.0};
  if (spread > 0) {
    const double best_scale = (n * sum_qx - sum_q * sum_x) / spread;
    const double best_minimum = (best_scale * sum_q - sum_x) / n;
    if (best_scale > 0) {
      fit.scale = static_cast<float>(best_scale);
      fit.minimum = static_cast<float>(std::max(best_minimum, 0.0));
    }
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double e = double{fit.scale} * codes[i] - fit.minimum - x[i];
    fit.error += e * e;
  }
  return fit;
}

Fit fit_group(std::span<const float> x, int most) {
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  const float minimum = std::max(-*low, 0.0F);
  const float range = *high + minimum;
  if (!(range > 0.0F)) return {0.0F, minimum, 0.0};
  Fit best{range / static_cast<float>(most), minimum, 1e300};
  for (const float tried : kTried) {
    const float scale = tried * range / static_cast<float>(most);
    if (!(scale > 1e-35F)) continue;
    const Fit fit = refine(x, scale, minimum, most);
    if (fit.error < best.error) best = fit;
  }
  return best;
}

/// Six-bit scales and minima of eight groups in twelve bytes.
void pack_scales(const std::array<int, kGroups>& scales, const std::array<int, kGroups>& minima,
                 std::byte* out) {
  for (std::size_t g = 0; g < 4; ++g) {
    out[g] = std::byte(scales[g] | (scales[g + 4] >> 4) << 6);
    out[g + 4] = std::byte(minima[g] | (minima[g + 4] >> 4) << 6);
    out[g + 8] = std::byte((scales[g + 4] & 0xF) | (minima[g + 4] & 0xF) << 4);
  }
}

/// What Q2_K, Q4_K and Q5_K share: kCount groups of codes from 0 on, times integers, minus
/// integers, each times one number.
template <std::size_t kCount>
struct OffsetBlock {
  bool fits_f16 = true;
  std::array<int, kCount> scales = {};
  std::array<int, kCount> minima = {};
  std::array<std::uint8_t, kSuper> codes = {};
};

/// Both numbers go to `steps`; codes are 0 to `most`, integers 0 to max_scale.
template <std::size_t kCount>
OffsetBlock<kCount> offset_super_block(const float* x, int most, int max_scale, std::byte* steps) {
  constexpr std::size_t kLength = kSuper / kCount;
  std::array<Fit, kCount> fits;
  float largest_scale = 0;
  float largest_minimum = 0;
  for (std::size_t g = 0; g < kCount; ++g) {
    fits[g] = fit_group(std::span(x + g * kLength, kLength), most);
    largest_scale = std::max(largest_scale, fits[g].scale);
    largest_minimum = std::max(largest_minimum, fits[g].minimum);
  }
  const float exact = largest_scale / static_cast<float>(max_scale);
  const float exact_minimum = largest_minimum / static_cast<float>(max_scale);
  OffsetBlock<kCount> block;
  block.fits_f16 = put_f16(exact, steps);
  block.fits_f16 = put_f16(exact_minimum, steps + 2) && block.fits_f16;
  const float d = as_f16(exact);
  const float d_minimum = as_f16(exact_minimum);
  for (std::size_t g = 0; g < kCount; ++g) {
    if (d > 0) block.scales[g] = code_of(fits[g].scale / d, 0, max_scale);
    if (d_minimum > 0) block.minima[g] = code_of(fits[g].minimum / d_minimum, 0, max_scale);
    const float scale = d * static_cast<float>(block.scales[g]);
    const float minimum = d_minimum * static_cast<float>(block.minima[g]);
    for (std::size_t i = g * kLength; i < (g + 1) * kLength; ++i) {
      block.codes[i] =
          static_cast<std::uint8_t>(scale > 0 ? code_of((x[i] + minimum) / scale, 0, most) : 0);
    }
  }
  return block;
}

/// Of Q4_K and Q5_K: the 16 bytes in front, and the codes.
OffsetBlock<kGroups> with_packed_scales(const float* x, int most, std::byte* head) {
  auto block = offset_super_block<kGroups>(x, most, 63, head);
  pack_scales(block.scales, block.minima, head + 4);
  return block;
}

/// The scale of 16 elements with codes of `least`, which is negative, to -least - 1.
float fit_signed(const float* x, int least) {
  float largest = 0;
  for (int i = 0; i < kPart; ++i) {
    if (std::abs(x[i]) > std::abs(largest)) largest = x[i];
  }
  if (!(std::abs(largest) > 1e-33F)) return 0.0F;
  float best = largest / static_cast<float>(least);
  double best_error = 1e300;
  for (const float tried : kTried) {
    const float start = tried * largest / static_cast<float>(least);
    double sum_qq = 0;
    double sum_qx = 0;
    std::array<int, kPart> codes;
    for (std::size_t i = 0; i < kPart; ++i) {
      codes[i] = code_of(x[i] / start, least, -least - 1);
      sum_qq += codes[i] * codes[i];
      sum_qx += codes[i] * double{x[i]};
    }
    const double scale = sum_qq > 0 ? sum_qx / sum_qq : start;
    double error = 0;
    for (std::size_t i = 0; i < kPart; ++i) {
      error += (scale * codes[i] - x[i]) * (scale * codes[i] - x[i]);
    }
    if (error < best_error) {
      best_error = error;
      best = static_cast<float>(scale);
    }
  }
  return best;
}

/// What Q3_K and Q6_K share: codes around zero, times integers around zero, times one number.
struct SignedBlock {
  bool fits_f16;
  std::array<int, kParts> scales;
  std::array<std::uint8_t, kSuper> codes;  ///< from 0 on
};

/// d goes to `step`; its codes are `least` to -least - 1, scales `least_scale` to -least_scale - 1.
SignedBlock signed_super_block(const float* x, int least, int least_scale, std::byte* step) {
  std::array<float, kParts> wanted;
  float largest = 0;
  for (std::size_t p = 0; p < kParts; ++p) {
    wanted[p] = fit_signed(x + p * kPart, least);
    if (std::abs(wanted[p]) > std::abs(largest)) largest = wanted[p];
  }
  const float exact = largest / static_cast<float>(least_scale);
  SignedBlock block{.fits_f16 = put_f16(exact, step), .scales = {}, .codes = {}};
  const float d = as_f16(exact);
  for (std::size_t p = 0; p < kParts; ++p) {
    block.scales[p] = d == 0 ? 0 : code_of(wanted[p] / d, least_scale, -least_scale - 1);
    const float scale = d * static_cast<float>(block.scales[p]);
    for (std::size_t i = p * kPart; i < (p + 1) * kPart; ++i) {
      const int code = scale == 0 ? 0 : code_of(x[i] / scale, least, -least - 1);
      block.codes[i] = static_cast<std::uint8_t>(code - least);
    }
  }
  return block;
}

/// The two low bits of every code: 32 elements of four groups in a byte each.
void put_two_bits(const std::array<std::uint8_t, kSuper>& codes, std::byte* out) {
  std::fill_n(out, kSuper / 4, std::byte(0));
  for (std::size_t i = 0; i < kSuper; ++i) {
    const std::size_t group = i / kGroup;
    out[group / 4 * kGroup + i % kGroup] |= std::byte((codes[i] & 3) << (group % 4 * 2));
  }
}

}  // namespace

namespace detail {

bool quantize_q2_k(const float* x, std::byte* out) {
  const auto block = offset_super_block<kParts>(x, 3, 15, out + 80);
  for (std::size_t p = 0; p < kParts; ++p) {
    out[p] = std::byte(block.scales[p] | block.minima[p] << 4);
  }
  put_two_bits(block.codes, out + 16);
  return block.fits_f16;
}

bool quantize_q3_k(const float* x, std::byte* out) {
  const SignedBlock block = signed_super_block(x, -4, -32, out + 108);
  std::fill_n(out, kGroup, std::byte(0));
  for (std::size_t i = 0; i < kSuper; ++i) {
    out[i % kGroup] |= std::byte((block.codes[i] >> 2) << (i / kGroup));
  }
  put_two_bits(block.codes, out + 32);
  // Six bits of sixteen scales: the low four of part p beside those of part p + 8, the high two of
  // four parts in a byte.
  std::fill_n(out + 96, 12, std::byte(0));
  for (std::size_t p = 0; p < kParts; ++p) {
    const int scale = block.scales[p] + 32;
    out[96 + p % 8] |= std::byte((scale & 0xF) << (p / 8 * 4));
    out[104 + p % 4] |= std::byte((scale >> 4) << (p / 4 * 2));
  }
  return block.fits_f16;
}

bool quantize_q4_k(const float* x, std::byte* out) {
  const auto block = with_packed_scales(x, 15, out);
  for (std::size_t i = 0; i < 128; ++i) {
    const std::size_t low = i / 32 * 64 + i % 32;
    out[16 + i] = std::byte(block.codes[low] | block.codes[low + 32] << 4);
  }
  return block.fits_f16;
}

bool quantize_q5_k(const float* x, std::byte* out) {
  const auto block = with_packed_scales(x, 31, out);
  std::fill_n(out + 16, 32, std::byte(0));
  for (std::size_t i = 0; i < kSuper; ++i) {
    // Bit g of byte l: the fifth bit of element l of group g.
    out[16 + i % 32] |= std::byte((block.codes[i] >> 4) << (i / 32));
  }
  for (std::size_t i = 0; i < 128; ++i) {
    const std::size_t low = i / 32 * 64 + i % 32;
    out[48 + i] = std::byte((block.codes[low] & 0xF) | (block.codes[low + 32] & 0xF) << 4);
  }
  return block.fits_f16;
}

bool quantize_q6_k(const float* x, std::byte* out) {
  const SignedBlock block = signed_super_block(x, -32, -128, out + 208);
  for (std::size_t p = 0; p < kParts; ++p) {
    out[192 + p] = std::byte(static_cast<std::uint8_t>(static_cast<std::int8_t>(block.scales[p])));
  }
  for (std::size_t half = 0; half < 2; ++half) {
    const std::uint8_t* q = block.codes.data() + half * 128;
    for (std::size_t i = 0; i < 64; ++i) {
      out[half * 64 + i] = std::byte((q[i] & 0xF) | (q[i + 64] & 0xF) << 4);
    }
    for (std::size_t i = 0; i < 32; ++i) {
      out[128 + half * 32 + i] = std::byte((q[i] >> 4) | (q[i + 32] >> 4) << 2 |
                                           (q[i + 64] >> 4) << 4 | (q[i + 96] >> 4) << 6);
    }
  }
  return block.fits_f16;
}

}  // namespace detail
}  // namespace kvlink::inference
