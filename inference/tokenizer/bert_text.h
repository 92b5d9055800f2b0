// SPDX-License-Identifier: Apache-2.0
// BERT's basic tokenisation: cleaning, accents, case, and cutting into words.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "inference/tokenizer/wordpiece.h"

namespace kvlink::inference {

/// Calls `word(text, n_chars)` for each word of valid UTF-8, in order; the text is valid during
/// the call only. White space separates words; punctuation and (by option) CJK ideographs are words
/// of one character. Linear time and constant memory beyond the longest word, of which at most
/// `options.max_word_chars` + 1 characters are kept: such a word is unknown anyway.
void for_each_bert_word(std::string_view text, const WordPieceOptions& options,
                        const std::function<void(std::string_view, int)>& word);

}  // namespace kvlink::inference
