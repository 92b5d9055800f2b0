// SPDX-License-Identifier: Apache-2.0
// Text blocks to chunks: the units that are embedded, found, cached and cited.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/text_blocks.h"

namespace kvlink::retrieval {

/// Where a chunk lies in its document.
struct Anchor {
  std::int64_t byte_begin = 0;  ///< in the extracted text
  std::int64_t byte_end = 0;
  std::int64_t line_begin = 0;  ///< 1-based, inclusive
  std::int64_t line_end = 0;
  PlaceKind place = PlaceKind::kLine;
  std::int64_t place_begin = 0;  ///< of its first block, see Place
  std::int64_t place_end = 0;    ///< of its last one, inclusive
  std::string place_label;       ///< of its first block
};

struct Chunk {
  /// The passage as it stands in the document; one that begins inside a table has the row that
  /// names the columns in front.
  std::string text;
  std::string heading;  ///< "Guide › KV caches": heading path, may be empty
  Anchor anchor;
  std::int64_t n_tokens = 0;  ///< of prompt_text(title, chunk)
};

/// What the model reads for a chunk: title and heading path, then the text, then a blank line. It
/// carries no running number, so its tokens never depend on the query. A heading that the text
/// itself begins with is not said twice.
std::string prompt_text(std::string_view title, std::string_view heading, std::string_view text);

/// Number of tokens of a text in the generator's vocabulary.
using TokenCounter = std::function<std::int64_t(std::string_view)>;

struct ChunkerOptions {
  /// Smaller chunks would hold little but title and heading.
  static constexpr std::int64_t kMinMaxTokens = 32;

  std::int64_t target_tokens = 180;  ///< a chunk is closed at a border once it has this many
  /// Never more, title and heading included; at least kMinMaxTokens.
  std::int64_t max_tokens = 256;
};

/// Splits on heading, paragraph, then sentence borders, then (for monstrous lines) between words or
/// characters; code and tables between lines, a table's row only when it alone does not fit. Every
/// byte of a block that is not white space lies in
/// exactly one chunk and in its anchor. Linear in the text, counted at most six times over.
/// Throws kInvalidInput for options that make no sense, and for a title of more than 5/8 of
/// max_tokens (parse_document's titles, at most 160 bytes, fit the default options in every
/// vocabulary).
std::vector<Chunk> chunk_text(std::string_view title, const std::vector<TextBlock>& blocks,
                              const TokenCounter& count_tokens, const ChunkerOptions& options);

}  // namespace kvlink::retrieval
