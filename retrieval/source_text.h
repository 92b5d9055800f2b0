// SPDX-License-Identifier: Apache-2.0
// The bytes of a text file, cleaned to UTF-8 with \n line ends, and the way back to the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/text_blocks.h"

namespace kvlink::retrieval {

/// A line of a SourceText, without its \n.
struct SourceLine {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Cleaned text. Invariant: valid UTF-8, no control characters but \t and \n.
struct SourceText {
  std::string text;
  std::vector<ByteShift> shifts;  ///< over the whole text, ascending
  std::vector<SourceLine> lines;
  std::vector<std::string> notices;

  std::string_view line(std::size_t index) const {
    return std::string_view(text).substr(lines[index].begin, lines[index].end - lines[index].begin);
  }
};

/// Decodes a BOM (UTF-8, UTF-16), drops carriage returns and control characters, repairs malformed
/// characters. Throws kUnsupported for binary content.
SourceText clean_source(std::string_view bytes);

/// The block text[begin, end) with its anchors; both offsets lie in the lines first..last.
TextBlock cut_block(const SourceText& source, BlockType type, std::size_t begin, std::size_t end,
                    std::size_t first_line, std::size_t last_line);

/// Blocks of a Markdown text; `title` receives the front matter's title when it has one.
std::vector<TextBlock> parse_markdown(const SourceText& source, std::string& title);
/// Paragraphs between blank lines.
std::vector<TextBlock> parse_plain_text(const SourceText& source);

}  // namespace kvlink::retrieval
