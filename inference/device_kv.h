// SPDX-License-Identifier: Apache-2.0
// Where KV lies when it is not in the computer's own memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "kernels/base/kv_block.h"
#include "kernels/base/sha256.h"

namespace kvlink::inference {

struct ForwardBatch;
class KvCache;

/// A block on its way into an arena: rows [first_row, first_row + n_tokens) at `positions`.
struct KvLoad {
  const KvBlock* block = nullptr;
  /// Whoever keeps the block, or null: only such blocks can stay on the device between questions.
  std::shared_ptr<const KvBlock> owner = {};
  std::int64_t first_row = 0;
  std::span<const std::int32_t> positions = {};
  /// What the block is known by, or zero. Blocks with an id are found again on the device when the
  /// host has read them anew; without one only the very same object is.
  Digest id = {};
};

/// One piece of a device's work, by the device's clock.
struct DeviceSpan {
  enum class Work : std::uint8_t {
    kCopy,     ///< blocks of one layer over the bus
    kRotate,   ///< dequantise, rotate and scatter of one layer
    kForward,  ///< a pass over the layers
  };
  Work work = Work::kForward;
  std::chrono::steady_clock::time_point begin, end;
  std::int64_t bytes = 0;  ///< of blocks; 0 where there are none
};

/// Blocks that a device keeps between questions.
struct DeviceTier {
  std::int64_t budget_bytes = 0;
  std::int64_t used_bytes = 0;
  std::int64_t n_blocks = 0;
  std::int64_t n_served = 0;   ///< blocks that a question found there, since the start
  std::int64_t n_evicted = 0;  ///< blocks that made room
};

/// KV of one conversation on a device, with the decoder that works on it: a KvCache that has one
/// hands forward passes and loads over to it. One user at a time. Throws as Decoder::forward does,
/// and kDevice when the device is lost.
class DeviceKv {
 public:
  virtual ~DeviceKv() = default;
  virtual std::vector<float> forward(const ForwardBatch& batch, const KvCache& cache,
                                     const std::function<void()>& between_layers) = 0;
  virtual void load(std::span<const KvLoad> loads, const KvCache& cache,
                    const std::function<void()>& between_layers) = 0;
  /// From here to end_trace() loads and passes are timed by the device's own events.
  virtual void begin_trace() = 0;
  /// What was done since, in the order of its begin; waits until it is over.
  virtual std::vector<DeviceSpan> end_trace() = 0;
  /// Ends it without asking what was done, as where the work broke off.
  virtual void drop_trace() noexcept = 0;
};

}  // namespace kvlink::inference
