// SPDX-License-Identifier: Apache-2.0
// Tiny vocabularies made in the test.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "inference/tokenizer/byte_level.h"
#include "inference/tokenizer/tokenizer.h"

namespace kvlink::tests {

inline constexpr std::int32_t kNormalType = 1;
inline constexpr std::int32_t kUnknownType = 2;
inline constexpr std::int32_t kControlType = 3;
inline constexpr std::int32_t kUserDefinedType = 4;
inline constexpr std::int32_t kByteType = 6;

inline std::int32_t add_token(inference::TokenizerSource& source, const std::string& text,
                              std::int32_t type = kNormalType, float score = 0) {
  source.tokens.push_back(text);
  source.types.push_back(type);
  if (source.kind == "llama") source.scores.push_back(score);
  return static_cast<std::int32_t>(source.tokens.size()) - 1;
}

/// 256 byte tokens (id = byte), one token per merge from 256 on, then ChatML's control tokens.
/// Merges are given in byte-level spelling.
inline inference::TokenizerSource byte_level_source(
    const std::string& pre, std::initializer_list<const char*> merges = {}) {
  inference::TokenizerSource source;
  source.kind = "gpt2";
  source.pre = pre;
  for (int byte = 0; byte < 256; ++byte) {
    add_token(source, inference::spelling_of_byte(static_cast<unsigned char>(byte)));
  }
  for (const std::string merge : merges) {
    source.merges.push_back(merge);
    const std::size_t space = merge.find(' ');
    add_token(source, merge.substr(0, space) + merge.substr(space + 1));
  }
  source.bos_id = add_token(source, "<|im_start|>", kControlType);
  source.eos_id = add_token(source, "<|im_end|>", kControlType);
  add_token(source, "<|endoftext|>", kControlType);
  return source;
}

inline std::unique_ptr<inference::Tokenizer> make(const inference::TokenizerSource& source) {
  return value_or_throw(inference::make_tokenizer(source));
}

inline void expect_error(const inference::TokenizerSource& source, ErrorCode code,
                         const std::string& named) {
  const auto result = inference::make_tokenizer(source);
  ASSERT_FALSE(result.has_value()) << "expected a message naming " << named;
  EXPECT_EQ(error_code_name(result.error().code), std::string(error_code_name(code)));
  EXPECT_NE(result.error().message.find(named), std::string::npos) << result.error().message;
}

}  // namespace kvlink::tests
