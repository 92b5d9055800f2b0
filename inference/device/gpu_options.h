// SPDX-License-Identifier: Apache-2.0
// What a user of the engine can say about the GPU.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

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
  bool graphs = true;  ///< repeat small steps as CUDA graphs
  bool copies = true;  ///< 16-bit copies of quantised weights where they fit
};

struct GpuOptions {
  std::shared_ptr<const cuda::CudaPlugin> plugin = {};  ///< null: the CPU does everything
  cuda::BackendOptions backend = {};
  DeviceOptions decoder = {};
};

/// What was found when the machine was asked for a GPU.
struct FoundGpu {
  GpuOptions options;  ///< of the first device; without a plugin when there is none
  std::string words;   ///< the device's name and memory, or in one line why no GPU is used
};

/// Looks for the plugin beside a program (cuda::default_plugin_file) and for devices.
FoundGpu find_gpu(const std::filesystem::path& program_folder);
/// The folder of the program that runs; empty when the system does not say.
std::filesystem::path own_program_folder();

}  // namespace kvlink::inference
