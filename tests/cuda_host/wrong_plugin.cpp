// SPDX-License-Identifier: Apache-2.0
// A plugin of another version.
#include "kernels/cuda/api.h"

extern "C" const kvlink::cuda::Api* kvlink_cuda_api() {
  static kvlink::cuda::Api api = {};
  api.version = kvlink::cuda::kApiVersion + 1;
  api.bytes = sizeof(api);
  return &api;
}
