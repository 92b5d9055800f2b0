// SPDX-License-Identifier: Apache-2.0
// The runtime of include/cuda_runtime.h: device memory is the host's, full of NaN when it is taken.
// Streams may be late: what is queued on a late stream is done no sooner than somebody waits for
// it, so that a missing wait, or a buffer of the host that is written again too early, shows.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "tests/cuda_host/include/cuda_runtime.h"

/// Waiting for one stream may run works of another, and streams belong to several threads.
static std::recursive_mutex& queues() {
  static std::recursive_mutex mutex;
  return mutex;
}

struct FakeGraph {
  std::vector<std::function<void()>> work;
};
struct FakeStream {
  FakeGraph* captured = nullptr;
  int lane = 0;             // 0, 1, 0, … in the order of creation: a context makes two
  std::int64_t n_done = 0;  // works of the queue that are done, ever
  std::int64_t n_queued = 0;
  std::deque<std::function<void()>> queue;

  void run_until(std::int64_t n) {
    const std::lock_guard lock(queues());
    while (n_done < n && !queue.empty()) {
      const auto work = std::move(queue.front());
      queue.pop_front();
      ++n_done;
      work();
    }
  }
};
struct FakeEvent {
  std::chrono::steady_clock::time_point at;
  FakeStream* stream = nullptr;  // of the last record
  std::int64_t ticket = 0;       // works of that stream up to the record
};

namespace {

/// Both lanes late unless the environment says otherwise: bit 0 the compute lane, bit 1 the copies.
int late_by_default() {
  const char* mask = std::getenv("KVLINK_FAKE_CUDA_LATE");
  return mask == nullptr ? 3 : std::atoi(mask);
}

struct Device {
  std::mutex mutex;
  cudaError_t error = cudaSuccess;
  std::int64_t capacity = std::int64_t{8} << 30;
  std::int64_t used = 0;
  std::int64_t pinned_capacity = INT64_MAX;
  std::atomic<std::int64_t> n_records = 0;  // of events
  std::map<const void*, std::int64_t> device_memory;
  std::map<const void*, std::int64_t> pinned;
  std::set<FakeStream*> streams;
  int n_streams = 0;  // that were ever made
  int late = late_by_default();
  int n_devices = 1;
  bool is_wrong = false;
};
Device& device() {
  static Device d;
  return d;
}

/// Streams that this thread notes graphs on. As in CUDA's mode of a capture per thread, it can then
/// neither take memory nor give it back.
thread_local int n_noting = 0;

}  // namespace

namespace fake {

cudaError_t submit(cudaStream_t stream, std::function<void()> work) {
  const std::lock_guard lock(queues());
  if (device().error != cudaSuccess) return device().error;
  if (stream == nullptr) {
    work();
  } else if (stream->captured != nullptr) {
    stream->captured->work.push_back(std::move(work));
  } else {
    stream->queue.push_back(std::move(work));
    ++stream->n_queued;
    if ((device().late >> stream->lane & 1) == 0) stream->run_until(stream->n_queued);
  }
  return cudaSuccess;
}

/// What the real runtime waits for before memory goes.
void finish_all() {
  const std::lock_guard lock(queues());
  for (FakeStream* stream : device().streams) stream->run_until(stream->n_queued);
}

bool is_pinned(const void* memory) {
  Device& d = device();
  const std::lock_guard lock(d.mutex);
  auto found = d.pinned.upper_bound(memory);
  if (found == d.pinned.begin()) return false;
  --found;
  return memory < static_cast<const std::byte*>(found->first) + found->second;
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
  *n = device().error == cudaSuccess ? device().n_devices : 0;
  return device().error;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int number) {
  std::snprintf(properties->name, sizeof(properties->name),
                number == 0 ? "host shim" : (number == 1 ? "second shim" : "old shim"));
  properties->totalGlobalMem = static_cast<std::size_t>(device().capacity);
  return device().error;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int number) {
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *value = 4;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = number < 2 ? 9 : 6;
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
  if (n_noting > 0) return cudaErrorStreamCaptureUnsupported;
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
  if (n_noting > 0) return cudaErrorStreamCaptureUnsupported;
  fake::finish_all();
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
  if (n_noting > 0) return cudaErrorStreamCaptureUnsupported;
  Device& d = device();
  const std::lock_guard lock(d.mutex);
  if (d.error != cudaSuccess) return d.error;
  if (static_cast<std::int64_t>(bytes) > d.pinned_capacity) return cudaErrorMemoryAllocation;
  *memory = std::malloc(bytes);
  d.pinned[*memory] = static_cast<std::int64_t>(bytes);
  return *memory == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}
cudaError_t cudaFreeHost(void* memory) {
  if (n_noting > 0) return cudaErrorStreamCaptureUnsupported;
  fake::finish_all();
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
  fake::finish_all();
  Device& d = device();
  const std::lock_guard lock(d.mutex);
  d.pinned.erase(memory);
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* memory) {
  attributes->type = fake::is_pinned(memory) ? cudaMemoryTypeHost : cudaMemoryTypeUnregistered;
  return device().error;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (bytes == 0) return device().error;
  const bool captures = stream != nullptr && stream->captured != nullptr;
  const bool is_pageable = (kind == cudaMemcpyHostToDevice && !fake::is_pinned(from)) ||
                           (kind == cudaMemcpyDeviceToHost && !fake::is_pinned(to));
  // A graph would read such memory when it no longer has what it had.
  if (captures && is_pageable) return cudaErrorStreamCaptureUnsupported;
  if (kind == cudaMemcpyHostToDevice && is_pageable) {
    // Staged at once: the caller may write there again when this returns.
    const auto* bytes_now = static_cast<const std::byte*>(from);
    std::vector<std::byte> staged(bytes_now, bytes_now + bytes);
    // Weights, in other words: everything else comes from pinned memory.
    if (device().is_wrong) std::rotate(staged.begin(), staged.begin() + bytes / 2, staged.end());
    return fake::submit(stream, [to, staged = std::move(staged)] {
      std::memcpy(to, staged.data(), staged.size());
    });
  }
  const cudaError_t error = fake::submit(stream, [=] { std::memcpy(to, from, bytes); });
  if (is_pageable && stream != nullptr) stream->run_until(stream->n_queued);
  return error;
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  return fake::submit(stream, [=] { std::memset(to, value, bytes); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  Device& d = device();
  *stream = new FakeStream();
  (*stream)->lane = d.n_streams++ % 2;
  d.streams.insert(*stream);
  return d.error;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  stream->run_until(stream->n_queued);
  device().streams.erase(stream);
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (stream->captured != nullptr) return cudaErrorStreamCaptureUnsupported;
  stream->run_until(stream->n_queued);
  return device().error;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (event->stream == nullptr) return device().error;
  return fake::submit(stream, [other = event->stream, ticket = event->ticket] {
    if (device().streams.contains(other)) other->run_until(ticket);
  });
}
cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new FakeEvent();
  return device().error;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  // Works that will write its time may still wait.
  if (event->stream != nullptr && device().streams.contains(event->stream)) {
    event->stream->run_until(event->ticket);
  }
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const cudaError_t error =
      fake::submit(stream, [event] { event->at = std::chrono::steady_clock::now(); });
  event->stream = stream;
  event->ticket = stream->n_queued;
  ++device().n_records;
  return error;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (event->stream != nullptr) event->stream->run_until(event->ticket);
  return device().error;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  for (cudaEvent_t event : {begin, end}) {
    if (event->stream == nullptr) return cudaErrorInvalidValue;
    if (event->stream->n_done < event->ticket) return cudaErrorNotReady;
  }
  *milliseconds = std::chrono::duration<float, std::milli>(end->at - begin->at).count();
  return device().error;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream->captured != nullptr) return cudaErrorInvalidValue;
  stream->captured = new FakeGraph();
  ++n_noting;
  return device().error;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  if (stream->captured == nullptr) return cudaErrorInvalidValue;
  *graph = stream->captured;
  stream->captured = nullptr;
  --n_noting;
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
void fake_cuda_set_late(int mask) {
  fake::finish_all();
  device().late = mask;
}
void fake_cuda_set_devices(int n) { device().n_devices = n; }
void fake_cuda_set_wrong(int wrong) {
  fake::finish_all();
  device().is_wrong = wrong != 0;
}
void fake_cuda_set_memory(std::int64_t bytes) { device().capacity = bytes; }
std::int64_t fake_cuda_used() { return device().used; }
/// The most that one piece of pinned memory may have.
void fake_cuda_set_pinned(std::int64_t bytes) { device().pinned_capacity = bytes; }
std::int64_t fake_cuda_n_records() { return device().n_records; }
void fake_cuda_set_order(int order) {
  fake::finish_all();
  simt::set_order(static_cast<simt::Order>(order));
}

}  // extern "C"
