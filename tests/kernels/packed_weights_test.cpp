// SPDX-License-Identifier: Apache-2.0
#include "kernels/packed_weights.h"

#include <array>
#include <limits>

#include "tests/kernels/reference.h"

namespace kvlink::kernels::tests {
namespace {

using kvlink::tests::kPackedScaleTolerance;
using kvlink::tests::kQ8Tolerance;
using kvlink::tests::kSumTolerance;

constexpr DType kWeightTypes[] = {DType::kQ8_0, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,
                                  DType::kQ5_1, DType::kQ2K,  DType::kQ3K,  DType::kQ4K,
                                  DType::kQ5K,  DType::kQ6K,  DType::kIq4Nl};

/// Scales of these types are products, which the packed form rounds to 16 bits.
bool rounds_scales(DType dtype) { return block_elements(dtype) == 256; }

/// What the kernel makes of activations, by the words of the header.
Matrix quantized(const Rows& x) {
  Matrix q(x.view().rows, x.view().cols);
  for (std::int64_t r = 0; r < q.rows; ++r) {
    for (std::int64_t g = 0; g < q.cols; g += 32) {
      float largest = 0;
      for (std::int64_t i = g; i < g + 32; ++i) largest = std::max(largest, std::abs(x.at(r, i)));
      for (std::int64_t i = g; i < g + 32; ++i) {
        const double code = std::nearbyint(x.at(r, i) * (127.0F / largest));
        q.at(r, i) = largest > 0 ? code * (largest / 127.0F) : 0.0;
      }
    }
  }
  return q;
}

void expect_product(const Rows& y, const Product& p, const Rows* before, Tolerance tolerance,
                    const std::string& where) {
  for (std::int64_t r = 0; r < p.sums.rows; ++r) {
    for (std::int64_t o = 0; o < p.sums.cols; ++o) {
      const double start = before == nullptr ? 0.0 : before->at(r, o);
      expect_near(y.at(r, o), p.sums.at(r, o) + start, p.magnitudes.at(r, o) + std::abs(start),
                  tolerance, where);
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_TRUE(y.gaps_are_untouched()) << where;
}

void check_type(DType dtype, std::int64_t m, std::int64_t n, std::int64_t k) {
  const Rows x = random_rows(m, k, 1, 3);
  const Weights w = random_weights(dtype, n, k, 2);
  const Rows before = random_rows(m, n, 3, 5);
  const Product p = reference_matmul(quantized(x), w.values);
  const Tolerance tolerance = rounds_scales(dtype) ? kPackedScaleTolerance : kSumTolerance;
  for (const NamedBackend& b : backends({1, 3})) {
    const std::string where = b.name + " " + dtype_name(dtype) + " " + std::to_string(m) + "x" +
                              std::to_string(n) + "x" + std::to_string(k);
    const WeightView map = w.view();
    const PackedWeights packed(*b.backend, std::span(&map, 1));
    Rows y = random_rows(m, n, 4, 5);
    const View<float> out = y.view();
    matmul(*b.backend, x.view(), packed, std::span(&out, 1));
    expect_product(y, p, nullptr, tolerance, where);
    Rows sum = before;
    const View<float> sum_out = sum.view();
    matmul(*b.backend, x.view(), packed, std::span(&sum_out, 1), Accumulate::kYes);
    expect_product(sum, p, &before, tolerance, where + " accumulated");
  }
}

TEST(PackedMatmul, MatchesTheFormulaForEveryWeightType) {
  for (const DType dtype : kWeightTypes) check_type(dtype, 11, 67, 256);
}

TEST(PackedMatmul, MatchesTheFormulaForEveryNumberOfRows) {
  for (const DType dtype : {DType::kQ4_0, DType::kQ4_1, DType::kQ8_0}) {
    for (const std::int64_t m : {1, 2, 3, 4, 5, 6, 7, 8, 13, 31, 97, 200}) {
      check_type(dtype, m, 80, 96);
    }
  }
}

TEST(PackedMatmul, MatchesTheFormulaForEveryNumberOfOutputs) {
  for (const std::int64_t n : {1, 15, 16, 17, 31, 33, 63, 64, 65, 113, 129}) {
    check_type(DType::kQ4_1, 1, n, 64);
    check_type(DType::kQ8_0, 7, n, 64);
    check_type(DType::kQ4_0, 3, n, 32);
  }
}

/// Codes and activations as large as they get: the 16-bit sums of CPUs without byte products.
TEST(PackedMatmul, HoldsTheLargestSums) {
  for (const DType dtype : {DType::kQ4_0, DType::kQ8_0}) {
    Weights w = random_weights(dtype, 16, 64, 2);
    for (std::int64_t block = 0; block < 32; ++block) {
      const std::int64_t bytes = block_bytes(dtype);
      for (std::int64_t i = 2; i < bytes; ++i) {
        w.bytes[static_cast<std::size_t>(block * bytes + i)] =
            dtype == DType::kQ8_0 ? std::byte{0x7F} : std::byte{0xFF};
      }
    }
    for (std::int64_t o = 0; o < 16; ++o) {
      std::vector<float> row(64);
      dequantize_row(w.view(), o, row.data());
      for (std::int64_t i = 0; i < 64; ++i) w.values.at(o, i) = row[static_cast<std::size_t>(i)];
    }
    for (const float value : {2.5F, -2.5F}) {
      Rows x(4, 64);
      for (std::int64_t r = 0; r < 4; ++r) std::fill_n(x.view().row(r), 64, value);
      const Product p = reference_matmul(quantized(x), w.values);
      for (const NamedBackend& b : backends({1})) {
        const WeightView map = w.view();
        const PackedWeights packed(*b.backend, std::span(&map, 1));
        Rows y(4, 16);
        const View<float> out = y.view();
        matmul(*b.backend, x.view(), packed, std::span(&out, 1));
        expect_product(y, p, nullptr, kSumTolerance, b.name + " " + dtype_name(dtype));
      }
    }
  }
}

TEST(PackedMatmul, SeveralMapsGiveWhatEachGivesAlone) {
  const Weights first = random_weights(DType::kQ4_1, 70, 128, 1);
  const Weights second = random_weights(DType::kQ4_1, 33, 128, 2);
  const Rows x = random_rows(9, 128, 3);
  for (const NamedBackend& b : backends({2})) {
    const std::array both{first.view(), second.view()};
    const PackedWeights packed(*b.backend, both);
    Rows y(9, 70, 2);
    Rows z(9, 33, 1);
    const std::array outs{y.view(), z.view()};
    matmul(*b.backend, x.view(), packed, outs);
    for (const std::size_t i : {0, 1}) {
      const PackedWeights alone(*b.backend, std::span(&both[i], 1));
      Rows expected(9, both[i].rows);
      const View<float> out = expected.view();
      matmul(*b.backend, x.view(), alone, std::span(&out, 1));
      for (std::int64_t r = 0; r < 9; ++r) {
        EXPECT_TRUE(std::equal(expected.view().row(r), expected.view().row(r) + both[i].rows,
                               outs[i].row(r)))
            << b.name;
      }
    }
  }
}

/// The same bits for a row alone, among others, and with any number of threads.
TEST(PackedMatmul, ARowDependsOnNothingButItself) {
  for (const DType dtype : {DType::kQ4_1, DType::kQ8_0, DType::kQ6K}) {
    const Rows x = random_rows(130, 512, 1);
    const Weights w = random_weights(dtype, 200, 512, 2);
    const WeightView map = w.view();
    for (const Isa isa : isas()) {
      CpuBackend one(options(isa, 1));
      const PackedWeights packed(one, std::span(&map, 1));
      Rows all(130, 200);
      const View<float> out = all.view();
      matmul(one, x.view(), packed, std::span(&out, 1));
      for (const int n_threads : {1, 3}) {
        CpuBackend many(options(isa, n_threads));
        for (const std::int64_t m : {1, 2, 3, 4, 5, 6, 40, 130}) {
          Rows y(m, 200);
          const View<float> part = y.view();
          matmul(many, View<const float>(x.view().row(130 - m), m, 512), packed,
                 std::span(&part, 1));
          EXPECT_TRUE(std::equal(part.data, part.data + m * 200, all.view().row(130 - m)))
              << isa_name(isa) << " " << dtype_name(dtype) << " " << m << " rows";
        }
      }
    }
  }
}

TEST(PackedMatmul, StaysNearTheProductOfUnroundedActivations) {
  const Rows x = random_rows(20, 576, 1);
  const Weights w = random_weights(DType::kQ4_1, 64, 576, 2);
  const Product p = reference_matmul(matrix_of(x), w.values);
  CpuBackend backend(options(kWidestIsa, 2));
  const WeightView map = w.view();
  const PackedWeights packed(backend, std::span(&map, 1));
  Rows y(20, 64);
  const View<float> out = y.view();
  matmul(backend, x.view(), packed, std::span(&out, 1));
  // Errors of a sum add up like a random walk: far below the bound for one element.
  expect_product(y, p, nullptr, {kQ8Tolerance.relative / 2, 0.0}, "q4_1");
}

TEST(PackedMatmul, PassesOnWhatIsNoNumber) {
  const Weights w = random_weights(DType::kQ4_1, 20, 64, 2);
  const WeightView map = w.view();
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const NamedBackend& b : backends({1})) {
      const PackedWeights packed(*b.backend, std::span(&map, 1));
      Rows x = random_rows(2, 64, 1);
      x.view().row(1)[40] = bad;
      Rows y(2, 20);
      const View<float> out = y.view();
      matmul(*b.backend, x.view(), packed, std::span(&out, 1));
      for (std::int64_t o = 0; o < 20; ++o) {
        EXPECT_TRUE(std::isfinite(y.at(0, o))) << b.name;
        EXPECT_TRUE(std::isnan(y.at(1, o))) << b.name;
      }
    }
  }
}

TEST(PackedMatmul, TinyAndZeroActivationsGiveZero) {
  const Weights w = random_weights(DType::kQ4_0, 20, 64, 2);
  const WeightView map = w.view();
  for (const float tiny : {0.0F, 1e-40F, std::numeric_limits<float>::denorm_min()}) {
    for (const NamedBackend& b : backends({1})) {
      const PackedWeights packed(*b.backend, std::span(&map, 1));
      Rows x(1, 64);
      std::fill_n(x.view().data, 64, tiny);
      Rows y(1, 20);
      const View<float> out = y.view();
      matmul(*b.backend, x.view(), packed, std::span(&out, 1));
      for (std::int64_t o = 0; o < 20; ++o) EXPECT_EQ(y.at(0, o), 0.0F) << b.name;
    }
  }
}

TEST(PackedWeights, AreAsLargeAsTheFilesOwnForm) {
  CpuBackend backend(options(kWidestIsa, 1));
  for (const DType dtype : {DType::kQ8_0, DType::kQ4_0, DType::kQ4_1}) {
    const Weights w = random_weights(dtype, 128, 256, 2);
    const WeightView map = w.view();
    EXPECT_EQ(PackedWeights(backend, std::span(&map, 1)).size_bytes(),
              static_cast<std::int64_t>(w.bytes.size()))
        << dtype_name(dtype);
  }
}

TEST(PackedWeightsDeathTest, ShapeMismatchIsABug) {
  CpuBackend backend(options(Isa::kScalar, 1));
  const Weights w = random_weights(DType::kQ4_0, 3, 32, 1);
  const WeightView map = w.view();
  const PackedWeights packed(backend, std::span(&map, 1));
  Rows x(2, 64);
  Rows y(2, 3);
  const View<float> out = y.view();
  EXPECT_DEATH(matmul(backend, x.view(), packed, std::span(&out, 1)), "broken invariant");
}

}  // namespace
}  // namespace kvlink::kernels::tests
