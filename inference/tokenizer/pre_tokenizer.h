// SPDX-License-Identifier: Apache-2.0
// Cutting text into the words that byte-level BPE merges inside, by scanners instead of regexes.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace kvlink::inference {

/// Each scanner cuts exactly where the published pattern of that family does.
enum class PreTokenizer {
  kGpt2,    ///< contractions, " ?letters", " ?numbers", " ?others", white space
  kSmolLm,  ///< every number character on its own, then as GPT-2 between them
  kLlama3,  ///< any-case contractions, up to 3 number characters, line ends kept together
  kQwen2,   ///< as Llama 3 with one number character at a time
  /// " ?letters", " ?punctuation", Asian scripts, and line ends and numbers on their own
  kDeepSeekCoder,
  kDeepSeekLlm,  ///< as Coder with Latin, Greek, Cyrillic, … letters and its own punctuation
  kDeepSeekV3,   ///< up to 3 number characters, Chinese and Japanese, then much like Llama 3
};

/// By the name that GGUF files give it (pre_tokenizer_names()); nothing for one that is not
/// handled.
std::optional<PreTokenizer> pre_tokenizer_from_name(std::string_view name);
/// All of them.
std::vector<std::string_view> pre_tokenizer_names();
const char* pre_tokenizer_name(PreTokenizer kind);

/// End of the word that begins at `pos` < text.size(). `text` is valid UTF-8. Scanning a whole text
/// word by word is linear.
std::size_t next_word(PreTokenizer kind, std::string_view text, std::size_t pos);

}  // namespace kvlink::inference
