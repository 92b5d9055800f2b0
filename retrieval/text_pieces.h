// SPDX-License-Identifier: Apache-2.0
// The smallest parts that the chunker puts together, and the borders between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "retrieval/chunker.h"

namespace kvlink::retrieval {

/// How good a place for a cut the front of a piece is; larger is better.
enum class Border : std::uint8_t {
  kCharacter,
  kWord,
  kLine,
  kSentence,
  kItem,
  kParagraph,
  kHeading
};

/// A contiguous part of one block; the pieces of a block cover it without gaps.
struct Piece {
  std::size_t block = 0;
  std::size_t begin = 0;  ///< in the block's text
  std::size_t end = 0;
  std::int64_t n_tokens = 0;
  std::int64_t line = 0;  ///< of the first byte, counted from the block's first line
  Border border = Border::kParagraph;
};

/// Appends the pieces of a block; none has more than max_tokens unless it is a single character.
void append_pieces(const TextBlock& block, std::size_t index, const TokenCounter& count_tokens,
                   std::int64_t max_tokens, std::vector<Piece>& out);

/// End of the sentence that starts at `begin`: behind its full stop, or the text's end. White space
/// belongs to the sentence it precedes.
std::size_t sentence_end(std::string_view text, std::size_t begin);

}  // namespace kvlink::retrieval
