// SPDX-License-Identifier: Apache-2.0
// KV on a device: the arena of one conversation.
#pragma once

#include <cstdint>
#include <span>

#include "inference/model/model_config.h"
#include "kernels/cuda/backend.h"

namespace kvlink::inference {

/// One buffer for all layers, its size known before it is taken; positions and biases beside it.
/// One user at a time; must not outlive the backend.
class DeviceArena {
 public:
  /// dtype kF32, kF16, kBF16 or kQ8Kv. Throws kOutOfMemory, kDevice.
  DeviceArena(const ModelConfig& config, std::int64_t capacity, DType dtype,
              cuda::CudaBackend& backend);
  static std::int64_t size_bytes(const ModelConfig& config, std::int64_t capacity, DType dtype);

  cuda::Arena layer(std::int32_t layer) const;
  std::int64_t capacity() const { return capacity_; }
  std::int32_t* positions() const { return positions_.as<std::int32_t>(); }
  float* biases() const { return biases_.as<float>(); }
  /// Different for every arena of the process.
  std::uint64_t serial() const { return serial_; }

  /// Makes the device's positions equal to `positions` but for `written` rows, which the caller
  /// writes next, and its biases to `biases` (none: 0).
  void bring_up(std::span<const std::int32_t> positions, std::span<const float> biases,
                std::span<const std::int32_t> written);

 private:
  /// Uploads what differs from what the device holds of a buffer.
  template <typename T, typename Wanted>
  void upload_changes(const cuda::PinnedBuffer& known, std::size_t n,
                      const cuda::DeviceBuffer& buffer, Wanted wanted);

  cuda::CudaBackend& backend_;
  std::int64_t n_kv_heads_, head_dim_, capacity_, plane_bytes_, scale_bytes_;
  DType dtype_;
  std::uint64_t serial_;
  cuda::DeviceBuffer buffer_;
  cuda::DeviceBuffer positions_;
  cuda::DeviceBuffer biases_;
  // What the device holds. Pinned, so that changes travel without waiting; whoever changes them
  // again has waited for the pass in between.
  cuda::PinnedBuffer known_positions_;
  cuda::PinnedBuffer known_biases_;
};

}  // namespace kvlink::inference
