// SPDX-License-Identifier: Apache-2.0
// config.json and a safetensors file from memory to a Model: the input is the configuration, a zero
// byte, and the file.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "inference/model/llama_hf.h"
#include "inference/model/model_storage.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n_bytes) {
  using namespace kvlink::inference;
  const std::uint8_t* end = bytes + n_bytes;
  const std::uint8_t* zero = std::find(bytes, end, std::uint8_t{0});
  if (zero == end) return 0;
  const std::string_view config(reinterpret_cast<const char*>(bytes),
                                static_cast<std::size_t>(zero - bytes));
  const auto file = std::as_bytes(std::span(zero + 1, end));
  const auto model = kvlink::returning([&] {
    return model_from_safetensors(file, config, std::make_shared<Model::Storage>(), "fuzz");
  });
  if (model) model->compute_fingerprint();
  return 0;
}
