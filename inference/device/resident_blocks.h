// SPDX-License-Identifier: Apache-2.0
// Blocks that stay on a device between questions.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "inference/device_kv.h"
#include "kernels/base/kv_block.h"
#include "kernels/cuda/backend.h"

namespace kvlink::inference {

/// Inside a byte budget the longest unused block makes room; blocks of the load under way never do.
/// One user at a time, but tier() and ids(), which any thread may call. Must not outlive the
/// backend.
class ResidentBlocks {
 public:
  struct Block {
    Digest id;
    std::weak_ptr<const KvBlock> owner;  // of one without an id
    const KvBlock* object = nullptr;
    KvLayout layout;
    std::int64_t n_tokens = 0;
    cuda::DeviceBuffer bytes;
    bool is_filled = false;    // the bytes are there
    std::uint64_t n_load = 0;  // the last load that took it
  };

  ResidentBlocks(cuda::CudaBackend& backend, std::int64_t budget_bytes)
      : backend_(backend), budget_bytes_(budget_bytes) {}

  /// What is too much leaves. Not while a load is under way.
  void set_budget(std::int64_t bytes);
  /// What place() returns from here on stays until the next call.
  void begin_load();
  /// Room for a block, filled or not; null where it does not stay: nobody knows it again, or the
  /// budget or the device has no room. Throws kDevice.
  Block* place(const KvLoad& load);
  /// Everything that was placed since begin_load() is filled.
  void end_load();
  void drop();

  DeviceTier tier() const;
  std::vector<Digest> ids() const;  ///< of those that have one, the last used first

 private:
  Block* find(const KvLoad& load);
  bool evict_one();
  bool make_room(std::int64_t bytes);
  cuda::DeviceBuffer take(std::int64_t bytes);

  cuda::CudaBackend& backend_;
  std::uint64_t n_load_ = 0;
  mutable std::mutex mutex_;
  std::list<Block> blocks_;    // the last used first; guarded by mutex_
  std::int64_t budget_bytes_;  // guarded by mutex_
  DeviceTier counts_;          // guarded by mutex_
};

}  // namespace kvlink::inference
