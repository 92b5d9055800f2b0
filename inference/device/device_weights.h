// SPDX-License-Identifier: Apache-2.0
// A decoder's weights on a device.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "inference/device/gpu_options.h"
#include "inference/model/model.h"
#include "kernels/cuda/backend.h"

namespace kvlink::inference {

/// Matrices that read the same activations: one where their types agree, else side by side.
struct DeviceMaps {
  struct Part {
    cuda::Weights w;
    std::int64_t first_output = 0;
  };
  std::vector<Part> parts;
  std::int64_t outputs = 0;
};

struct DeviceLayer {
  const float* attention_norm = nullptr;
  const float* ffn_norm = nullptr;
  const float* q_bias = nullptr;
  const float* k_bias = nullptr;
  const float* v_bias = nullptr;
  const float* q_norm = nullptr;
  const float* k_norm = nullptr;
  DeviceMaps qkv, o, gate_up, down;
};

/// Uploaded once, read-only afterwards. Borrows the backend; the model may go.
class DeviceWeights {
 public:
  /// Bytes that the weights take on the device as stored, and the 16-bit copies of quantised ones.
  static std::int64_t stored_bytes(const Model& model);
  static std::int64_t wide_bytes(const Model& model);

  /// 16-bit copies of quantised weights are kept beside them when they fit into `room_for_copies`:
  /// products of many rows then need not make them each time. Throws kOutOfMemory, kDevice; nothing
  /// stays on the device then.
  DeviceWeights(const Model& model, cuda::CudaBackend& backend, Products products,
                std::int64_t room_for_copies);

  /// kF16, kBF16 or kF32: never kAuto's.
  DType half() const { return half_; }
  bool has_copies() const { return has_copies_; }

  cuda::Weights embedding = {};
  cuda::Weights output = {};
  const float* output_norm = nullptr;
  const float* rope_frequencies = nullptr;
  std::vector<DeviceLayer> layers;

 private:
  void* put(const void* bytes, std::int64_t n);
  const float* put_vector(const float* values, std::int64_t n);
  cuda::Weights put_matrix(const std::vector<WeightView>& stacked);
  DeviceMaps put_maps(const std::vector<WeightView>& maps);
  void add_copy(cuda::Weights& w);

  cuda::CudaBackend& backend_;
  DType half_ = DType::kF16;
  bool has_copies_ = false;
  std::vector<cuda::DeviceBuffer> buffers_;
};

}  // namespace kvlink::inference
