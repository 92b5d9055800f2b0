// SPDX-License-Identifier: Apache-2.0
// Every op once more, naive and in f64, written from its formula; and random material.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernels/base/dtype.h"
#include "kernels/base/view.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/embed.h"
#include "kernels/rope.h"
#include "tests/support/tolerances.h"

namespace kvlink::kernels::tests {

using kvlink::tests::Tolerance;

/// Row-major f64 matrix.
struct Matrix {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::vector<double> values;

  Matrix(std::int64_t r, std::int64_t c)
      : rows(r), cols(c), values(static_cast<std::size_t>(r * c)) {}
  double& at(std::int64_t r, std::int64_t c) {
    return values[static_cast<std::size_t>(r * cols + c)];
  }
  double at(std::int64_t r, std::int64_t c) const {
    return values[static_cast<std::size_t>(r * cols + c)];
  }
};

/// f32 rows with a stride; elements between rows carry a mark that no op may touch.
class Rows {
 public:
  static constexpr float kMark = -77.25F;

  Rows(std::int64_t rows, std::int64_t cols, std::int64_t gap = 0)
      : rows_(rows),
        cols_(cols),
        stride_(cols + gap),
        values_(static_cast<std::size_t>(rows * stride_), kMark) {}
  View<float> view() { return {values_.data(), rows_, cols_, stride_}; }
  View<const float> view() const {
    return View<const float>(values_.data(), rows_, cols_, stride_);
  }
  float at(std::int64_t r, std::int64_t c) const {
    return values_[static_cast<std::size_t>(r * stride_ + c)];
  }
  bool gaps_are_untouched() const {
    for (std::int64_t r = 0; r < rows_; ++r) {
      for (std::int64_t c = cols_; c < stride_; ++c) {
        if (at(r, c) != kMark) return false;
      }
    }
    return true;
  }
  bool operator==(const Rows&) const = default;

 private:
  std::int64_t rows_, cols_, stride_;
  std::vector<float> values_;
};

inline Rows random_rows(std::int64_t rows, std::int64_t cols, unsigned seed, std::int64_t gap = 0,
                        float spread = 1.0F) {
  Rows x(rows, cols, gap);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < cols; ++c) x.view().row(r)[c] = normal(random);
  }
  return x;
}

inline Matrix matrix_of(const Rows& x) {
  Matrix m(x.view().rows, x.view().cols);
  for (std::int64_t r = 0; r < m.rows; ++r) {
    for (std::int64_t c = 0; c < m.cols; ++c) m.at(r, c) = x.at(r, c);
  }
  return m;
}

/// The orthonormal Hadamard transform of groups of the largest power of two in |x|: element i is
/// sum_j (-1)^(number of ones in i & j) x[j] / sqrt(group).
inline std::vector<double> reference_mix(const std::vector<double>& x) {
  const std::size_t group = x.size() & (~x.size() + 1);
  std::vector<double> y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t first = i / group * group;
    for (std::size_t j = 0; j < group; ++j) {
      y[i] += std::popcount((i - first) & j) % 2 == 0 ? x[first + j] : -x[first + j];
    }
    y[i] /= std::sqrt(static_cast<double>(group));
  }
  return y;
}

/// Random weights in a stored type, and what they mean.
struct Weights {
  std::vector<std::byte> bytes;
  Matrix values;
  DType dtype;
  WeightView view() const { return {bytes.data(), dtype, values.rows, values.cols}; }
};

inline std::uint16_t random_half(std::mt19937& random, float low, float high) {
  return f32_to_f16(std::uniform_real_distribution<float>(low, high)(random));
}

/// Fills one block at p and decodes it by the words of the GGUF format.
inline void random_block(DType dtype, std::mt19937& random, std::byte* p, double* values) {
  std::uint16_t scale = 0;
  std::uint16_t minimum = 0;
  const auto byte = [&] { return static_cast<std::uint8_t>(random() & 255U); };
  if (block_elements(dtype) == 1) {
    const float value = std::normal_distribution<float>(0.0F, 0.5F)(random);
    const std::uint16_t bits = dtype == DType::kF16 ? f32_to_f16(value) : f32_to_bf16(value);
    std::memcpy(p, dtype == DType::kF32 ? static_cast<const void*>(&value) : &bits,
                dtype == DType::kF32 ? 4 : 2);
    *values = dtype == DType::kF32   ? value
              : dtype == DType::kF16 ? f16_to_f32(bits)
                                     : bf16_to_f32(bits);
    return;
  }
  scale = random_half(random, 0.01F, 0.1F);
  std::memcpy(p, &scale, 2);
  std::int64_t offset = 2;
  if (dtype == DType::kQ4_1) {
    minimum = random_half(random, -0.5F, 0.2F);
    std::memcpy(p + 2, &minimum, 2);
    offset = 4;
  }
  const double d = f16_to_f32(scale);
  for (int i = 0; i < (dtype == DType::kQ8_0 ? 32 : 16); ++i) {
    const std::uint8_t q = byte();
    p[offset + i] = static_cast<std::byte>(q);
    if (dtype == DType::kQ8_0) {
      values[i] = d * static_cast<std::int8_t>(q);
    } else {
      const double zero = dtype == DType::kQ4_0 ? -8.0 * d : f16_to_f32(minimum);
      values[i] = d * (q & 15) + zero;
      values[i + 16] = d * (q >> 4) + zero;
    }
  }
}

/// Where the f16 scales (and minima) of a block of scattered numbers begin; empty for other types.
inline std::vector<std::int64_t> scale_offsets(DType dtype) {
  switch (dtype) {
    case DType::kQ5_0:
    case DType::kIq4Nl:
      return {0};
    case DType::kQ5_1:
    case DType::kQ4K:
    case DType::kQ5K:
      return {0, 2};
    case DType::kQ2K:
      return {80, 82};
    case DType::kQ3K:
      return {108};
    case DType::kQ6K:
      return {208};
    default:
      return {};
  }
}

/// The scattered types: random bytes with sane scales. What they mean is decoded by the scalar
/// path, which quants_test.cpp compares with the format's reference implementation bit by bit.
inline void fill_scattered(Weights& w, unsigned seed) {
  std::mt19937 random(seed);
  for (std::byte& byte : w.bytes) byte = static_cast<std::byte>(random() & 255U);
  const std::int64_t size = block_bytes(w.dtype);
  for (std::int64_t at = 0; at < static_cast<std::int64_t>(w.bytes.size()); at += size) {
    for (const std::int64_t offset : scale_offsets(w.dtype)) {
      const std::uint16_t scale = random_half(random, -0.02F, 0.02F);
      std::memcpy(w.bytes.data() + at + offset, &scale, 2);
    }
  }
  std::vector<float> row(static_cast<std::size_t>(w.values.cols));
  for (std::int64_t r = 0; r < w.values.rows; ++r) {
    dequantize_row(w.view(), r, row.data());
    std::copy(row.begin(), row.end(), w.values.values.begin() + r * w.values.cols);
  }
}

inline Weights random_weights(DType dtype, std::int64_t rows, std::int64_t cols, unsigned seed) {
  Weights w{std::vector<std::byte>(static_cast<std::size_t>(rows * row_bytes(dtype, cols))),
            Matrix(rows, cols), dtype};
  if (!scale_offsets(dtype).empty()) {
    fill_scattered(w, seed);
    return w;
  }
  std::mt19937 random(seed);
  const std::int64_t n_blocks = rows * cols / block_elements(dtype);
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    random_block(dtype, random, w.bytes.data() + b * block_bytes(dtype),
                 w.values.values.data() + b * block_elements(dtype));
  }
  return w;
}

/// sum_i x[r,i] * w[o,i], and the sum of magnitudes that its error is measured by.
struct Product {
  Matrix sums, magnitudes;
};
inline Product reference_matmul(const Matrix& x, const Matrix& w) {
  Product p{Matrix(x.rows, w.rows), Matrix(x.rows, w.rows)};
  for (std::int64_t r = 0; r < x.rows; ++r) {
    for (std::int64_t o = 0; o < w.rows; ++o) {
      for (std::int64_t i = 0; i < x.cols; ++i) {
        const double term = x.at(r, i) * w.at(o, i);
        p.sums.at(r, o) += term;
        p.magnitudes.at(r, o) += std::abs(term);
      }
    }
  }
  return p;
}

/// One head of rotation, element pairs as the pairing says.
inline void reference_rotate(const Rope& rope, double position, double* head) {
  const std::int64_t half = rope.n_rotated() / 2;
  for (std::int64_t i = 0; i < half; ++i) {
    const bool interleaved = rope.pairing == RopePairing::kInterleaved;
    double& a = head[interleaved ? 2 * i : i];
    double& b = head[interleaved ? 2 * i + 1 : i + half];
    const double angle = position * rope.frequencies[static_cast<std::size_t>(i)];
    const double first = (a * std::cos(angle) - b * std::sin(angle)) * rope.magnitude;
    b = (a * std::sin(angle) + b * std::cos(angle)) * rope.magnitude;
    a = first;
  }
}

inline Rope plain_rope(std::int64_t n_rotated, RopePairing pairing, double base = 10000.0) {
  Rope rope;
  rope.pairing = pairing;
  for (std::int64_t i = 0; i < n_rotated; i += 2) {
    rope.frequencies.push_back(static_cast<float>(
        std::pow(base, -static_cast<double>(i) / static_cast<double>(n_rotated))));
  }
  return rope;
}

inline void expect_near(double result, double reference, double magnitude, Tolerance tolerance,
                        const std::string& where) {
  const double allowed = tolerance.absolute + tolerance.relative * std::abs(magnitude);
  // Written so that a NaN fails.
  if (!(std::abs(result - reference) <= allowed)) {
    ADD_FAILURE() << where << ": " << result << " instead of " << reference << ", "
                  << std::abs(result - reference) / allowed << " times the tolerance";
  }
}

/// Every instruction set of this machine, the reference first.
inline std::vector<Isa> isas() {
  std::vector<Isa> all{Isa::kScalar};
  for (const Isa isa :
       {Isa::kAvx2, Isa::kAvx2Vnni, Isa::kAvx512, Isa::kAvx512Vnni, Isa::kAmxInt8}) {
    if (detect_isa(isa) == isa) all.push_back(isa);
  }
  return all;
}

inline CpuOptions options(Isa isa, int n_threads) {
  return CpuOptions{.n_threads = n_threads, .max_isa = isa, .arithmetic = Arithmetic::kFloat};
}

/// One backend per instruction set and thread count, made once.
struct NamedBackend {
  std::string name;
  std::unique_ptr<CpuBackend> backend;
};
inline std::vector<NamedBackend> backends(std::initializer_list<int> thread_counts) {
  std::vector<NamedBackend> all;
  for (const Isa isa : isas()) {
    for (const int n : thread_counts) {
      all.push_back({std::string(isa_name(isa)) + ", " + std::to_string(n) + " threads",
                     std::make_unique<CpuBackend>(options(isa, n))});
    }
  }
  return all;
}

}  // namespace kvlink::kernels::tests
