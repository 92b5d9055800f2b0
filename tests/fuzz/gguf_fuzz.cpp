// SPDX-License-Identifier: Apache-2.0
// GGUF from memory to a Model, and the tokenizer alone.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "inference/model/llama_gguf.h"
#include "inference/model/model_storage.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n_bytes) {
  using namespace kvlink::inference;
  const auto input = std::as_bytes(std::span(bytes, n_bytes));
  const auto model = kvlink::returning(
      [&] { return model_from_gguf(input, std::make_shared<Model::Storage>(), "fuzz.gguf"); });
  if (model) model->compute_fingerprint();
  // A vocabulary alone is read on another path: without tensors.
  static_cast<void>(
      kvlink::returning([&] { return tokenizer_from_gguf(GgufFile::parse(input, "fuzz.gguf")); }));
  return 0;
}
