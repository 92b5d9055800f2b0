// SPDX-License-Identifier: Apache-2.0
// The tiny models of tests/golden/tiny with a tokenizer, which they lack and an engine wants.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "inference/tokenizer/byte_level.h"
#include "tests/support/gguf_writer.h"

namespace kvlink::tests {

inline std::filesystem::path golden_folder() {
  const char* root = std::getenv("KVLINK_SOURCE_DIR");
  return std::filesystem::path(root == nullptr ? "." : root) / "tests" / "golden";
}

/// 48 byte tokens.
inline std::string tiny_tokenizer() {
  nlohmann::json vocab = nlohmann::json::object();
  for (int id = 0; id < 48; ++id) {
    vocab[inference::spelling_of_byte(static_cast<unsigned char>(id + 64))] = id;
  }
  return nlohmann::json{
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
      {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", nlohmann::json::array()}}}}
      .dump();
}

/// Copies the model called `name` to `folder`, which must not exist.
inline void copy_tiny_architecture(const std::string& name, const std::filesystem::path& folder) {
  std::filesystem::copy(golden_folder() / "tiny" / name, folder);
  write_file(folder / "tokenizer.json", tiny_tokenizer());
}

}  // namespace kvlink::tests
