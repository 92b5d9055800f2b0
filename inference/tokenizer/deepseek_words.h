// SPDX-License-Identifier: Apache-2.0
// Where the DeepSeek families cut: lists of patterns, each applied inside the pieces that the one
// before left.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kvlink::inference {

/// End of the word that begins at `pos` < text.size(), as next_word says.
std::size_t next_deepseek_coder_word(std::string_view text, std::size_t pos);
std::size_t next_deepseek_llm_word(std::string_view text, std::size_t pos);
std::size_t next_deepseek_v3_word(std::string_view text, std::size_t pos);

/// The class of letters of DeepSeek LLM as its tokenizer.json spells it.
std::string deepseek_letters_pattern();

}  // namespace kvlink::inference
