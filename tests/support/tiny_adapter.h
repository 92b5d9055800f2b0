// SPDX-License-Identifier: Apache-2.0
// Random link adapters for the tiny generator.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "kernels/base/dtype.h"
#include "kernels/base/sha256.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/tiny_model.h"

namespace kvlink::tests {

/// What the adapter has; 0 leaves a part out.
struct TinyAdapterOptions {
  std::uint64_t seed = 1;
  std::int32_t n_header = 2;
  std::int32_t n_link = 3;
  std::uint64_t link_seed = 2;
  std::int32_t rank = 4;
  float b_spread = 0.1F;  ///< of LoRA's B; 0: the LoRA changes nothing
  DType lora_dtype = DType::kF16;
  std::string system = {};  ///< the prompt it says it was trained with; must not need escapes
  TinyModelOptions model = {};
};

/// The tensors of such an adapter.
SafetensorsWriter tiny_adapter_tensors(const TinyAdapterOptions& options);
/// A file of tensors with this metadata.
std::string adapter_bytes(const SafetensorsWriter& tensors, const std::string& format,
                          const std::string& base_sha256, const std::string& system = "",
                          const std::string& passages = "", const std::string& positions = "");
/// An adapter for the weights file `model`.
void write_tiny_adapter(const std::filesystem::path& file, const std::filesystem::path& model,
                        const TinyAdapterOptions& options = {});

}  // namespace kvlink::tests
