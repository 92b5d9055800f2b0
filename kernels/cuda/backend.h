// SPDX-License-Identifier: Apache-2.0
// The device as the rest of the program sees it: the plugin found at run time, and a context of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/base/result.h"
#include "kernels/cuda/api.h"

namespace kvlink::cuda {

/// libkvlink_cuda.so, loaded. Immutable; shared by whoever uses it.
class CudaPlugin {
 public:
  /// kNotFound: there is no plugin at `file`; kUnsupported: it cannot be loaded, was built for
  /// another version of the program, or the machine has no driver or device. The message is one
  /// line that says why the GPU is not used.
  static Result<std::shared_ptr<const CudaPlugin>> load(const std::filesystem::path& file);
  ~CudaPlugin();
  CudaPlugin(const CudaPlugin&) = delete;
  CudaPlugin& operator=(const CudaPlugin&) = delete;

  const Api& api() const { return *api_; }
  const std::vector<DeviceInfo>& devices() const { return devices_; }

 private:
  CudaPlugin(void* library, const Api* api) : library_(library), api_(api) {}
  void* library_;
  const Api* api_;
  std::vector<DeviceInfo> devices_;
};

/// Where the plugin lies beside a program: in its folder, in the build tree's lib/kvlink, or in
/// ../lib/kvlink of an installation. The first that exists, else the last.
std::filesystem::path default_plugin_file(const std::filesystem::path& program_folder);

/// "NVIDIA H100 80GB HBM3, sm_90, 79.2 GiB, driver for CUDA 13.0"
std::string describe(const DeviceInfo& device);
/// "" or, in one line, why a device that is there cannot be used.
std::string why_unusable(const DeviceInfo& device);

struct BackendOptions {
  std::int32_t device = 0;               ///< index in CudaPlugin::devices()
  std::int64_t memory_limit_bytes = 0;   ///< of everything on the device; 0: what it has
  std::string blas_library = "default";  ///< file of cuBLASLt; "": none; "default": the usual one
  std::int64_t fail_after_calls = 0;     ///< for tests: the device counts as lost after these calls
};

/// A context of a device. One user at a time. Throws kOutOfMemory, after which everything works as
/// before; kDevice when the device is lost, after which nothing does; kUnsupported for a call that
/// the plugin refuses.
class CudaBackend {
 public:
  CudaBackend(std::shared_ptr<const CudaPlugin> plugin, const BackendOptions& options);
  ~CudaBackend();
  CudaBackend(const CudaBackend&) = delete;
  CudaBackend& operator=(const CudaBackend&) = delete;

  /// backend.run(&Api::matmul, &call): one call of the table.
  template <typename... Formal, typename... Actual>
  void run(Status (*Api::*function)(Context*, Formal...), Actual... actual) {
    check((plugin_->api().*function)(context_, actual...));
  }
  const Api& api() const { return plugin_->api(); }
  Context* context() const { return context_; }
  const DeviceInfo& device() const { return device_; }
  /// Whether 16-bit products can be bf16 (sm_80 and later).
  bool has_bf16() const { return device_.major >= 8; }

 private:
  void check(Status status) const;

  std::shared_ptr<const CudaPlugin> plugin_;
  DeviceInfo device_ = {};
  Context* context_ = nullptr;
};

/// Memory of a backend, given back with its owner. Move-only; must not outlive the backend.
template <Status (*Api::*kAllocate)(Context*, std::int64_t, void**),
          void (*Api::*kRelease)(Context*, void*)>
class Memory {
 public:
  Memory() = default;
  /// Uninitialised. Throws kOutOfMemory, kDevice.
  Memory(CudaBackend& backend, std::int64_t bytes) : backend_(&backend), bytes_(bytes) {
    if (bytes > 0) backend.run(kAllocate, bytes, &data_);
  }
  Memory(Memory&& other) noexcept { swap(other); }
  Memory& operator=(Memory&& other) noexcept {
    swap(other);
    return *this;
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() {
    if (data_ != nullptr) (backend_->api().*kRelease)(backend_->context(), data_);
  }

  std::int64_t size() const { return bytes_; }
  void* data() const { return data_; }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void swap(Memory& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }
  CudaBackend* backend_ = nullptr;
  void* data_ = nullptr;
  std::int64_t bytes_ = 0;
};

/// On the device.
using DeviceBuffer = Memory<&Api::allocate, &Api::release>;
/// Of the host, which the device copies from without waiting.
using PinnedBuffer = Memory<&Api::allocate_pinned, &Api::release_pinned>;

/// An event or a graph of a backend, destroyed with its owner.
template <typename T, void (*Api::*kDestroy)(Context*, T*)>
class Handle {
 public:
  Handle() = default;
  Handle(CudaBackend& backend, T* object) : backend_(&backend), object_(object) {}
  Handle(Handle&& other) noexcept
      : backend_(other.backend_), object_(std::exchange(other.object_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(object_, other.object_);
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (object_ != nullptr) (backend_->api().*kDestroy)(backend_->context(), object_);
  }
  T* get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  CudaBackend* backend_ = nullptr;
  T* object_ = nullptr;
};
using EventHandle = Handle<Event, &Api::destroy_event>;
using GraphHandle = Handle<Graph, &Api::destroy_graph>;

inline EventHandle make_event(CudaBackend& backend) {
  Event* event = nullptr;
  backend.run(&Api::create_event, &event);
  return {backend, event};
}

}  // namespace kvlink::cuda
