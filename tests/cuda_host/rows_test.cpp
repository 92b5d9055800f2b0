// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_host/device_fixture.h"
#include "tests/support/tolerances.h"

namespace kvlink::tests {
namespace {

using kernels::tests::expect_near;
using kernels::tests::random_rows;
using kernels::tests::random_weights;
using kernels::tests::Rows;

class DeviceRows : public DeviceTest {
 protected:
  static Tolerance rounding(DType t) {
    return t == DType::kF32 ? kDeviceElement
                            : (t == DType::kF16 ? Tolerance{1e-3, 1e-5} : Tolerance{8e-3, 1e-5});
  }
};

TEST_F(DeviceRows, EmbedsTokensOfEveryTypeAndSoftOnes) {
  const std::vector<std::int32_t> ids = {3, -2, 0, 6, -1, 3};
  const Rows soft = random_rows(2, 256, 9);
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0, DType::kQ4_0,
                           DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ2K, DType::kQ3K,
                           DType::kQ4K, DType::kQ5K, DType::kQ6K, DType::kIq4Nl}) {
    const auto table = random_weights(type, 7, 256, 4);
    const Matrix y = fresh(6, 256, DType::kF32, 3);
    const cuda::EmbedCall call{upload(table), upload(ids),
                               static_cast<const float*>(upload(soft).data), y};
    backend_->run(&Api::embed, &call);
    const Rows result = download(y);
    for (std::int64_t r = 0; r < 6; ++r) {
      const std::int32_t id = ids[static_cast<std::size_t>(r)];
      for (std::int64_t i = 0; i < 256; ++i) {
        const double expected = id < 0 ? soft.at(-1 - id, i) : table.values.at(id, i);
        expect_near(result.at(r, i), expected, expected, kDeviceDecode, dtype_name(type));
      }
    }
    EXPECT_TRUE(result.gaps_are_untouched());
  }
}

TEST_F(DeviceRows, NormalisesRowsOfAnyLength) {
  for (const std::int64_t n : {1, 31, 33, 127, 576}) {
    for (const DType type : {DType::kF32, DType::kF16, DType::kBF16}) {
      for (const bool layer : {false, true}) {
        const Rows x = random_rows(5, n, 1, 2, 3.0F);
        const Rows w = random_rows(2, n, 2);
        const Matrix weights = upload(w);
        const auto* scale = static_cast<const float*>(weights.data);
        const std::vector<std::int32_t> rows = {4, 0, 2};
        const std::int32_t* gathered = upload(rows);
        const Matrix x_device = upload(x);
        const Rows result = in_every_order([&] {
          const Matrix y = fresh(3, n, type, 1);
          const cuda::NormCall call{x_device, gathered, scale, layer ? scale + n : nullptr,
                                    1e-5F,    y};
          backend_->run(&Api::norm, &call);
          return download(y);
        });
        for (std::int64_t r = 0; r < 3; ++r) {
          const std::int64_t from = rows[static_cast<std::size_t>(r)];
          double mean = 0.0;
          double squares = 0.0;
          for (std::int64_t i = 0; i < n; ++i) mean += x.at(from, i);
          mean = layer ? mean / static_cast<double>(n) : 0.0;
          for (std::int64_t i = 0; i < n; ++i) {
            squares += (x.at(from, i) - mean) * (x.at(from, i) - mean);
          }
          const double s = 1.0 / std::sqrt(squares / static_cast<double>(n) + 1e-5);
          for (std::int64_t i = 0; i < n; ++i) {
            const double expected =
                (x.at(from, i) - mean) * s * w.at(0, i) + (layer ? w.at(1, i) : 0.0);
            expect_near(result.at(r, i), expected, std::abs(expected) + 1.0, rounding(type),
                        "norm of " + std::to_string(n));
          }
        }
      }
    }
  }
}

TEST_F(DeviceRows, GatesAddsAndConverts) {
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16}) {
    const Rows x = random_rows(7, 2 * 33, 1, 2, 2.0F);
    const Matrix x_device = upload(x, type);
    const Rows rounded = download(x_device);
    const Matrix y = fresh(7, 33, type, 3);
    const cuda::SwigluCall gate{x_device, y};
    backend_->run(&Api::swiglu, &gate);
    const Rows gated = download(y);
    const Matrix wide = fresh(7, 66);
    const cuda::ConvertCall convert{x_device, wide};
    backend_->run(&Api::convert, &convert);
    const Rows converted = download(wide);
    for (std::int64_t r = 0; r < 7; ++r) {
      for (std::int64_t i = 0; i < 33; ++i) {
        const double g = rounded.at(r, i);
        const double expected = g / (1.0 + std::exp(-g)) * rounded.at(r, 33 + i);
        expect_near(gated.at(r, i), expected, expected, rounding(type), "swiglu");
      }
      for (std::int64_t i = 0; i < 66; ++i) EXPECT_EQ(converted.at(r, i), rounded.at(r, i));
    }
  }
}

TEST_F(DeviceRows, AddsRowsAndBiasesAndAppliesGelu) {
  const Rows x = random_rows(3, 41, 1, 2);
  const Rows y = random_rows(3, 41, 2, 5);
  const Rows bias = random_rows(1, 41, 3);
  const Matrix sum = upload(x);
  const cuda::AddCall rows{sum, upload(y), nullptr};
  backend_->run(&Api::add, &rows);
  const cuda::AddCall biased{sum, {}, static_cast<const float*>(upload(bias).data)};
  backend_->run(&Api::add, &biased);
  const cuda::GeluCall gelu{sum};
  backend_->run(&Api::gelu, &gelu);
  const Rows result = download(sum);
  for (std::int64_t r = 0; r < 3; ++r) {
    for (std::int64_t i = 0; i < 41; ++i) {
      const double v = double{x.at(r, i)} + y.at(r, i) + bias.at(0, i);
      const double expected = 0.5 * v * (1.0 + std::erf(v / std::sqrt(2.0)));
      expect_near(result.at(r, i), expected, std::abs(v), kDeviceElement, "gelu");
    }
  }
}

TEST_F(DeviceRows, ClearsTheRowsThatAreSkipped) {
  const Rows x = random_rows(4, 33, 1, 2);
  const Matrix y = upload(x);
  const cuda::MaskCall call{y, upload(std::vector<std::int32_t>{0, 1, 0, 7})};
  backend_->run(&Api::mask, &call);
  const Rows result = download(y);
  for (std::int64_t r = 0; r < 4; ++r) {
    for (std::int64_t i = 0; i < 33; ++i)
      EXPECT_EQ(result.at(r, i), r % 2 == 0 ? x.at(r, i) : 0.0F);
  }
}

TEST_F(DeviceRows, ActivationsInF16SaturateInsteadOfOverflowing) {
  Rows x(1, 2);
  x.view().row(0)[0] = 1e6F;
  x.view().row(0)[1] = -1e6F;
  const Matrix y = fresh(1, 2, DType::kF16);
  const cuda::ConvertCall call{upload(x), y};
  backend_->run(&Api::convert, &call);
  const Rows result = download(y);
  EXPECT_EQ(result.at(0, 0), 65504.0F);
  EXPECT_EQ(result.at(0, 1), -65504.0F);
}

}  // namespace
}  // namespace kvlink::tests
