// SPDX-License-Identifier: Apache-2.0
// Memory, events and graphs of the plugin, and how its errors come through.
#include <functional>

#include "tests/cuda_host/device_fixture.h"

namespace kvlink::tests {
namespace {

using kernels::tests::random_rows;
using kernels::tests::Rows;

/// The errors of CUDA's runtime that the stand-in can be made to return.
constexpr int kEccError = 214;
constexpr int kUnavailable = 46;
constexpr int kInsufficientDriver = 35;
constexpr int kNoDevice = 100;

class DeviceRuntime : public DeviceTest {
 protected:
  ErrorCode code_of(const std::function<void()>& work) {
    const auto result = returning(work);
    EXPECT_FALSE(result);
    if (result) return ErrorCode::kBusy;
    message_ = result.error().message;
    return result.error().code;
  }
  std::string message_;
};

TEST_F(DeviceRuntime, EverythingWorksAfterRunningOutOfMemory) {
  CudaBackend small(plugin_, {.memory_limit_bytes = 1 << 20, .blas_library = ""});
  const DeviceBuffer kept(small, 600 << 10);
  EXPECT_EQ(code_of([&] { DeviceBuffer(small, 600 << 10); }), ErrorCode::kOutOfMemory);
  EXPECT_NE(message_.find("do not fit"), std::string::npos) << message_;
  const DeviceBuffer fits(small, 300 << 10);
  small.run(&Api::clear, fits.data(), fits.size());
  std::int64_t used = 0;
  std::int64_t free_bytes = 0;
  small.run(&Api::memory, &used, &free_bytes);
  EXPECT_EQ(used, 900 << 10);
  EXPECT_EQ(free_bytes, (1 << 20) - (900 << 10));
}

TEST_F(DeviceRuntime, TheDevicesOwnLimitIsAnErrorOfTheSameKind) {
  std::int64_t used = 0;
  std::int64_t free_bytes = 0;
  backend_->run(&Api::memory, &used, &free_bytes);
  EXPECT_EQ(code_of([&] { DeviceBuffer(*backend_, free_bytes + (std::int64_t{1} << 30)); }),
            ErrorCode::kOutOfMemory);
  const DeviceBuffer works(*backend_, 1024);
}

TEST_F(DeviceRuntime, ALostDeviceStaysLost) {
  CudaBackend backend(plugin_, {.blas_library = "", .fail_after_calls = 3});
  const DeviceBuffer first(backend, 64);
  const DeviceBuffer second(backend, 64);
  EXPECT_EQ(code_of([&] { DeviceBuffer(backend, 64); }), ErrorCode::kDevice);
  EXPECT_EQ(code_of([&] { backend.run(&Api::synchronize); }), ErrorCode::kDevice);
  EXPECT_NE(message_.find("lost"), std::string::npos) << message_;
}

TEST_F(DeviceRuntime, TurnsErrorsOfTheDriverIntoWhatTheyMean) {
  if (!fake_.is_there()) GTEST_SKIP() << "errors can only be made on the host's plugin";
  fake_.set_error(kEccError);
  EXPECT_EQ(code_of([&] { backend_->run(&Api::synchronize); }), ErrorCode::kDevice);
  EXPECT_NE(message_.find("ECC"), std::string::npos) << message_;
  fake_.set_error(0);
  // The driver answers again, and the state of the device is unknown all the same.
  EXPECT_EQ(code_of([&] { backend_->run(&Api::synchronize); }), ErrorCode::kDevice);
  fake_.set_error(kUnavailable);
  EXPECT_EQ(code_of([&] { CudaBackend(plugin_, {}); }), ErrorCode::kDevice);
}

TEST_F(DeviceRuntime, SaysInOneLineWhyTheGpuIsNotUsed) {
  const auto missing = cuda::CudaPlugin::load("/nowhere/libkvlink_cuda.so");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  if (!fake_.is_there()) GTEST_SKIP() << "errors can only be made on the host's plugin";
  for (const auto& [error, words] :
       {std::pair{kInsufficientDriver, "no NVIDIA driver"},
        std::pair{kNoDevice, "no NVIDIA GPU is visible"}, std::pair{kUnavailable, "unavailable"}}) {
    fake_.set_error(error);
    const auto plugin = cuda::CudaPlugin::load(test_plugin());
    ASSERT_FALSE(plugin);
    EXPECT_EQ(plugin.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(plugin.error().message.find(words), std::string::npos) << plugin.error().message;
    EXPECT_EQ(plugin.error().message.find('\n'), std::string::npos);
  }
}

TEST_F(DeviceRuntime, DoesWithoutBlasAndSaysWhy) {
  EXPECT_STREQ(plugin_->api().describe_blas(without_blas_->context()), "cuBLASLt is switched off");
  CudaBackend backend(plugin_, {.blas_library = "libno_such_blas.so.1"});
  EXPECT_STREQ(plugin_->api().describe_blas(backend.context()),
               "libno_such_blas.so.1 is not installed");
}

TEST_F(DeviceRuntime, AGraphRepeatsItsWorkOnWhatIsThereThen) {
  const Rows x = random_rows(2, 40, 1);
  const Matrix sum = upload(x);
  const Matrix step = upload(random_rows(2, 40, 2));
  const cuda::AddCall call{sum, step, nullptr};
  backend_->run(&Api::begin_graph);
  backend_->run(&Api::add, &call);
  cuda::Graph* raw = nullptr;
  backend_->run(&Api::end_graph, &raw);
  const cuda::GraphHandle graph(*backend_, raw);
  const Rows added = download(step);
  EXPECT_EQ(download(sum), download(upload(x)));  // noting is not doing
  for (int i = 0; i < 3; ++i) backend_->run(&Api::launch_graph, graph.get());
  const Rows result = download(sum);
  for (std::int64_t i = 0; i < 40; ++i) {
    EXPECT_NEAR(result.at(1, i), x.at(1, i) + 3.0F * added.at(1, i), 1e-5F);
  }
}

TEST_F(DeviceRuntime, AGraphRefusesScratchThatWasNotReserved) {
  const std::vector<float> logits(5000, 1.0F);
  std::int32_t* token = upload(std::vector<std::int32_t>{0});
  const std::vector<cuda::DrawParameters> greedy(1);
  const cuda::SampleCall call{upload(logits), 5000, upload(greedy), nullptr, token};
  CudaBackend fresh(plugin_, {.blas_library = ""});
  fresh.run(&Api::begin_graph);
  EXPECT_EQ(code_of([&] { fresh.run(&Api::sample, &call); }), ErrorCode::kUnsupported);
  EXPECT_NE(message_.find("reserved before a graph"), std::string::npos) << message_;
  cuda::Graph* raw = nullptr;
  fresh.run(&Api::end_graph, &raw);
  const cuda::GraphHandle empty(fresh, raw);
  fresh.run(&Api::reserve_scratch, cuda::kSampleScratchBytes);
  fresh.run(&Api::begin_graph);
  fresh.run(&Api::sample, &call);
  fresh.run(&Api::end_graph, &raw);
  const cuda::GraphHandle graph(fresh, raw);
}

TEST_F(DeviceRuntime, ADeviceThatIsLostWhileAGraphIsMadeLeavesTheThreadFree) {
  const Matrix x = upload(random_rows(2, 40, 1));
  const cuda::AddCall call{x, x, nullptr};
  for (const bool ends : {true, false}) {
    {
      CudaBackend backend(plugin_, {.blas_library = "", .fail_after_calls = 2});
      backend.run(&Api::begin_graph);
      EXPECT_EQ(code_of([&] { backend.run(&Api::add, &call); }), ErrorCode::kDevice);
      cuda::Graph* none = nullptr;
      if (ends) {
        EXPECT_EQ(backend.api().end_graph(backend.context(), &none), cuda::Status::kLost);
      }
      EXPECT_EQ(none, nullptr);
    }
    // Whoever notes a graph can take no memory.
    const auto again = returning([&] { DeviceBuffer(*backend_, 64); });
    EXPECT_TRUE(again) << again.error().message;
  }
}

TEST_F(DeviceRuntime, EventsMeasureAndPinnedMemoryIsKnown) {
  const auto begin = cuda::make_event(*backend_);
  const auto end = cuda::make_event(*backend_);
  cuda::PinnedBuffer pinned(*backend_, 4096);
  const DeviceBuffer target(*backend_, 4096);
  backend_->run(&Api::record_event, Lane::kCopy, begin.get());
  backend_->run(&Api::upload, Lane::kCopy, target.data(),
                static_cast<const void*>(pinned.as<std::byte>()), std::int64_t{4096});
  backend_->run(&Api::record_event, Lane::kCopy, end.get());
  backend_->run(&Api::wait_event, Lane::kCompute, end.get());
  float milliseconds = -1.0F;
  backend_->run(&Api::elapsed, begin.get(), end.get(), &milliseconds);
  EXPECT_GE(milliseconds, 0.0F);
  std::int32_t is_pinned = 0;
  backend_->run(&Api::is_pinned, static_cast<const void*>(pinned.as<std::byte>() + 100),
                &is_pinned);
  EXPECT_EQ(is_pinned, 1);
  std::vector<std::byte> pageable(4096);
  backend_->run(&Api::is_pinned, static_cast<const void*>(pageable.data()), &is_pinned);
  EXPECT_EQ(is_pinned, 0);
}

TEST_F(DeviceRuntime, GivesEverythingBack) {
  if (!fake_.is_there()) GTEST_SKIP() << "counted on the host's plugin";
  const std::int64_t before = fake_.used();
  {
    CudaBackend backend(plugin_, {.blas_library = test_blas()});
    const DeviceBuffer a(backend, 1000);
    backend.run(&Api::reserve_scratch, std::int64_t{1} << 22);
    EXPECT_GT(fake_.used(), before);
  }
  EXPECT_EQ(fake_.used(), before);
}

}  // namespace
}  // namespace kvlink::tests
