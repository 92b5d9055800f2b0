// SPDX-License-Identifier: Apache-2.0
// Loads a CUDA plugin as the programs do and prints in one line what came of it.
#include <cstdio>

#include "kernels/cuda/backend.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto plugin = kvlink::cuda::CudaPlugin::load(argv[1]);
  if (!plugin) {
    std::printf("%s: %s\n", kvlink::error_code_name(plugin.error().code),
                plugin.error().message.c_str());
    return 0;
  }
  for (const auto& device : (*plugin)->devices()) {
    std::printf("device: %s\n", kvlink::cuda::describe(device).c_str());
  }
  return 0;
}
