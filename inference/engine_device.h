// SPDX-License-Identifier: Apache-2.0
// The GPU of an engine: used while it works, given up for the CPU when it does not.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "inference/device/gpu_options.h"
#include "inference/engine_arena.h"
#include "inference/kv_cache.h"
#include "inference/link/lora.h"
#include "inference/model/model.h"
#include "kernels/base/result.h"

namespace kvlink::inference {

class Decoder;
class DeviceDecoder;

/// Made with the engine; never fails: what a device cannot do the CPU does, and a notice says so.
/// One user at a time, but words(), take_notices(), tier() and block_ids(), which any thread may
/// call.
class EngineDevice {
 public:
  /// capacity: rows of the largest context. `cpu` says what the device's results should be, and
  /// lends its threads: they must be free whenever blocks are loaded.
  EngineDevice(const Model& model, const GpuOptions& options, std::int64_t capacity,
               const Decoder& cpu);
  ~EngineDevice();

  /// Whether the next call should go to the device.
  bool works() const { return works_; }
  /// "NVIDIA H100 80GB HBM3, bf16 products, cuBLASLt", or why the GPU is not used.
  std::string words() const;
  /// What happened since the last call, for the user.
  std::vector<std::string> take_notices();
  /// Blocks that stay on it; nothing while it does not work. Any thread.
  std::optional<DeviceTier> tier() const;
  std::vector<Digest> block_ids() const;

  /// Bytes of blocks that may stay there; what is too much leaves.
  void set_budget(std::int64_t bytes);

  /// Positions here, keys and values there. Throws kOutOfMemory, kDevice.
  KvCache new_cache(std::int64_t capacity);
  EncodeArenas& arenas() { return arenas_; }
  void use_lora(const LoraWeights* lora);

  /// A call failed: whether the CPU should repeat it. After kDevice the GPU is not used any more,
  /// after anything else it is at the next call.
  bool give_up(const Error& error);

 private:
  void refuse(const std::string& reason, bool is_news);
  void stop_using(const std::string& reason);

  const Model& model_;
  std::unique_ptr<DeviceDecoder> decoder_;
  EncodeArenas arenas_;
  std::atomic<bool> works_ = false;
  mutable std::mutex mutex_;
  std::string words_;                 // guarded by mutex_
  std::vector<std::string> notices_;  // guarded by mutex_
};

}  // namespace kvlink::inference
