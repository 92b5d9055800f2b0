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

/// Device memory, by purpose; all of it but the blocks that stay is known before anything is taken.
struct DeviceMemory {
  std::int64_t weights = 0, copies = 0, activations = 0, context = 0;
  std::int64_t total() const { return weights + copies + activations + context; }
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
