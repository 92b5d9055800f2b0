// SPDX-License-Identifier: Apache-2.0
// The runtime of include/cuda_runtime.h: device memory is the host's, full of NaN when it is taken.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "tests/cuda_host/include/cuda_runtime.h"

struct FakeGraph {
  std::vector<std::function<void()>> work;
};
struct FakeStream {
  FakeGraph* captured = nullptr;
};
struct FakeEvent {
  std::chrono::steady_clock::time_point at;
  bool recorded = false;
};

namespace {

struct Device {
  std::mutex mutex;
  cudaError_t error = cudaSuccess;
  std::int64_t capacity = std::int64_t{8} << 30;
  std::int64_t used = 0;
  std::map<const void*, std::int64_t> device_memory;
  std::map<const void*, std::int64_t> pinned;
};
Device& device() {
  static Device d;
  return d;
}

}  // namespace

namespace fake {

cudaError_t submit(cudaStream_t stream, std::function<void()> work) {
  if (device().error != cudaSuccess) return device().error;
  if (stream != nullptr && stream->captured != nullptr) {
    stream->captured->work.push_back(std::move(work));
  } else {
    work();
  }
  return cudaSuccess;
}

}  // namespace fake

extern "C" {

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorECCUncorrectable:
      return "uncorrectable ECC error encountered";
    case cudaErrorDevicesUnavailable:
      return "CUDA-capable device(s) is/are busy or unavailable";
    default:
      return "unspecified failure";
  }
}
cudaError_t cudaGetLastError() { return device().error; }
cudaError_t cudaGetDeviceCount(int* n) {
  *n = device().error == cudaSuccess ? 1 : 0;
  return device().error;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::snprintf(properties->name, sizeof(properties->name), "host shim");
  properties->totalGlobalMem = static_cast<std::size_t>(device().capacity);
  return device().error;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *value = 4;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = 9;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = 0;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = 227 * 1024;
      break;
  }
  return device().error;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = 13000;
  return device().error;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return device().error;
}
cudaError_t cudaSetDevice(int) { return device().error; }
cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total) {
  *free_bytes = static_cast<std::size_t>(device().capacity - device().used);
  *total = static_cast<std::size_t>(device().capacity);
  return device().error;
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  Device& d = device();
  const std::lock_guard lock(d.mutex);
  if (d.error != cudaSuccess) return d.error;
  if (static_cast<std::int64_t>(bytes) > d.capacity - d.used) return cudaErrorMemoryAllocation;
  // Whole multiples of 256 at multiples of 256, as the real one; beyond lies the sanitizer's.
  *memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (*memory == nullptr) return cudaErrorMemoryAllocation;
  std::memset(*memory, 0xFF, bytes);
  d.device_memory[*memory] = static_cast<std::int64_t>(bytes);
  d.used += static_cast<std::int64_t>(bytes);
  return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  Device& d = device();
  const std::lock_guard lock(d.mutex);
  const auto found = d.device_memory.find(memory);
  if (found == d.device_memory.end()) return cudaErrorInvalidValue;
  d.used -= found->second;
  d.device_memory.erase(found);
  std::free(memory);
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** memory, std::size_t bytes, unsigned) {
  Device& d = device();
  const std::lock_guard lock(d.mutex);
  if (d.error != cudaSuccess) return d.error;
  *memory = std::malloc(bytes);
  d.pinned[*memory] = static_cast<std::int64_t>(bytes);
  return *memory == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}
cudaError_t cudaFreeHost(void* memory) {
  Device& d = device();
  const std::lock_guard lock(d.mutex);
  d.pinned.erase(memory);
  std::free(memory);
  return cudaSuccess;
}
cudaError_t cudaHostRegister(void* memory, std::size_t bytes, unsigned) {
  Device& d = device();
  const std::lock_guard lock(d.mutex);
  d.pinned[memory] = static_cast<std::int64_t>(bytes);
  return d.error;
}
cudaError_t cudaHostUnregister(void* memory) {
  Device& d = device();
  const std::lock_guard lock(d.mutex);
  d.pinned.erase(memory);
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* memory) {
  Device& d = device();
  const std::lock_guard lock(d.mutex);
  attributes->type = cudaMemoryTypeUnregistered;
  auto found = d.pinned.upper_bound(memory);
  if (found != d.pinned.begin()) {
    --found;
    const auto* end = static_cast<const std::byte*>(found->first) + found->second;
    if (memory < end) attributes->type = cudaMemoryTypeHost;
  }
  return d.error;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                            cudaStream_t stream) {
  return fake::submit(stream, [=] {
    if (bytes > 0) std::memcpy(to, from, bytes);
  });
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  return fake::submit(stream, [=] { std::memset(to, value, bytes); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new FakeStream();
  return device().error;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return device().error; }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return device().error; }
cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new FakeEvent();
  return device().error;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  event->at = std::chrono::steady_clock::now();
  event->recorded = true;
  return device().error;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return device().error; }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  if (!begin->recorded || !end->recorded) return cudaErrorInvalidValue;
  *milliseconds = std::chrono::duration<float, std::milli>(end->at - begin->at).count();
  return device().error;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream->captured != nullptr) return cudaErrorInvalidValue;
  stream->captured = new FakeGraph();
  return device().error;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  if (stream->captured == nullptr) return cudaErrorInvalidValue;
  *graph = stream->captured;
  stream->captured = nullptr;
  return device().error;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long) {
  *executable = new FakeGraph(*graph);
  return device().error;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
  for (const auto& work : graph->work) {
    if (const cudaError_t error = fake::submit(stream, work); error != cudaSuccess) return error;
  }
  return cudaSuccess;
}

void fake_cuda_set_error(int error) { device().error = static_cast<cudaError_t>(error); }
void fake_cuda_set_memory(std::int64_t bytes) { device().capacity = bytes; }
std::int64_t fake_cuda_used() { return device().used; }
void fake_cuda_set_descending(int descending) {
  simt::set_order(descending != 0 ? simt::Order::kDescending : simt::Order::kAscending);
}

}  // extern "C"
