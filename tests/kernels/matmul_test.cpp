// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul.h"

#include "tests/kernels/reference.h"

namespace kvlink::kernels::tests {
namespace {

using kvlink::tests::kSumTolerance;

constexpr DType kWeightTypes[] = {DType::kF32,  DType::kF16,  DType::kBF16,
                                  DType::kQ8_0, DType::kQ4_0, DType::kQ4_1};

struct Sizes {
  std::int64_t m, n, k;
};

void expect_product(const Rows& y, const Product& p, const Rows* before, const std::string& where) {
  for (std::int64_t r = 0; r < p.sums.rows; ++r) {
    for (std::int64_t o = 0; o < p.sums.cols; ++o) {
      const double start = before == nullptr ? 0.0 : before->at(r, o);
      expect_near(y.at(r, o), p.sums.at(r, o) + start, p.magnitudes.at(r, o) + std::abs(start),
                  kSumTolerance, where);
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_TRUE(y.gaps_are_untouched()) << where;
}

void check_sizes(DType dtype, Sizes s) {
  const Rows x = random_rows(s.m, s.k, 1, 3);
  const Weights w = random_weights(dtype, s.n, s.k, 2);
  const Rows before = random_rows(s.m, s.n, 3, 5);
  const Product p = reference_matmul(matrix_of(x), w.values);
  for (const NamedBackend& b : backends({1, 3})) {
    const std::string where = b.name + " " + dtype_name(dtype) + " " + std::to_string(s.m) + "x" +
                              std::to_string(s.n) + "x" + std::to_string(s.k);
    Rows y = random_rows(s.m, s.n, 4, 5);
    matmul(*b.backend, x.view(), w.view(), y.view());
    expect_product(y, p, nullptr, where);
    Rows sum = before;
    matmul(*b.backend, x.view(), w.view(), sum.view(), Accumulate::kYes);
    expect_product(sum, p, &before, where + " accumulated");
  }
}

TEST(Matmul, MatchesTheFormulaForEveryWeightType) {
  for (const DType dtype : kWeightTypes) {
    for (const std::int64_t m : {1, 2, 3, 4, 5, 6, 7, 11, 31, 33, 127})
      check_sizes(dtype, {m, 67, 96});
  }
}

TEST(Matmul, MatchesTheFormulaForOddSizes) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const std::int64_t k : {1, 31, 33, 47, 63, 127}) {
      for (const std::int64_t n : {1, 15, 31, 33, 64, 127}) {
        check_sizes(dtype, {1, n, k});
        check_sizes(dtype, {5, n, k});
        check_sizes(dtype, {9, n, k});
      }
    }
  }
}

TEST(Matmul, MatchesTheFormulaWhenInputsExceedOnePanel) {
  check_sizes(DType::kQ4_1, {2, 65, 2080});
  check_sizes(DType::kQ4_1, {9, 65, 2080});
  check_sizes(DType::kF32, {50, 30, 1031});
}

/// Products of bf16 pairs, where the processor has fast ones: activations are rounded as well.
void check_pairs(Sizes s) {
  const Rows x = random_rows(s.m, s.k, 1, 3);
  Matrix rounded(s.m, s.k);
  for (std::int64_t r = 0; r < s.m; ++r) {
    for (std::int64_t i = 0; i < s.k; ++i) {
      rounded.at(r, i) = bf16_to_f32(f32_to_bf16(x.at(r, i)));
    }
  }
  const Weights w = random_weights(DType::kBF16, s.n, s.k, 2);
  const Rows before = random_rows(s.m, s.n, 3, 5);
  const Product p = reference_matmul(rounded, w.values);
  for (const int n_threads : {1, 3}) {
    CpuBackend backend({.n_threads = n_threads});
    const std::string where = std::to_string(n_threads) + " threads " + std::to_string(s.m) + "x" +
                              std::to_string(s.n) + "x" + std::to_string(s.k);
    Rows y = random_rows(s.m, s.n, 4, 5);
    matmul(backend, x.view(), w.view(), y.view());
    expect_product(y, p, nullptr, where);
    Rows sum = before;
    matmul(backend, x.view(), w.view(), sum.view(), Accumulate::kYes);
    expect_product(sum, p, &before, where + " accumulated");
  }
}

TEST(Matmul, OfBf16WeightsByPairsMatchesTheFormula) {
  if (!CpuBackend({.n_threads = 1}).uses_bf16()) {
    GTEST_SKIP() << "products of bf16 pairs are not used on this processor";
  }
  for (const std::int64_t m : {7, 8, 11, 12, 13, 40, 131}) check_pairs({m, 67, 96});
  for (const std::int64_t k : {1, 2, 31, 33, 47, 63, 64, 127}) {
    for (const std::int64_t n : {1, 15, 16, 64, 65, 129}) check_pairs({9, n, k});
  }
  check_pairs({50, 30, 1031});
  check_pairs({9, 65, 2080});
}

TEST(Matmul, DoesNotDependOnThreadCount) {
  for (const Isa isa : isas()) {
    for (const std::int64_t m : {1, 3, 40, 130}) {
      const Rows x = random_rows(m, 288, 1);
      const Weights w = random_weights(DType::kQ4_0, 200, 288, 2);
      CpuBackend one(options(isa, 1));
      Rows expected(m, 200);
      matmul(one, x.view(), w.view(), expected.view());
      for (const int n : {2, 3, 5}) {
        CpuBackend many(options(isa, n));
        Rows y(m, 200);
        matmul(many, x.view(), w.view(), y.view());
        EXPECT_TRUE(y == expected) << isa_name(isa) << " m " << m << ", " << n << " threads";
      }
    }
  }
}

TEST(Matmul, OfNoRowsDoesNothing) {
  CpuBackend backend(options(Isa::kAvx512, 2));
  const Weights w = random_weights(DType::kF32, 3, 4, 1);
  matmul(backend, View<const float>(nullptr, 0, 4), w.view(), View<float>(nullptr, 0, 3));
}

TEST(MatmulDeathTest, ShapeMismatchIsABug) {
  CpuBackend backend(options(Isa::kScalar, 1));
  const Weights w = random_weights(DType::kF32, 3, 4, 1);
  Rows x(2, 5);
  Rows y(2, 3);
  EXPECT_DEATH(matmul(backend, x.view(), w.view(), y.view()), "broken invariant");
}

}  // namespace
}  // namespace kvlink::kernels::tests
