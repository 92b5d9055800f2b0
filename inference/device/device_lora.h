// SPDX-License-Identifier: Apache-2.0
// LoRA beside a device's weights.
#pragma once

#include <cstdint>
#include <vector>

#include "inference/device/device_weights.h"
#include "inference/link/lora.h"

namespace kvlink::inference {

/// The factors on the device, ranks padded to what products like. Borrows the backend.
class DeviceLora {
 public:
  /// half: what the model's products are computed in. tile_rows: the longest batch part.
  DeviceLora(const LoraWeights& lora, const ModelConfig& config, DType half, std::int64_t tile_rows,
             cuda::CudaBackend& backend);

  /// Maps that read the same activations.
  enum class Group : std::uint8_t { kQkv, kO, kGateUp, kDown };

  /// y += B (A x) for the maps of a group, whose results lie side by side in y. skip [n], not 0:
  /// the row stays as it is; on the device.
  void apply(std::int32_t layer, Group group, cuda::Matrix x, cuda::Matrix y,
             const std::int32_t* skip);

 private:
  struct Map {
    cuda::Weights b = {};
    std::int64_t rank_from = 0;
    std::int64_t first_output = 0;
  };
  struct GroupMaps {
    cuda::Weights a = {};  // all maps' ranks; data null: no map of the group is corrected
    std::vector<Map> maps;
  };

  GroupMaps make_group(const LoraWeights& lora, const ModelConfig& config, std::int32_t layer,
                       std::span<const LoraTarget> targets);
  const void* put(const std::vector<float>& values);

  DType half_;
  cuda::CudaBackend& backend_;
  std::vector<GroupMaps> groups_;  // four of each layer
  std::vector<cuda::DeviceBuffer> buffers_;
  std::int64_t most_ranks_ = 0;
  cuda::DeviceBuffer product_;
};

}  // namespace kvlink::inference
