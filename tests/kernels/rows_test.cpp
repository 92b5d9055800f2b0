// SPDX-License-Identifier: Apache-2.0
// Ops that work on one row at a time: norms, activations, embedding, logits.
#include <limits>

#include "kernels/elementwise.h"
#include "kernels/embed.h"
#include "kernels/logits.h"
#include "kernels/norm.h"
#include "tests/kernels/reference.h"

namespace kvlink::kernels::tests {
namespace {

using kvlink::tests::kDecodeTolerance;
using kvlink::tests::kElementTolerance;

constexpr std::int64_t kWidths[] = {1, 7, 8, 15, 16, 31, 33, 127, 576};

template <typename Expected>
void expect_rows(const Rows& y, Expected expected, const std::string& where) {
  for (std::int64_t r = 0; r < y.view().rows; ++r) {
    for (std::int64_t c = 0; c < y.view().cols; ++c) {
      const double reference = expected(r, c);
      expect_near(y.at(r, c), reference, reference, kElementTolerance, where);
    }
  }
  EXPECT_TRUE(y.gaps_are_untouched()) << where;
}

TEST(RmsNorm, MatchesTheFormulaAlsoInPlace) {
  for (const std::int64_t width : kWidths) {
    const Rows x = random_rows(40, width, 1, 3, 4.0F);
    const Rows w = random_rows(1, width, 2);
    const auto expected = [&](std::int64_t r, std::int64_t c) {
      double squares = 0;
      for (std::int64_t i = 0; i < width; ++i)
        squares += static_cast<double>(x.at(r, i)) * x.at(r, i);
      return x.at(r, c) * w.at(0, c) / std::sqrt(squares / static_cast<double>(width) + 1e-5);
    };
    for (const NamedBackend& b : backends({1, 2})) {
      Rows y(40, width, 1);
      rms_norm(*b.backend, x.view(), w.view().data, 1e-5F, y.view());
      expect_rows(y, expected, b.name);
      Rows in_place = x;
      rms_norm(*b.backend, in_place.view(), w.view().data, 1e-5F, in_place.view());
      expect_rows(in_place, expected, b.name + " in place");
    }
  }
}

/// eps 1e-3. Errors are measured by what is subtracted: |x| + |mean|.
void expect_layer_norm(const Rows& y, const Rows& x, const Rows& w, const Rows& bias,
                       const std::string& where) {
  const std::int64_t width = x.view().cols;
  const auto n = static_cast<double>(width);
  for (std::int64_t r = 0; r < x.view().rows; ++r) {
    double mean = 0;
    double variance = 0;
    for (std::int64_t i = 0; i < width; ++i) mean += x.at(r, i) / n;
    for (std::int64_t i = 0; i < width; ++i) variance += std::pow(x.at(r, i) - mean, 2) / n;
    const double deviation = std::sqrt(variance + 1e-3);
    for (std::int64_t c = 0; c < width; ++c) {
      const double expected = (x.at(r, c) - mean) / deviation * w.at(0, c) + bias.at(0, c);
      const double magnitude = (std::abs(x.at(r, c)) + std::abs(mean)) / deviation * w.at(0, c);
      expect_near(y.at(r, c), expected, magnitude, kElementTolerance, where);
    }
  }
  EXPECT_TRUE(y.gaps_are_untouched()) << where;
}

TEST(LayerNorm, MatchesTheFormulaAlsoInPlace) {
  for (const std::int64_t width : kWidths) {
    Rows x = random_rows(33, width, 1, 3);
    for (std::int64_t c = 0; c < width; ++c) x.view().row(0)[c] += 10.0F;
    const Rows w = random_rows(1, width, 2);
    const Rows bias = random_rows(1, width, 3);
    for (const NamedBackend& b : backends({1, 2})) {
      Rows y(33, width, 1);
      layer_norm(*b.backend, x.view(), w.view().data, bias.view().data, 1e-3F, y.view());
      expect_layer_norm(y, x, w, bias, b.name);
      Rows in_place = x;
      layer_norm(*b.backend, in_place.view(), w.view().data, bias.view().data, 1e-3F,
                 in_place.view());
      expect_layer_norm(in_place, x, w, bias, b.name + " in place");
    }
  }
}

TEST(Swiglu, MatchesTheFormulaAlsoInPlaceAndFarFromZero) {
  for (const std::int64_t width : kWidths) {
    Rows gate = random_rows(35, width, 1, 2, 6.0F);
    gate.view().row(0)[0] = -120.0F;
    gate.view().row(1)[0] = 150.0F;
    const Rows up = random_rows(35, width, 2, 1);
    const auto expected = [&](std::int64_t r, std::int64_t c) {
      const double g = gate.at(r, c);
      return g / (1.0 + std::exp(-g)) * up.at(r, c);
    };
    for (const NamedBackend& b : backends({1, 3})) {
      Rows y(35, width, 5);
      swiglu(*b.backend, gate.view(), up.view(), y.view());
      expect_rows(y, expected, b.name);
      Rows in_place = gate;
      swiglu(*b.backend, in_place.view(), up.view(), in_place.view());
      expect_rows(in_place, expected, b.name + " in place");
    }
  }
}

TEST(Gelu, IsTheExactFormWithErf) {
  for (const NamedBackend& b : backends({1, 2})) {
    Rows x(41, 33, 2);
    for (std::int64_t r = 0; r < 41; ++r) {
      for (std::int64_t c = 0; c < 33; ++c) {
        x.view().row(r)[c] = static_cast<float>(r * 33 + c - 676) / 60.0F;
      }
    }
    const Rows before = x;
    gelu(*b.backend, x.view());
    expect_rows(
        x,
        [&](std::int64_t r, std::int64_t c) {
          const double v = before.at(r, c);
          return 0.5 * v * (1.0 + std::erf(v / std::sqrt(2.0)));
        },
        b.name);
  }
}

TEST(Add, AddsRowsAndBias) {
  for (const std::int64_t width : kWidths) {
    const Rows x = random_rows(37, width, 1, 2);
    const Rows y = random_rows(37, width, 2, 3);
    for (const NamedBackend& b : backends({1, 2})) {
      Rows sum = x;
      add(*b.backend, sum.view(), y.view());
      expect_rows(
          sum, [&](std::int64_t r, std::int64_t c) { return x.at(r, c) + y.at(r, c); }, b.name);
      Rows biased = x;
      add_bias(*b.backend, biased.view(), y.view().row(3));
      expect_rows(
          biased, [&](std::int64_t r, std::int64_t c) { return x.at(r, c) + y.at(3, c); }, b.name);
    }
  }
}

TEST(Embed, DecodesRowsOfEveryType) {
  const std::vector<std::int32_t> ids{4, 0, 18, 18, 7, 3, 1};
  for (const DType dtype :
       {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0, DType::kQ4_0, DType::kQ4_1}) {
    for (const std::int64_t width : {32, 96, 576, 8, 33}) {
      if (width % block_elements(dtype) != 0) continue;
      const Weights table = random_weights(dtype, 19, width, 4);
      const auto check = [&](const float* row, std::int64_t id, const std::string& where) {
        for (std::int64_t c = 0; c < width; ++c) {
          expect_near(row[c], table.values.at(id, c), 1.0, kDecodeTolerance, where);
        }
      };
      for (const NamedBackend& b : backends({1, 2})) {
        Rows y(7, width, 3);
        embed(*b.backend, table.view(), ids, y.view());
        for (std::int64_t r = 0; r < 7; ++r) {
          check(y.view().row(r), ids[static_cast<std::size_t>(r)], b.name + dtype_name(dtype));
        }
        EXPECT_TRUE(y.gaps_are_untouched());
      }
      std::vector<float> row(static_cast<std::size_t>(width));
      dequantize_row(table.view(), 18, row.data());
      check(row.data(), 18, dtype_name(dtype));
    }
  }
}

TEST(EmbedDeathTest, AnIdOutsideTheTableIsABug) {
  CpuBackend backend(options(Isa::kScalar, 1));
  const Weights table = random_weights(DType::kF32, 3, 4, 1);
  Rows y(1, 4);
  for (const std::int32_t id : {-1, 3}) {
    const std::vector<std::int32_t> ids{id};
    EXPECT_DEATH(embed(backend, table.view(), ids, y.view()), "broken invariant");
  }
}

TEST(Argmax, TakesTheFirstOfEquals) {
  const std::vector<float> logits{-3.0F, 2.0F, 5.0F, 5.0F, 1.0F};
  EXPECT_EQ(argmax(logits), 2);
  EXPECT_EQ(argmax(std::vector<float>{-1.0F}), 0);
  constexpr float kLow = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(argmax(std::vector<float>{kLow, kLow, -9.0F}), 2);
}

TEST(LogSoftmax, SumsToOneAndKeepsDifferencesInPlaceToo) {
  std::vector<float> logits;
  for (int i = 0; i < 1000; ++i) logits.push_back(static_cast<float>(i % 97) * 0.7F + 900.0F);
  const std::vector<float> before = logits;
  log_softmax(logits, logits);
  double sum = 0;
  for (const float y : logits) sum += std::exp(static_cast<double>(y));
  EXPECT_NEAR(sum, 1.0, 1e-5);
  EXPECT_NEAR(logits[50] - logits[10], before[50] - before[10], 1e-4);
}

}  // namespace
}  // namespace kvlink::kernels::tests
