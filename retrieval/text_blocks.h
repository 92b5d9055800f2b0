// SPDX-License-Identifier: Apache-2.0
// A document as a sequence of blocks: headings, paragraphs, code, tables, with their place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kvlink::retrieval {

enum class BlockType : std::uint8_t { kHeading, kParagraph, kCode, kTable, kListItem };

struct TextBlock {
  BlockType type = BlockType::kParagraph;
  int level = 0;                ///< heading level 1–6, else 0
  std::string text;             ///< valid UTF-8, no control characters but \t and \n
  std::int64_t byte_begin = 0;  ///< in the file
  std::int64_t byte_end = 0;
  std::int64_t line_begin = 1;  ///< 1-based, inclusive
  std::int64_t line_end = 1;
};

struct ParsedDocument {
  std::string title;       ///< first level-1 heading, else the file's stem
  std::string media_type;  ///< "text/markdown", "text/plain"
  std::vector<TextBlock> blocks;
  std::vector<std::string> notices;  ///< what was repaired ("3 malformed characters replaced")
};

/// Parses the bytes of a file by its suffix: .md .markdown → Markdown; .txt .text .log and no
/// suffix → plain text. UTF-8, or UTF-16 with a BOM; malformed characters become U+FFFD and a
/// notice. Throws kUnsupported (the suffix by name; binary content), kInvalidInput (empty).
ParsedDocument parse_document(std::string_view file_name, std::string_view bytes);

/// Whether a file name's suffix is one parse_document takes.
bool is_supported_suffix(std::string_view file_name);

}  // namespace kvlink::retrieval
