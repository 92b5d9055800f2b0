// SPDX-License-Identifier: Apache-2.0
#include "inference/device/gpu_options.h"

#include <system_error>

namespace kvlink::inference {

FoundGpu find_gpu(const std::filesystem::path& program_folder) {
  FoundGpu found;
  auto plugin = cuda::CudaPlugin::load(cuda::default_plugin_file(program_folder));
  if (!plugin) {
    found.words = "not used: " + plugin.error().message;
    return found;
  }
  found.options.plugin = *plugin;
  found.words = cuda::describe((*plugin)->devices().front());
  return found;
}

std::filesystem::path own_program_folder() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

}  // namespace kvlink::inference
