// SPDX-License-Identifier: Apache-2.0
// Products on tile registers: everywhere with the model in their place, and on processors that have
// them with the registers themselves.
#include <array>
#include <cstring>
#include <vector>

#include "kernels/cpu/amx_support.h"
#include "kernels/cpu/cpu_features.h"
#include "kernels/cpu/product_check.h"
#include "kernels/packed_weights.h"
#include "tests/kernels/reference.h"
#include "tests/kernels/tiles_tables.h"

namespace kvlink::kernels::tests {
namespace {

using kvlink::tests::kPackedScaleTolerance;
using kvlink::tests::kSumTolerance;

constexpr DType kWeightTypes[] = {DType::kQ8_0, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,
                                  DType::kQ5_1, DType::kQ2K,  DType::kQ3K,  DType::kQ4K,
                                  DType::kQ5K,  DType::kQ6K,  DType::kIq4Nl};

/// Tables that multiply on tiles here, and the narrower one whose bits they must give.
struct Pair {
  std::string name;
  const IntTable* tiles;
  const IntTable* other;
};
std::vector<Pair> pairs() {
  std::vector<Pair> all{{"model, scalar", &tiles_scalar::kIntTable, &int_table(Isa::kScalar)}};
#if defined(__x86_64__)
  if (detect_isa(Isa::kAvx512Vnni) == Isa::kAvx512Vnni) {
    all.push_back({"model, avx512", &tiles_avx512::kIntTable, &int_table(Isa::kAvx512Vnni)});
  }
  if (detect_isa() == Isa::kAmxInt8) {
    all.push_back({"registers", &int_table(Isa::kAmxInt8), &int_table(Isa::kAvx512Vnni)});
  }
#endif
  return all;
}

/// x quantised by the table, and what that means.
struct Quantized {
  QuantizedRows rows;
  std::vector<std::byte> bytes;
  Matrix values;

  Quantized(const IntTable& table, const Rows& x, const PackedFormat& format)
      : rows(quantized_layout(x.view().cols / 32, format.n_halves)),
        bytes(static_cast<std::size_t>(x.view().rows * rows.stride)),
        values(x.view().rows, x.view().cols) {
    rows.rows = bytes.data();
    for (std::int64_t r = 0; r < values.rows; ++r) {
      table.quantize({.x = x.view().row(r),
                      .n_groups = values.cols / 32,
                      .n_halves = format.n_halves,
                      .zero = format.zero,
                      .has_minimum = format.has_minimum,
                      .to = rows,
                      .row = r,
                      .rest = nullptr});
      const std::byte* row = rows.rows + r * rows.stride;
      for (std::int64_t i = 0; i < values.cols; ++i) {
        float scale = 0;
        std::memcpy(&scale, row + rows.scales_at + i / 32 * 4, 4);
        values.at(r, i) = static_cast<double>(scale) * static_cast<std::int8_t>(row[i]);
      }
    }
  }
};

void multiply(const IntTable& table, const Quantized& x, const PackedWeights& w, bool accumulate,
              Rows& y) {
  for (const PackedWeights::Panel& panel : w.panels()) {
    table.int_dot({.x = x.rows,
                   .m = x.values.rows,
                   .n_groups = x.values.cols / 32,
                   .bits = w.format().bits,
                   .n_halves = w.format().n_halves,
                   .has_minimum = w.format().has_minimum,
                   .panel = panel.bytes,
                   .record_bytes = PackedWeights::record_bytes(w.format(), panel.n_outputs),
                   .n_blocks = (panel.n_outputs + 15) / 16,
                   .n_outputs = panel.n_outputs,
                   .prefetch_bytes = 0,
                   .y = y.view().data + panel.first,
                   .y_stride = y.view().row_stride,
                   .accumulate = accumulate});
  }
}

void check(DType dtype, std::int64_t m, std::int64_t n, std::int64_t k) {
  CpuBackend backend(options(Isa::kScalar, 1));
  const Rows x = random_rows(m, k, 1, 3);
  const Weights w = random_weights(dtype, n, k, 2);
  const WeightView map = w.view();
  const PackedWeights packed(backend, std::span(&map, 1));
  const bool rounds_scales = block_elements(dtype) == 256;
  for (const Pair& pair : pairs()) {
    const std::string where = pair.name + " " + dtype_name(dtype) + " " + std::to_string(m) + "x" +
                              std::to_string(n) + "x" + std::to_string(k);
    const Quantized quantized(*pair.other, x, packed.format());
    const Product p = reference_matmul(quantized.values, w.values);
    Rows y(m, n, 5);
    Rows expected(m, n, 5);
    for (const bool accumulate : {false, true}) {
      multiply(*pair.tiles, quantized, packed, accumulate, y);
      multiply(*pair.other, quantized, packed, accumulate, expected);
      EXPECT_TRUE(y == expected) << where << (accumulate ? " accumulated" : "");
      for (std::int64_t r = 0; r < m; ++r) {
        for (std::int64_t o = 0; o < n; ++o) {
          expect_near(y.at(r, o), p.sums.at(r, o) * (accumulate ? 2 : 1),
                      p.magnitudes.at(r, o) * (accumulate ? 2 : 1),
                      rounds_scales ? kPackedScaleTolerance : kSumTolerance, where);
        }
      }
    }
    EXPECT_TRUE(y.gaps_are_untouched()) << where;
    if (testing::Test::HasFailure()) return;
  }
}

TEST(TiledProducts, MatchTheFormulaAndTheOtherPathForEveryWeightType) {
  for (const DType dtype : kWeightTypes) check(dtype, 37, 67, 256);
}

TEST(TiledProducts, MatchForEveryNumberOfRows) {
  for (const DType dtype : {DType::kQ4_1, DType::kQ8_0}) {
    for (const std::int64_t m :
         {1, 15, 16, 17, 20, 21, 24, 28, 29, 31, 32, 40, 63, 64, 65, 96, 97}) {
      check(dtype, m, 20, 64);
    }
  }
}

TEST(TiledProducts, MatchForEveryNumberOfOutputs) {
  for (const std::int64_t n : {1, 15, 16, 17, 31, 33, 48, 63, 64, 65, 129}) {
    check(DType::kQ4_1, 18, n, 64);
    check(DType::kQ4_0, 18, n, 32);
  }
}

/// Around the groups that are worked on at a time.
TEST(TiledProducts, MatchForEveryNumberOfGroups) {
  for (const std::int64_t groups : {1, 2, 3, 15, 16, 17, 18, 32, 33}) {
    check(DType::kQ4_1, 19, 16, groups * 32);
    check(DType::kQ8_0, 19, 16, groups * 32);
  }
  for (const std::int64_t blocks : {1, 2, 3}) {
    check(DType::kQ6K, 33, 16, blocks * 256);
    check(DType::kQ2K, 33, 16, blocks * 256);
  }
}

TEST(TiledProducts, PassOnWhatIsNoNumber) {
  CpuBackend backend(options(Isa::kScalar, 1));
  const Weights w = random_weights(DType::kQ4_1, 20, 64, 2);
  const WeightView map = w.view();
  const PackedWeights packed(backend, std::span(&map, 1));
  Rows x = random_rows(17, 64, 1);
  x.view().row(16)[40] = std::numeric_limits<float>::infinity();
  for (const Pair& pair : pairs()) {
    Rows y(17, 20);
    multiply(*pair.tiles, Quantized(*pair.other, x, packed.format()), packed, false, y);
    for (std::int64_t o = 0; o < 20; ++o) {
      EXPECT_TRUE(std::isfinite(y.at(15, o))) << pair.name;
      EXPECT_TRUE(std::isnan(y.at(16, o))) << pair.name;
    }
  }
}

void off_by_a_bit(const IntDotCall& call) {
  tiles_scalar::kIntTable.int_dot(call);
  if (call.bits == 8 && call.m > 64) call.y[70 * call.y_stride + 55] *= 1.0000001F;
}

TEST(TiledProducts, TheCheckAtStartTellsEqualTablesFromOthers) {
  for (const Pair& pair : pairs())
    EXPECT_TRUE(products_agree(*pair.tiles, *pair.other)) << pair.name;
  IntTable broken = tiles_scalar::kIntTable;
  broken.int_dot = off_by_a_bit;
  EXPECT_FALSE(products_agree(broken, int_table(Isa::kScalar)));
}

TEST(TiledProducts, RunOnTheRegistersWhereTheProcessorHasThem) {
  const AmxSupport& support = amx_support();
  if (!support.works) {
    GTEST_SKIP() << (support.words.empty() ? "this processor has no int8 tiles (AMX)"
                                           : support.words);
  }
  EXPECT_FALSE(support.words.empty());
  EXPECT_EQ(detect_isa(), Isa::kAmxInt8);
  EXPECT_EQ(detect_isa(Isa::kAvx512Vnni), Isa::kAvx512Vnni);
  EXPECT_TRUE(products_agree(int_table(Isa::kAmxInt8), int_table(Isa::kAvx512Vnni)));
}

#if defined(__x86_64__)
/// Matrices of bf16 in the form of PairGemmCall, with gaps between rows.
struct Pairs {
  std::int64_t stride;
  std::vector<std::uint32_t> words;
  Matrix values;  ///< as rows of neighbours

  Pairs(std::int64_t rows, std::int64_t n_pairs, unsigned seed)
      : stride(n_pairs), values(rows, 2 * n_pairs) {
    const Rows x = random_rows(rows, 2 * n_pairs, seed);
    words.resize(static_cast<std::size_t>(rows * stride));
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t i = 0; i < 2 * n_pairs; ++i) {
        const std::uint16_t bits = f32_to_bf16(x.at(r, i));
        values.at(r, i) = bf16_to_f32(bits);
        words[static_cast<std::size_t>(r * stride + i / 2)] |= std::uint32_t{bits}
                                                               << (i % 2 == 0 ? 0U : 16U);
      }
    }
  }
  /// [n_pairs, rows]: what b of a product is.
  std::vector<std::uint32_t> turned() const {
    std::vector<std::uint32_t> out(words.size());
    for (std::int64_t r = 0; r < values.rows; ++r) {
      for (std::int64_t p = 0; p < stride; ++p) {
        out[static_cast<std::size_t>(p * values.rows + r)] =
            words[static_cast<std::size_t>(r * stride + p)];
      }
    }
    return out;
  }
};

void check_pairs(const Bf16Table& table, std::int64_t m, std::int64_t n, std::int64_t n_pairs) {
  const std::string where =
      std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(n_pairs);
  const Pairs a(m, n_pairs, 1);
  const Pairs b(n, n_pairs, 2);
  const std::vector<std::uint32_t> turned = b.turned();
  const Product p = reference_matmul(a.values, b.values);
  Rows c(m, n, 3);
  for (const bool accumulate : {false, true}) {
    table.gemm({m, n, n_pairs, a.words.data(), a.stride, turned.data(), n, c.view().data,
                c.view().row_stride, accumulate});
    for (std::int64_t r = 0; r < m; ++r) {
      for (std::int64_t o = 0; o < n; ++o) {
        const double times = accumulate ? 2 : 1;
        expect_near(c.at(r, o), times * p.sums.at(r, o), times * p.magnitudes.at(r, o),
                    kSumTolerance, where);
      }
    }
  }
  EXPECT_TRUE(c.gaps_are_untouched()) << where;
}

TEST(TiledPairs, MatchTheFormulaForEveryShape) {
  const CpuFeatures& features = cpu_features();
  if (!features.fast_bf16 && !features.amx_bf16) {
    GTEST_SKIP() << "this processor has no AVX512-BF16, which stands beside the tiles";
  }
  std::vector<const Bf16Table*> tables{&tiles_avx512::kBf16Table};
  if (amx_support().works_bf16) tables.push_back(&bf16_table(Isa::kAmxInt8));
  for (const Bf16Table* table : tables) {
    EXPECT_TRUE(products_agree(*table, bf16_table(Isa::kAvx512Vnni)));
    for (const std::int64_t m : {1, 15, 16, 17, 31, 32, 33, 48, 50, 64}) {
      check_pairs(*table, m, 48, 32);
    }
    for (const std::int64_t n : {16, 32, 48, 64}) check_pairs(*table, 35, n, 16);
    for (const std::int64_t n_pairs : {1, 15, 16, 17, 48, 64}) check_pairs(*table, 35, 32, n_pairs);
  }
}
#endif

TEST(TilesModel, MultipliesPairsOfBf16) {
  TileShapes shapes;
  shapes.set(0, 1, 8);
  shapes.set(1, 1, 4);
  shapes.set(2, 1, 8);
  TilesModel tiles(shapes);
  const std::uint16_t left[2] = {f32_to_bf16(2.0F), f32_to_bf16(-3.0F)};
  const std::uint16_t right[4] = {f32_to_bf16(1.5F), f32_to_bf16(0.5F), f32_to_bf16(8.0F),
                                  f32_to_bf16(1.0F)};
  const float before[2] = {10.0F, 20.0F};
  tiles.load<0>(before, 8);
  tiles.load<1>(left, 4);
  tiles.load<2>(right, 8);
  tiles.multiply_pairs<0, 1, 2>();
  float sums[2];
  tiles.store<0>(sums, 8);
  EXPECT_EQ(sums[0], 10.0F + 2.0F * 1.5F - 3.0F * 0.5F);
  EXPECT_EQ(sums[1], 20.0F + 2.0F * 8.0F - 3.0F * 1.0F);
}

TEST(TilesModel, MultipliesSignedBytesByUnsignedOnes) {
  TileShapes shapes;
  shapes.set(0, 2, 8);
  shapes.set(1, 2, 4);
  shapes.set(2, 1, 8);
  TilesModel tiles(shapes);
  const std::int8_t left[2][4] = {{-128, 127, 1, 0}, {-1, -1, -1, -1}};
  const std::uint8_t right[8] = {255, 255, 7, 9, 1, 2, 3, 4};
  tiles.clear<0>();
  tiles.load<1>(left, 4);
  tiles.load<2>(right, 8);
  tiles.multiply<0, 1, 2>();
  tiles.multiply<0, 1, 2>();
  std::int32_t sums[2][2];
  tiles.store<0>(sums, 8);
  EXPECT_EQ(sums[0][0], 2 * (-128 * 255 + 127 * 255 + 7));
  EXPECT_EQ(sums[0][1], 2 * (-128 + 254 + 3));
  EXPECT_EQ(sums[1][0], -2 * (255 + 255 + 7 + 9));
  EXPECT_EQ(sums[1][1], -2 * 10);
}

TEST(TilesModelDeathTest, WhatTheProcessorRefusesEndsTheProgram) {
  TileShapes shapes;
  shapes.set(0, 16, 64);
  shapes.set(1, 16, 32);
  shapes.set(2, 16, 64);
  const std::array<std::byte, 1024> bytes{};
  EXPECT_DEATH(TilesModel(shapes).load<3>(bytes.data(), 64), "");
  // 32 bytes of a row are eight steps, and the right-hand side has sixteen.
  EXPECT_DEATH((TilesModel(shapes).multiply<0, 1, 2>()), "");
  shapes.set(2, 17, 64);
  EXPECT_DEATH(TilesModel{shapes}, "");
}

}  // namespace
}  // namespace kvlink::kernels::tests
