// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_host/device_fixture.h"
#include "tests/support/tolerances.h"

namespace kvlink::tests {
namespace {

using kernels::tests::matrix_of;
using kernels::tests::random_rows;
using kernels::tests::random_weights;
using kernels::tests::Rows;

constexpr DType kWeightTypes[] = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ8_0,
                                  DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,
                                  DType::kQ2K,  DType::kQ3K,  DType::kQ4K,  DType::kQ5K,
                                  DType::kQ6K,  DType::kIq4Nl};

class DeviceMatmul : public DeviceTest {
 protected:
  struct Shape {
    std::int64_t m, n, k;
  };

  /// Multiplies on the device and compares with sums in f64.
  void check(CudaBackend& backend, Shape shape, DType weights, DType wide, DType x_type,
             DType y_type, bool accumulate, Tolerance tolerance) {
    const std::string where = std::string(dtype_name(weights)) + " " + dtype_name(x_type) + " " +
                              std::to_string(shape.m) + " x " + std::to_string(shape.n) + " x " +
                              std::to_string(shape.k);
    const Rows x = random_rows(shape.m, shape.k, 1, 8);
    const auto w = random_weights(weights, shape.n, shape.k, 2);
    const Rows before = random_rows(shape.m, shape.n, 3, 8);
    const Matrix x_device = upload(x, x_type);
    const cuda::Weights w_device = upload(w, wide);
    const Rows y = in_every_order([&] {
      const Matrix y_device = accumulate ? upload(before) : fresh(shape.m, shape.n, y_type, 8);
      const cuda::MatmulCall call{x_device, w_device, y_device, accumulate ? 1 : 0};
      backend.run(&Api::matmul, &call);
      backend.run(&Api::synchronize);
      return download(y_device);
    });
    const auto reference = kernels::tests::reference_matmul(matrix_of(x), w.values);
    for (std::int64_t r = 0; r < shape.m; ++r) {
      for (std::int64_t o = 0; o < shape.n; ++o) {
        const double start = accumulate ? before.at(r, o) : 0.0;
        kernels::tests::expect_near(y.at(r, o), reference.sums.at(r, o) + start,
                                    reference.magnitudes.at(r, o) + std::abs(start), tolerance,
                                    where);
      }
    }
    EXPECT_TRUE(y_type != DType::kF32 || accumulate || y.gaps_are_untouched()) << where;
  }
};

TEST_F(DeviceMatmul, MultipliesFewRowsByEveryTypeInF32) {
  for (const DType type : kWeightTypes) {
    for (const std::int64_t m : {1, 2, 8}) {
      check(*backend_, {m, 37, 512}, type, DType::kF16, DType::kF32, DType::kF32, false,
            kDeviceSum);
    }
    check(*backend_, {1, 5, 256}, type, DType::kF16, DType::kF32, DType::kF32, true, kDeviceSum);
  }
}

TEST_F(DeviceMatmul, MultipliesTilesByEveryType) {
  for (const DType type : kWeightTypes) {
    check(*without_blas_, {9, 70, 256}, type, DType::kF16, DType::kF16, DType::kF32, false,
          kDeviceSumF16);
    check(*without_blas_, {17, 33, 256}, type, DType::kBF16, DType::kBF16, DType::kF32, false,
          kDeviceSumBf16);
  }
}

TEST_F(DeviceMatmul, TakesTilesOfEveryShapeAndActivation) {
  for (const Shape shape : {Shape{65, 129, 96}, Shape{64, 64, 64}, Shape{100, 1, 32}}) {
    for (const DType x : {DType::kF32, DType::kF16, DType::kBF16}) {
      check(*without_blas_, shape, DType::kQ4_1, DType::kF16, x, DType::kF32, true,
            x == DType::kBF16 ? kDeviceSumBf16 : kDeviceSumF16);
    }
    check(*without_blas_, shape, DType::kBF16, DType::kBF16, DType::kBF16, DType::kBF16, false,
          kDeviceSumBf16);
    check(*without_blas_, shape, DType::kF16, DType::kF16, DType::kF16, DType::kF16, false,
          kDeviceSumF16);
  }
}

TEST_F(DeviceMatmul, HandsLargeProductsToBlas) {
  EXPECT_STREQ(plugin_->api().describe_blas(backend_->context()), "cuBLASLt");
  check(*backend_, {40, 24, 64}, DType::kBF16, DType::kBF16, DType::kBF16, DType::kF32, true,
        kDeviceSumBf16);
  check(*backend_, {40, 24, 64}, DType::kF16, DType::kF16, DType::kF16, DType::kF16, false,
        kDeviceSumF16);
  // 13 columns have no algorithm in the stand-in: the tiles take over.
  check(*backend_, {13, 24, 64}, DType::kF16, DType::kF16, DType::kF16, DType::kF32, false,
        kDeviceSumF16);
  // Quantised weights are written out in 16 bits first.
  check(*backend_, {200, 24, 64}, DType::kQ4_0, DType::kF16, DType::kF16, DType::kF32, false,
        kDeviceSumF16);
}

TEST_F(DeviceMatmul, UsesWideCopiesWhereThereAreSome) {
  const Rows x = random_rows(20, 64, 1);
  const auto w = random_weights(DType::kQ4_1, 16, 64, 2);
  const Matrix x_device = upload(x, DType::kF16);
  cuda::Weights weights = upload(w);
  const Matrix wide = fresh(16, 64, DType::kF16);
  const cuda::DequantizeCall dequantize{weights, wide};
  backend_->run(&Api::dequantize, &dequantize);
  weights.wide = wide.data;
  const Matrix y = fresh(20, 16);
  const cuda::MatmulCall call{x_device, weights, y, 0};
  EXPECT_EQ(plugin_->api().matmul_scratch(backend_->context(), &call), 0);
  backend_->run(&Api::matmul, &call);
  const auto reference = kernels::tests::reference_matmul(matrix_of(x), w.values);
  const Rows result = download(y);
  for (std::int64_t r = 0; r < 20; ++r) {
    for (std::int64_t o = 0; o < 16; ++o) {
      kernels::tests::expect_near(result.at(r, o), reference.sums.at(r, o),
                                  reference.magnitudes.at(r, o), kDeviceSumF16, "wide");
    }
  }
}

TEST_F(DeviceMatmul, MultipliesPlainWeightsOfAnyWidth) {
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const std::int64_t m : {1, 9}) {
      check(*backend_, {m, 7, 13}, type, DType::kF16, DType::kF32, DType::kF32, true, kDeviceSum);
    }
  }
  // Models in f32 keep f32 throughout.
  check(*backend_, {19, 33, 64}, DType::kF32, DType::kF32, DType::kF32, DType::kF32, false,
        kDeviceSum);
}

TEST_F(DeviceMatmul, RefusesShapesThatDoNotFit) {
  const Matrix x = fresh(2, 32);
  const Matrix y = fresh(2, 8);
  const cuda::Weights w{x.data, nullptr, 8, 64, DType::kF32, DType::kF16};
  const cuda::MatmulCall call{x, w, y, 0};
  EXPECT_THROW(backend_->run(&Api::matmul, &call), Exception);
  EXPECT_STREQ(plugin_->api().error(backend_->context()), "matmul: shapes");
}

TEST_F(DeviceMatmul, WritesEveryTypeOutAsTheCpuDoes) {
  for (const DType type : kWeightTypes) {
    const auto w = random_weights(type, 5, 512, 7);
    const Matrix y = fresh(5, 512);
    const cuda::DequantizeCall call{upload(w), y};
    backend_->run(&Api::dequantize, &call);
    const Rows result = download(y);
    for (std::int64_t r = 0; r < 5; ++r) {
      for (std::int64_t i = 0; i < 512; ++i) {
        kernels::tests::expect_near(result.at(r, i), w.values.at(r, i), w.values.at(r, i),
                                    kDeviceDecode, dtype_name(type));
      }
    }
  }
}

}  // namespace
}  // namespace kvlink::tests
