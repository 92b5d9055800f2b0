// SPDX-License-Identifier: Apache-2.0
// A chunk's KV from a device into a block, layer by layer.
#pragma once

#include <cstdint>
#include <vector>

#include "inference/model/model_config.h"
#include "kernels/base/kv_block.h"
#include "kernels/cuda/backend.h"

namespace kvlink::inference {

/// Layers travel through a ring of pinned memory while later ones are computed: the host copies
/// layer l out of it once the device has brought it. One user at a time.
class BlockCapture {
 public:
  BlockCapture(const ModelConfig& config, cuda::CudaBackend& backend)
      : config_(config), backend_(backend) {}

  /// What store() queues from here on goes into `block`. Throws kOutOfMemory, kDevice.
  void begin(KvBlock& block);
  /// Queues one layer behind what the compute lane does: keys and values [n_tokens, kv_dim] f32 on
  /// the device. Layers come in order.
  void store(std::int32_t layer, const float* keys, const float* values);
  /// Everything that was stored is in the block when this returns.
  void finish();

 private:
  struct Slot {
    cuda::DeviceBuffer device;
    cuda::PinnedBuffer host;
    cuda::EventHandle stored, fetched;
    std::int32_t layer = -1;  // that is on its way; -1: none
  };
  static constexpr std::size_t kSlots = 4;
  void collect(Slot& slot);

  const ModelConfig& config_;
  cuda::CudaBackend& backend_;
  Slot slots_[kSlots];
  KvBlock* block_ = nullptr;
  std::int64_t values_at_ = 0;  // of a slot: behind the keys
};

}  // namespace kvlink::inference
