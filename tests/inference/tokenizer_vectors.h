// SPDX-License-Identifier: Apache-2.0
// Published tokenizer vectors: texts in one file, expected ids in another.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "inference/model/llama_gguf.h"
#include "inference/model/mapped_file.h"
#include "inference/tokenizer/tokenizer.h"
#include "tests/support/test_paths.h"

namespace kvlink::tests {

struct Vector {
  std::string text;
  std::vector<std::int32_t> ids;
};

inline std::string read_file(const std::filesystem::path& path) {
  return inference::read_small_file(path, std::uint64_t{1} << 30);
}

/// `stem`.inp holds texts between lines of "__ggml_vocab_test__"; `stem`.out one line of ids each.
inline std::vector<Vector> read_vectors(const std::string& stem) {
  const std::string texts = read_file(stem + ".inp");
  std::istringstream lines(read_file(stem + ".out"));
  const std::string separator = "\n__ggml_vocab_test__\n";
  std::vector<Vector> vectors;
  std::string line;
  for (std::size_t begin = 0; begin <= texts.size() && std::getline(lines, line);) {
    const std::size_t end = std::min(texts.find(separator, begin), texts.size());
    Vector vector;
    vector.text = texts.substr(begin, end - begin);
    std::istringstream numbers(line);
    for (std::int32_t id = 0; numbers >> id;) vector.ids.push_back(id);
    vectors.push_back(std::move(vector));
    begin = end + separator.size();
  }
  return vectors;
}

inline inference::TokenizerSource source_from_gguf(const std::filesystem::path& path) {
  const inference::MappedFile file(path);
  return inference::tokenizer_from_gguf(
      inference::GgufFile::parse(file.bytes(), path.filename().string()));
}

inline std::unique_ptr<inference::Tokenizer> tokenizer_of(
    const inference::TokenizerSource& source) {
  return value_or_throw(inference::make_tokenizer(source));
}

inline void expect_vectors(const inference::Tokenizer& tokenizer,
                           const std::vector<Vector>& vectors) {
  for (const Vector& vector : vectors) {
    EXPECT_EQ(tokenizer.encode(vector.text), vector.ids) << "text: [" << vector.text << "]";
  }
}

}  // namespace kvlink::tests
