// SPDX-License-Identifier: Apache-2.0
// One device with its streams and memory, and the checks around every call of the runtime.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "kernels/cuda/api.h"

namespace kvlink::cuda {

/// Thrown inside the plugin; turned into a Status at its edge.
class DeviceError : public std::exception {
 public:
  DeviceError(Status status, std::string text) : status_(status), text_(std::move(text)) {}
  Status status() const { return status_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  Status status_;
  std::string text_;
};

/// What an error of the runtime means for whoever goes on: memory is short, this call was wrong, or
/// the device's state is unknown from here on.
Status status_of(cudaError_t error);

/// Throws DeviceError unless `error` is cudaSuccess; `what` was being done.
void check(cudaError_t error, const char* what);

struct BlasLibrary;

/// See api.h. Owns everything allocated through it.
struct Context {
  explicit Context(const ContextOptions& options);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// First thing in every call: refuses a device that is lost.
  void touch();
  void* allocate(std::int64_t bytes);
  void release(void* memory);
  /// Scratch of at least so many bytes, good until the next call that asks for some.
  void* scratch(std::int64_t bytes);
  /// Ends what begin_graph began; nothing where nothing was begun.
  cudaError_t stop_noting(cudaGraph_t* graph);

  int device = 0;
  int major = 0, minor = 0;
  int n_processors = 0;
  int most_shared_bytes = 0;  ///< of one block
  cudaStream_t lanes[2] = {};
  cudaStream_t compute() const { return lanes[0]; }
  bool capturing = false;
  std::unique_ptr<BlasLibrary> blas;
  std::string blas_words;
  std::string error;
  std::int64_t used_bytes = 0;
  std::int64_t limit_bytes = 0;

 private:
  bool lost_ = false;
  std::string lost_reason_;
  std::int64_t calls_left_ = 0;  // 0: no end
  std::unordered_map<void*, std::int64_t> allocations_;
  // Graphs keep pointers into scratch that has since grown, so earlier pieces stay.
  std::vector<void*> scratch_pieces_;
  std::int64_t scratch_bytes_ = 0;

  friend void note_loss(Context& context, const DeviceError& error);
};

void note_loss(Context& context, const DeviceError& error);

/// Starts a kernel on a lane and checks that it started.
template <typename... Formal, typename... Actual>
void launch_on(Context& context, Lane lane, const char* name, void (*kernel)(Formal...), dim3 grid,
               unsigned n_threads, std::size_t shared, Actual... actual) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = dim3(n_threads);
  config.dynamicSmemBytes = shared;
  config.stream = context.lanes[static_cast<int>(lane)];
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Formal>(actual)...), name);
}

/// The same on the compute lane.
template <typename... Formal, typename... Actual>
void launch(Context& context, const char* name, void (*kernel)(Formal...), dim3 grid,
            unsigned n_threads, std::size_t shared, Actual... actual) {
  launch_on(context, Lane::kCompute, name, kernel, grid, n_threads, shared, actual...);
}

inline unsigned blocks_for(std::int64_t n, std::int64_t per_block) {
  return static_cast<unsigned>((n + per_block - 1) / per_block);
}

/// Throws kFailed with `text` when a caller's shapes do not fit.
inline void require(bool condition, const char* text) {
  if (!condition) throw DeviceError(Status::kFailed, text);
}

// The ops, one per call of the table.
// --------------------------------------------------------------
void embed(Context& context, const EmbedCall& call);
void norm(Context& context, const NormCall& call);
void matmul(Context& context, const MatmulCall& call);
std::int64_t matmul_scratch(const Context& context, const MatmulCall& call);
void rope_table(Context& context, const RopeTableCall& call);
void finish_projection(Context& context, const ProjectionCall& call);
void attention(Context& context, const AttentionCall& call);
std::int64_t attention_scratch(const Context& context, const AttentionCall& call);
void attention_mass(Context& context, const AttentionMassCall& call);
void swiglu(Context& context, const SwigluCall& call);
void add(Context& context, const AddCall& call);
void gelu(Context& context, const GeluCall& call);
void convert(Context& context, const ConvertCall& call);
void mask(Context& context, const MaskCall& call);
void kv_load(Context& context, const KvLoadCall& call);
void kv_store(Context& context, const KvStoreCall& call);
void dequantize(Context& context, const DequantizeCall& call);
void sample(Context& context, const SampleCall& call);

}  // namespace kvlink::cuda
