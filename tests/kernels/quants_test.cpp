// SPDX-License-Identifier: Apache-2.0
// Quantised blocks against tests/golden/quants.json (made by make_quants.py), and their products.
#include <bit>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/cpu/kernel_table.h"
#include "kernels/matmul.h"
#include "tests/kernels/reference.h"

namespace kvlink::kernels::tests {
namespace {

constexpr DType kGoldenTypes[] = {DType::kQ8_0, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,
                                  DType::kQ5_1, DType::kQ2K,  DType::kQ3K,  DType::kQ4K,
                                  DType::kQ5K,  DType::kQ6K,  DType::kIq4Nl};
constexpr DType kScatteredTypes[] = {DType::kQ5_0, DType::kQ5_1, DType::kQ2K, DType::kQ3K,
                                     DType::kQ4K,  DType::kQ5K,  DType::kQ6K, DType::kIq4Nl};

std::vector<std::byte> bytes_of_hex(const std::string& hex) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

nlohmann::json read_golden() {
  const char* root = std::getenv("KVLINK_SOURCE_DIR");
  const auto path =
      std::filesystem::path(root == nullptr ? "." : root) / "tests/golden/quants.json";
  std::ifstream in(path);
  EXPECT_TRUE(in.good()) << path;
  return nlohmann::json::parse(in);
}

TEST(Quants, DecodeToTheBitsOfTheReferenceOnEveryInstructionSet) {
  const nlohmann::json golden = read_golden();
  for (const DType dtype : kGoldenTypes) {
    const auto blocks = bytes_of_hex(golden.at(dtype_name(dtype)).at("blocks"));
    const auto expected = bytes_of_hex(golden.at(dtype_name(dtype)).at("values"));
    const auto n = static_cast<std::int64_t>(expected.size() / sizeof(float));
    ASSERT_EQ(row_bytes(dtype, n), static_cast<std::int64_t>(blocks.size()));
    for (const Isa isa : isas()) {
      std::vector<float> values(static_cast<std::size_t>(n));
      kernel_table(isa).dequantize(dtype, blocks.data(), n, values.data());
      for (std::size_t i = 0; i < values.size(); ++i) {
        float wanted = 0;
        std::memcpy(&wanted, expected.data() + i * sizeof(float), sizeof(float));
        // Zeros may differ in sign where an offset is added in another order.
        ASSERT_EQ(values[i], wanted) << dtype_name(dtype) << " " << isa_name(isa) << " " << i;
      }
    }
  }
}

void check_product(DType dtype, std::int64_t m, std::int64_t n, std::int64_t k) {
  const Rows x = random_rows(m, k, 1, 3);
  const Weights w = random_weights(dtype, n, k, 2);
  const Product p = reference_matmul(matrix_of(x), w.values);
  for (const NamedBackend& b : backends({1, 3})) {
    Rows y = random_rows(m, n, 4, 5);
    matmul(*b.backend, x.view(), w.view(), y.view());
    for (std::int64_t r = 0; r < m; ++r) {
      for (std::int64_t o = 0; o < n; ++o) {
        expect_near(y.at(r, o), p.sums.at(r, o), p.magnitudes.at(r, o),
                    kvlink::tests::kSumTolerance,
                    b.name + " " + dtype_name(dtype) + " rows " + std::to_string(m));
        if (testing::Test::HasFailure()) return;
      }
    }
    EXPECT_TRUE(y.gaps_are_untouched()) << b.name;
  }
}

TEST(Quants, ProductsMatchTheFormula) {
  for (const DType dtype : kScatteredTypes) {
    for (const std::int64_t m : {1, 2, 3, 4, 5, 6, 7, 31, 33}) check_product(dtype, m, 67, 512);
    // More inputs than one packed panel holds.
    check_product(dtype, 2, 65, 2304);
    check_product(dtype, 9, 65, 2304);
  }
}

TEST(Quants, RowsOfASingleBlock) {
  for (const DType dtype : kScatteredTypes) {
    check_product(dtype, 1, 5, block_elements(dtype));
    check_product(dtype, 8, 5, block_elements(dtype));
  }
}

}  // namespace
}  // namespace kvlink::kernels::tests
