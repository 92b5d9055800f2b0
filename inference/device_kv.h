// SPDX-License-Identifier: Apache-2.0
// Where KV lies when it is not in the computer's own memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "kernels/base/kv_block.h"

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
};

}  // namespace kvlink::inference
