// SPDX-License-Identifier: Apache-2.0
// A safetensors file from memory; every tensor's first and last byte is touched.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "inference/model/safetensors_file.h"
#include "kernels/base/result.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n_bytes) {
  using namespace kvlink::inference;
  const auto input = std::as_bytes(std::span(bytes, n_bytes));
  const auto file =
      kvlink::returning([&] { return SafetensorsFile::parse(input, "fuzz.safetensors"); });
  if (!file) return 0;
  unsigned sum = 0;
  for (const TensorEntry& tensor : file->tensors) {
    if (tensor.bytes.empty()) continue;
    sum += std::to_integer<unsigned>(tensor.bytes.front()) +
           std::to_integer<unsigned>(tensor.bytes.back());
  }
  // The sum must be computed for the bytes to be read.
  if (sum == ~0U) std::abort();
  return 0;
}
