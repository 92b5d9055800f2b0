// SPDX-License-Identifier: Apache-2.0
// The tokenizers that make_tokenizer chooses from, one factory a kind. All throw Exception.
#pragma once

#include <memory>

#include "inference/tokenizer/tokenizer.h"
#include "inference/tokenizer/wordpiece.h"

namespace kvlink::inference {

std::unique_ptr<Tokenizer> make_byte_level_bpe(const TokenizerSource& source);
/// Sentencepiece rebuilt from a GGUF vocabulary.
std::unique_ptr<Tokenizer> make_score_bpe(const TokenizerSource& source);
/// WordPiece from a GGUF vocabulary, and around a WordPiece read elsewhere.
std::unique_ptr<Tokenizer> make_word_piece(const TokenizerSource& source);
std::unique_ptr<Tokenizer> make_word_piece_tokenizer(WordPiece pieces);
std::unique_ptr<Tokenizer> make_from_tokenizer_json(const TokenizerSource& source);
/// A tokenizer.model through the sentencepiece library, whatever it holds.
std::unique_ptr<Tokenizer> make_sentencepiece_library(const TokenizerSource& source);
/// A tokenizer.model by the fastest way that gives the library's ids.
std::unique_ptr<Tokenizer> make_from_sentencepiece_model(const TokenizerSource& source);

}  // namespace kvlink::inference
