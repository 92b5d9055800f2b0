// SPDX-License-Identifier: Apache-2.0
// A device for tests: the plugin that KVLINK_TEST_CUDA_PLUGIN names, which is the host's in CI and
// the real one on a GPU machine.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/cuda/backend.h"
#include "tests/kernels/reference.h"
#include "tests/support/test_paths.h"

namespace kvlink::tests {

using cuda::Api;
using cuda::CudaBackend;
using cuda::DeviceBuffer;
using cuda::Lane;
using cuda::Matrix;

inline std::filesystem::path test_plugin() {
  return path_from_environment("KVLINK_TEST_CUDA_PLUGIN").value_or("");
}
/// "" where products are to do without cuBLASLt.
inline std::string test_blas() {
  const auto path = path_from_environment("KVLINK_TEST_CUBLASLT");
  return path ? path->string() : "default";
}

/// What only the host's plugin can be told; null functions on a real device.
struct FakeDevice {
  void (*set_error)(int) = nullptr;
  void (*set_memory)(std::int64_t) = nullptr;
  std::int64_t (*used)() = nullptr;
  void (*set_order)(int) = nullptr;
  void (*set_late)(int) = nullptr;
  void (*set_devices)(int) = nullptr;
  void (*set_wrong)(int) = nullptr;
  void (*set_pinned)(std::int64_t) = nullptr;
  std::int64_t (*n_records)() = nullptr;

  FakeDevice() {
    void* plugin = dlopen(test_plugin().c_str(), RTLD_NOW | RTLD_NOLOAD);
    if (plugin == nullptr) return;
    const auto find = [plugin](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(plugin, name));
    };
    find(set_error, "fake_cuda_set_error");
    find(set_memory, "fake_cuda_set_memory");
    find(used, "fake_cuda_used");
    find(set_order, "fake_cuda_set_order");
    find(set_late, "fake_cuda_set_late");
    find(set_devices, "fake_cuda_set_devices");
    find(set_wrong, "fake_cuda_set_wrong");
    find(set_pinned, "fake_cuda_set_pinned");
    find(n_records, "fake_cuda_n_records");
    dlclose(plugin);
  }
  bool is_there() const { return set_error != nullptr; }
};

class DeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (test_plugin().empty()) GTEST_SKIP() << "KVLINK_TEST_CUDA_PLUGIN is not set";
    auto plugin = cuda::CudaPlugin::load(test_plugin());
    ASSERT_TRUE(plugin) << plugin.error().message;
    plugin_ = *plugin;
    backend_ =
        std::make_unique<CudaBackend>(plugin_, cuda::BackendOptions{.blas_library = test_blas()});
    without_blas_ =
        std::make_unique<CudaBackend>(plugin_, cuda::BackendOptions{.blas_library = ""});
    fake_ = FakeDevice();
  }
  void TearDown() override {
    if (!fake_.is_there()) return;
    fake_.set_order(0);
    fake_.set_error(0);
    fake_.set_wrong(0);
    fake_.set_devices(1);
    fake_.set_pinned(INT64_MAX);
  }

  /// The bytes on the device; kept until the test ends.
  void* upload(const void* bytes, std::size_t n) {
    buffers_.emplace_back(*backend_, static_cast<std::int64_t>(std::max<std::size_t>(n, 1)));
    if (n > 0) {
      backend_->run(&Api::upload, Lane::kCompute, buffers_.back().data(), bytes,
                    static_cast<std::int64_t>(n));
      backend_->run(&Api::synchronize);
    }
    return buffers_.back().data();
  }
  template <typename T>
  T* upload(const std::vector<T>& values) {
    return static_cast<T*>(upload(values.data(), values.size() * sizeof(T)));
  }
  template <typename T>
  std::vector<T> download(const void* from, std::int64_t n) {
    std::vector<T> values(static_cast<std::size_t>(n));
    backend_->run(&Api::download, static_cast<void*>(values.data()), from,
                  n * static_cast<std::int64_t>(sizeof(T)));
    return values;
  }

  /// Rows as a matrix of a type, rounded as the type rounds.
  Matrix upload(const kernels::tests::Rows& x, DType dtype = DType::kF32) {
    const auto view = x.view();
    const std::int64_t n = view.rows * view.row_stride;
    Matrix m{nullptr, view.rows, view.cols, view.row_stride, dtype};
    if (dtype == DType::kF32) {
      m.data = upload(view.data, static_cast<std::size_t>(n) * 4);
      return m;
    }
    std::vector<std::uint16_t> bits;
    for (std::int64_t i = 0; i < n; ++i) {
      bits.push_back(dtype == DType::kF16 ? f32_to_f16(view.data[i]) : f32_to_bf16(view.data[i]));
    }
    m.data = upload(bits);
    return m;
  }
  kernels::tests::Rows download(const Matrix& m) {
    kernels::tests::Rows y(m.rows, m.cols, m.row_stride - m.cols);
    const std::int64_t n = (m.rows - 1) * m.row_stride + m.cols;
    if (m.dtype == DType::kF32) {
      const auto values = download<float>(m.data, n);
      std::copy(values.begin(), values.end(), y.view().data);
    } else {
      const auto bits = download<std::uint16_t>(m.data, n);
      for (std::int64_t i = 0; i < n; ++i) {
        const std::uint16_t b = bits[static_cast<std::size_t>(i)];
        y.view().data[i] = m.dtype == DType::kF16 ? f16_to_f32(b) : bf16_to_f32(b);
      }
    }
    return y;
  }
  /// A matrix whose every element, gaps included, is the mark of Rows (rounded to the type).
  Matrix fresh(std::int64_t rows, std::int64_t cols, DType dtype = DType::kF32,
               std::int64_t gap = 0) {
    return upload(kernels::tests::Rows(rows, cols, gap), dtype);
  }
  cuda::Weights upload(const kernels::tests::Weights& w, DType wide = DType::kF16) {
    return {upload(w.bytes.data(), w.bytes.size()),
            nullptr,
            w.values.rows,
            w.values.cols,
            w.dtype,
            wide};
  }

  /// Runs `work` with threads in rising order and, on the host, again in falling and in shuffled
  /// order: bits that differ show a missing barrier. `work` waits for what it starts.
  template <typename Work>
  auto in_every_order(Work work) {
    auto first = work();
    for (const int order : {1, 2}) {
      if (!fake_.is_there()) break;
      fake_.set_order(order);
      const auto again = work();
      fake_.set_order(0);
      EXPECT_TRUE(first == again) << "the result depends on the order of threads, " << order;
    }
    return first;
  }

  std::shared_ptr<const cuda::CudaPlugin> plugin_;
  std::unique_ptr<CudaBackend> backend_;
  std::unique_ptr<CudaBackend> without_blas_;
  FakeDevice fake_;
  std::vector<DeviceBuffer> buffers_;
};

}  // namespace kvlink::tests
