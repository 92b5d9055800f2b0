// SPDX-License-Identifier: Apache-2.0
// What a user of the engine can say about the GPU, and which GPUs there are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/dtype.h"
#include "kernels/cuda/backend.h"

namespace kvlink::inference {

/// What products of many rows are computed in. Sums are always f32.
enum class Products : std::uint8_t {
  kAuto,  ///< kBF16 where most weights are bf16 and the device can, else kF16
  kF16,
  kBF16,
  kF32,  ///< slow; for tests
};

struct DeviceOptions {
  Products products = Products::kAuto;
  DType arena_dtype = DType::kF16;  ///< kF16, kBF16, kQ8Kv (half the memory), or kF32 for tests
  std::int64_t tile_rows = 2048;    ///< rows that go through the layers together; 16 or more
  /// Blocks that stay on the device between questions, at most; 0: none.
  std::int64_t block_budget_bytes = std::int64_t{2} << 30;
  /// Blocks on their way to the device go through three pinned pieces of at most so many bytes; a
  /// layer that is larger takes several.
  std::int64_t ring_slot_bytes = std::int64_t{32} << 20;
  bool graphs = true;  ///< repeat small steps as CUDA graphs
  bool copies = true;  ///< 16-bit copies of quantised weights where they fit beside the blocks
  bool check = true;   ///< compare a few tokens with the CPU before the device is trusted
};

struct GpuOptions {
  std::shared_ptr<const cuda::CudaPlugin> plugin = {};  ///< null: the CPU does everything
  cuda::BackendOptions backend = {};
  DeviceOptions decoder = {};
  /// Without a plugin: why no GPU is used, in one line; "": nobody wants one.
  std::string refusal = {};
  bool is_chosen = false;  ///< the user named this GPU: a notice says when it cannot be used
};

/// A GPU of this machine.
struct FoundGpu {
  std::string id;       ///< "gpu:0": what the user calls it
  std::string words;    ///< its name, compute capability, memory and driver
  std::string problem;  ///< why it cannot be used, in one line; "": it can
};

/// What was found when the machine was asked for GPUs.
struct FoundGpus {
  std::shared_ptr<const cuda::CudaPlugin> plugin = {};  ///< null: there are none
  std::vector<FoundGpu> gpus = {};
  std::string problem = {};  ///< without GPUs: why, in one line
};

/// Loads the plugin ("": the one beside this program) and asks it for devices. Some milliseconds
/// without a driver; with one, the first call of a process wakes it up.
FoundGpus find_gpus(const std::filesystem::path& plugin_file = {});

/// Whether `choice` is one of "auto", "cpu", "gpu:0" to "gpu:63".
bool is_device_choice(std::string_view choice);

/// The GPU that a choice means: "auto" is the first that can be used.
GpuOptions choose_gpu(const FoundGpus& found, std::string_view choice);

}  // namespace kvlink::inference
