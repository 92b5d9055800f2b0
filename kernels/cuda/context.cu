// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/blas.h"
#include "kernels/cuda/context.h"

namespace kvlink::cuda {
namespace {

constexpr std::int64_t kFirstScratchBytes = std::int64_t{1} << 20;

std::string mib(std::int64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

Status status_of(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return Status::kOk;
    case cudaErrorMemoryAllocation:
      return Status::kOutOfMemory;
    // The call was wrong or cannot be done; the device is as it was.
    case cudaErrorInvalidValue:
    case cudaErrorInvalidConfiguration:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidResourceHandle:
    case cudaErrorNotReady:
    case cudaErrorLaunchOutOfResources:
    case cudaErrorHostMemoryAlreadyRegistered:
    case cudaErrorHostMemoryNotRegistered:
    case cudaErrorNotSupported:
    case cudaErrorStreamCaptureUnsupported:
    case cudaErrorStreamCaptureInvalidated:
    case cudaErrorStreamCaptureMerge:
    case cudaErrorStreamCaptureUnmatched:
    case cudaErrorStreamCaptureUnjoined:
    case cudaErrorStreamCaptureIsolation:
    case cudaErrorStreamCaptureImplicit:
    case cudaErrorCapturedEvent:
    case cudaErrorStreamCaptureWrongThread:
      return Status::kFailed;
    case cudaErrorInsufficientDriver:
    case cudaErrorNoDevice:
      return Status::kUnsupported;
    default:
      // Everything else leaves the device in a state that nobody knows: ECC, faults in a kernel,
      // a device that fell off the bus.
      return Status::kLost;
  }
}

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // errors that are not sticky are forgotten here
  throw DeviceError(status_of(error), std::string(what) + ": " + cudaGetErrorString(error));
}

Context::Context(const ContextOptions& options)
    : device(options.device), calls_left_(options.fail_after_calls) {
  const auto attribute = [this](cudaDeviceAttr which) {
    int value = 0;
    check(cudaDeviceGetAttribute(&value, which, device), "reading the device's properties");
    return value;
  };
  check(cudaSetDevice(device), "choosing the device");
  major = attribute(cudaDevAttrComputeCapabilityMajor);
  minor = attribute(cudaDevAttrComputeCapabilityMinor);
  n_processors = attribute(cudaDevAttrMultiProcessorCount);
  most_shared_bytes = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
  check(cudaMemGetInfo(&free_bytes, &total_bytes), "asking for the device's memory");
  limit_bytes = options.memory_limit_bytes > 0 ? options.memory_limit_bytes
                                               : static_cast<std::int64_t>(total_bytes);
  for (cudaStream_t& lane : lanes) {
    check(cudaStreamCreateWithFlags(&lane, cudaStreamNonBlocking), "making a stream");
  }
  try {
    blas = BlasLibrary::open(*this, options.blas_library, blas_words);
  } catch (const DeviceError& error) {
    if (error.status() != Status::kOutOfMemory) throw;
    blas_words = "cuBLASLt has no room for its workspace";
  }
}

Context::~Context() {
  cudaSetDevice(device);
  cudaGraph_t unfinished = nullptr;
  stop_noting(&unfinished);
  if (unfinished != nullptr) cudaGraphDestroy(unfinished);
  blas.reset();
  for (const auto& [memory, bytes] : allocations_) cudaFree(memory);
  for (const cudaStream_t lane : lanes) {
    if (lane != nullptr) cudaStreamDestroy(lane);
  }
}

void Context::touch() {
  if (calls_left_ > 0 && --calls_left_ == 0) {
    lost_ = true;
    lost_reason_ = "the device was declared lost for a test";
  }
  if (lost_) throw DeviceError(Status::kLost, lost_reason_);
  check(cudaSetDevice(device), "choosing the device");
}

void* Context::allocate(std::int64_t bytes) {
  require(bytes > 0, "an allocation of nothing");
  if (bytes > limit_bytes - used_bytes) {
    throw DeviceError(Status::kOutOfMemory, mib(bytes) +
                                                " of device memory do not fit: " + mib(used_bytes) +
                                                " of " + mib(limit_bytes) + " are in use");
  }
  void* memory = nullptr;
  check(cudaMalloc(&memory, static_cast<std::size_t>(bytes)), "taking device memory");
  allocations_.emplace(memory, bytes);
  used_bytes += bytes;
  return memory;
}

void Context::release(void* memory) {
  const auto found = allocations_.find(memory);
  if (found == allocations_.end()) return;
  used_bytes -= found->second;
  allocations_.erase(found);
  cudaFree(memory);
}

void* Context::scratch(std::int64_t bytes) {
  if (bytes > scratch_bytes_) {
    require(!capturing, "scratch must be reserved before a graph is made");
    std::int64_t wanted = scratch_bytes_ > 0 ? scratch_bytes_ : kFirstScratchBytes;
    while (wanted < bytes) wanted *= 2;
    void* piece = nullptr;
    try {
      piece = allocate(wanted);
    } catch (const DeviceError& error) {
      if (error.status() != Status::kOutOfMemory || wanted == bytes) throw;
      wanted = bytes;
      piece = allocate(wanted);
    }
    scratch_pieces_.push_back(piece);
    scratch_bytes_ = wanted;
  }
  return scratch_pieces_.back();
}

cudaError_t Context::stop_noting(cudaGraph_t* graph) {
  if (!capturing) return cudaSuccess;
  capturing = false;
  return cudaStreamEndCapture(compute(), graph);
}

void note_loss(Context& context, const DeviceError& error) {
  context.error = error.what();
  if (error.status() != Status::kLost || context.lost_) return;
  context.lost_ = true;
  context.lost_reason_ = error.what();
}

}  // namespace kvlink::cuda
