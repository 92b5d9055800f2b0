// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/product_check.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/packed_weights.h"

namespace kvlink::kernels {
namespace {

// More groups than a kernel takes at a time, and rows that are no multiple of its tiles.
constexpr std::int64_t kGroups = 19;
constexpr std::int64_t kInputs = kGroups * PackedWeights::kGroup;
constexpr std::int64_t kRows = 71;
constexpr std::int64_t kOutputs = 56;
constexpr std::int64_t kBlockOutputs = 16;
constexpr std::int64_t kBlocks = (kOutputs + kBlockOutputs - 1) / kBlockOutputs;

constexpr PackedFormat kFormats[] = {{.bits = 4, .zero = 8},
                                     {.bits = 4, .has_minimum = true},
                                     {.bits = 4, .n_halves = 2, .has_minimum = true},
                                     {.bits = 8, .has_minimum = true},
                                     {.bits = 8, .n_halves = 2, .zero = 32},
                                     {.bits = 8, .zero = 128}};

/// The same numbers everywhere (Lehmer's generator).
class Noise {
 public:
  std::uint32_t next() {
    state_ = state_ * 48271 % 2147483647;
    return static_cast<std::uint32_t>(state_ >> 8);
  }

 private:
  std::uint64_t state_ = 20231;
};

std::vector<float> make_rows() {
  Noise noise;
  std::vector<float> rows(static_cast<std::size_t>(kRows * kInputs));
  for (float& x : rows) x = static_cast<float>(noise.next() % 4001) * 1e-3F - 2.0F;
  return rows;
}

/// Random codes behind each other, with halves between 0.0078 and 0.031 for scales and minima.
std::vector<std::byte> make_panel(const PackedFormat& format) {
  Noise noise;
  const std::int64_t step = PackedWeights::record_bytes(format, kOutputs);
  std::vector<std::byte> panel(static_cast<std::size_t>(kGroups * step));
  for (std::byte& byte : panel) byte = static_cast<std::byte>(noise.next());
  const std::int64_t codes = kBlocks * PackedWeights::kGroup * kBlockOutputs * format.bits / 8;
  for (std::int64_t g = 0; g < kGroups; ++g) {
    for (std::int64_t at = codes; at < step; at += 2) {
      const auto half = static_cast<std::uint16_t>(0x2000U + noise.next() % 0x0800U);
      std::memcpy(panel.data() + g * step + at, &half, 2);
    }
  }
  return panel;
}

std::vector<float> multiply(const IntTable& table, const PackedFormat& format,
                            const std::vector<float>& x, const std::vector<std::byte>& panel) {
  QuantizedRows to = quantized_layout(kGroups, format.n_halves);
  std::vector<std::byte> bytes(static_cast<std::size_t>(kRows * to.stride));
  to.rows = bytes.data();
  for (std::int64_t row = 0; row < kRows; ++row) {
    table.quantize({.x = x.data() + row * kInputs,
                    .n_groups = kGroups,
                    .n_halves = format.n_halves,
                    .zero = format.zero,
                    .has_minimum = format.has_minimum,
                    .to = to,
                    .row = row,
                    .rest = nullptr});
  }
  std::vector<float> y(static_cast<std::size_t>(kRows * kOutputs));
  for (const bool accumulate : {false, true}) {
    table.int_dot({.x = to,
                   .m = kRows,
                   .n_groups = kGroups,
                   .bits = format.bits,
                   .n_halves = format.n_halves,
                   .has_minimum = format.has_minimum,
                   .panel = panel.data(),
                   .record_bytes = PackedWeights::record_bytes(format, kOutputs),
                   .n_blocks = kBlocks,
                   .n_outputs = kOutputs,
                   .prefetch_bytes = 0,
                   .y = y.data(),
                   .y_stride = kOutputs,
                   .accumulate = accumulate});
  }
  return y;
}

/// c = a * b twice over, of numbers around zero.
std::vector<float> multiply(const Bf16Table& table, std::int64_t m, std::int64_t n,
                            std::int64_t n_pairs) {
  Noise noise;
  const auto pairs = [&](std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>((2 * count + 31) / 32 * 32));
    for (float& x : values) x = static_cast<float>(noise.next() % 4001) * 1e-3F - 2.0F;
    std::vector<std::uint32_t> rounded(values.size() / 2);
    table.round_row(values.data(), static_cast<std::int64_t>(values.size()), rounded.data());
    return rounded;
  };
  const std::vector<std::uint32_t> a = pairs(m * n_pairs);
  const std::vector<std::uint32_t> b = pairs(n_pairs * n);
  std::vector<float> c(static_cast<std::size_t>(m * n));
  for (const bool accumulate : {false, true}) {
    table.gemm({m, n, n_pairs, a.data(), n_pairs, b.data(), n, c.data(), n, accumulate});
  }
  return c;
}

}  // namespace

bool products_agree(const IntTable& one, const IntTable& other) {
  const std::vector<float> x = make_rows();
  for (const PackedFormat& format : kFormats) {
    const std::vector<std::byte> panel = make_panel(format);
    if (multiply(one, format, x, panel) != multiply(other, format, x, panel)) return false;
  }
  return true;
}

bool products_agree(const Bf16Table& one, const Bf16Table& other) {
  constexpr std::int64_t kPairs = 48;
  // Of the 192 terms of a sum, none of which exceeds 4, whatever the order.
  constexpr float kRounding = 192 * 4 * 1e-6F;
  for (const std::int64_t m : {16, 45}) {
    for (const std::int64_t n : {16, 48}) {
      const std::vector<float> a = multiply(one, m, n, kPairs);
      const std::vector<float> b = multiply(other, m, n, kPairs);
      for (std::size_t i = 0; i < a.size(); ++i) {
        // Written so that a NaN disagrees.
        if (!(std::abs(a[i] - b[i]) <= kRounding)) return false;
      }
    }
  }
  return true;
}

}  // namespace kvlink::kernels
