// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/backend.h"

#include <dlfcn.h>

#include <cstdio>
#include <system_error>

namespace kvlink::cuda {
namespace {

/// sm_75, Turing: the first with the matrix products that the kernels use.
constexpr int kLeastCapability = 75;

/// What a driver's complaint means to somebody who wants to use the GPU.
std::string device_problem(Status status, const std::string& text) {
  if (status == Status::kUnsupported && text.find("no CUDA-capable") != std::string::npos) {
    return "no NVIDIA GPU is visible to this process";
  }
  if (status == Status::kUnsupported && text.find("insufficient") != std::string::npos) {
    return "no NVIDIA driver, or one that is older than CUDA 13 (580)";
  }
  return text;
}

std::string gibibytes(std::int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f GiB", static_cast<double>(bytes) / (1 << 30));
  return text;
}

}  // namespace

Result<std::shared_ptr<const CudaPlugin>> CudaPlugin::load(const std::filesystem::path& file) {
  return returning([&]() -> std::shared_ptr<const CudaPlugin> {
    std::error_code error;
    if (!std::filesystem::exists(file, error)) {
      fail(ErrorCode::kNotFound, "this build has no CUDA plugin (" + file.string() + ")");
    }
    // It stays to the end of the process: the driver keeps what the plugin has told it.
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) {
      fail(ErrorCode::kUnsupported, std::string("the CUDA plugin cannot be loaded: ") + dlerror());
    }
    // Owned from here on, so that every way out closes it.
    std::shared_ptr<CudaPlugin> plugin(new CudaPlugin(library, nullptr));
    using GetApi = const Api* (*)();
    const auto get_api = reinterpret_cast<GetApi>(dlsym(library, kApiSymbol));
    plugin->api_ = get_api == nullptr ? nullptr : get_api();
    if (plugin->api_ == nullptr || plugin->api_->version != kApiVersion ||
        plugin->api_->bytes != sizeof(Api)) {
      fail(ErrorCode::kUnsupported, "the CUDA plugin (" + file.string() +
                                        ") belongs to another version of this program; install "
                                        "both from one build");
    }
    ErrorText text = {};
    std::int32_t n = 0;
    const Status status = plugin->api_->device_count(&n, &text);
    if (status != Status::kOk) {
      fail(ErrorCode::kUnsupported, device_problem(status, text.text));
    }
    if (n == 0) fail(ErrorCode::kUnsupported, "no NVIDIA GPU is visible to this process");
    for (std::int32_t i = 0; i < n; ++i) {
      DeviceInfo info = {};
      if (plugin->api_->device_info(i, &info, &text) != Status::kOk) {
        fail(ErrorCode::kUnsupported, text.text);
      }
      plugin->devices_.push_back(info);
    }
    return plugin;
  });
}

CudaPlugin::~CudaPlugin() { dlclose(library_); }

std::filesystem::path default_plugin_file(const std::filesystem::path& program_folder) {
  constexpr const char* kName = "libkvlink_cuda.so";
  const std::filesystem::path candidates[] = {program_folder / kName,
                                              program_folder.parent_path() / "lib/kvlink" / kName};
  std::error_code error;
  if (std::filesystem::exists(candidates[0], error)) return candidates[0];
  return candidates[1];
}

std::string why_unusable(const DeviceInfo& device) {
  if (device.major * 10 + device.minor >= kLeastCapability) return "";
  return std::string(device.name) + " is too old: its compute capability is " +
         std::to_string(device.major) + "." + std::to_string(device.minor) +
         ", and 7.5 is the least";
}

std::string describe(const DeviceInfo& device) {
  return std::string(device.name) + ", sm_" + std::to_string(device.major) +
         std::to_string(device.minor) + ", " + gibibytes(device.total_bytes) +
         ", driver for CUDA " + std::to_string(device.driver_version / 1000) + "." +
         std::to_string(device.driver_version % 1000 / 10);
}

CudaBackend::CudaBackend(std::shared_ptr<const CudaPlugin> plugin, const BackendOptions& options)
    : plugin_(std::move(plugin)) {
  if (options.device < 0 || options.device >= std::ssize(plugin_->devices())) {
    fail(ErrorCode::kInvalidInput, "there is no GPU number " + std::to_string(options.device) +
                                       "; this machine has " +
                                       std::to_string(plugin_->devices().size()));
  }
  device_ = plugin_->devices()[static_cast<std::size_t>(options.device)];
  const std::string problem = why_unusable(device_);
  if (!problem.empty()) fail(ErrorCode::kUnsupported, problem);
  const ContextOptions raw{
      .device = options.device,
      .memory_limit_bytes = options.memory_limit_bytes,
      .blas_library = options.blas_library == "default" ? nullptr : options.blas_library.c_str(),
      .fail_after_calls = options.fail_after_calls};
  ErrorText text = {};
  const Status status = plugin_->api().open(&raw, &context_, &text);
  if (status == Status::kOutOfMemory) fail(ErrorCode::kOutOfMemory, text.text);
  if (status != Status::kOk) fail(ErrorCode::kDevice, text.text);
}

CudaBackend::~CudaBackend() {
  if (context_ != nullptr) plugin_->api().close(context_);
}

void CudaBackend::check(Status status) const {
  switch (status) {
    case Status::kOk:
      return;
    case Status::kOutOfMemory:
      fail(ErrorCode::kOutOfMemory,
           std::string(device_.name) + ": " + plugin_->api().error(context_));
    case Status::kFailed:
      fail(ErrorCode::kUnsupported,
           std::string(device_.name) + ": " + plugin_->api().error(context_));
    case Status::kLost:
    case Status::kUnsupported:
      fail(ErrorCode::kDevice, std::string(device_.name) + ": " + plugin_->api().error(context_));
  }
}

}  // namespace kvlink::cuda
