// SPDX-License-Identifier: Apache-2.0
// Writes safetensors files for tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/dtype.h"

namespace kvlink::tests {

/// Tensors in the order they were added, without gaps.
class SafetensorsWriter {
 public:
  /// dtype kF32, kF16 or kBF16; shape outermost first.
  void add(std::string_view name, DType dtype, std::vector<std::int64_t> shape,
           std::span<const float> values);
  /// The JSON header, padded with spaces to a multiple of 8.
  std::string header() const;
  const std::string& data() const { return data_; }
  std::string bytes() const;

 private:
  std::string entries_;
  std::string data_;
};

/// A file from any header text and data: for malformed ones.
std::string safetensors_bytes(std::string_view header, std::string_view data);

}  // namespace kvlink::tests
