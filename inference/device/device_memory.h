// SPDX-License-Identifier: Apache-2.0
// How much of a device a model takes, before it is taken.
#pragma once

#include <cstdint>

#include "inference/device/gpu_options.h"
#include "inference/model/model.h"

namespace kvlink::inference {

/// Rows of logits that are computed at a time.
inline constexpr std::int64_t kDeviceLogitRows = 16;
/// Steps of at most so many rows are repeated as graphs.
inline constexpr std::int64_t kDeviceGraphRows = 128;

/// What loads of blocks take, on the device and pinned: known and taken before the first of them.
struct LoadRoom {
  static constexpr std::int64_t kSlots = 3;
  static constexpr std::int64_t kMostBlocks = 4096;  ///< of one load

  /// For loads into contexts of `capacity` rows, through slots of at most `slot_bytes`.
  LoadRoom(const ModelConfig& config, std::int64_t capacity, std::int64_t slot_bytes);

  std::int64_t slot = 0;      ///< bytes of each of kSlots, on both sides
  std::int64_t n_tokens = 0;  ///< of one load, at most
  std::int64_t tables = 0;    ///< bytes, on both sides: where blocks lie, rows, positions
  std::int64_t pairs = 0;     ///< bytes, on the device: rotation
  std::int64_t on_device() const { return kSlots * slot + tables + pairs; }
  std::int64_t pinned() const { return kSlots * slot + tables; }
};

/// Device memory, by purpose; all of it but the blocks that stay is known before anything is taken.
struct DeviceMemory {
  std::int64_t weights = 0, copies = 0, activations = 0, context = 0, loads = 0;
  std::int64_t total() const { return weights + copies + activations + context + loads; }
};

/// What a decoder and one context of `capacity` rows need. Copies are counted when they fit into
/// `available` bytes beside the rest and the blocks that may stay.
DeviceMemory device_memory(const Model& model, const DeviceOptions& options, std::int64_t capacity,
                           std::int64_t available);

/// The same for what is free now. kOutOfMemory, with the numbers, when it does not fit;
/// kInvalidInput for options that make no sense.
DeviceMemory plan_device_memory(const Model& model, cuda::CudaBackend& backend,
                                const DeviceOptions& options, std::int64_t capacity);

}  // namespace kvlink::inference
