// SPDX-License-Identifier: Apache-2.0
// A document as a sequence of blocks: headings, paragraphs, code, tables, with their place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kvlink::retrieval {

enum class BlockType : std::uint8_t { kHeading, kParagraph, kCode, kTable, kListItem };

/// From `text_offset` on, a byte of the cleaned text lies `file_delta` further on in the file (a
/// carriage return was dropped before it, say).
struct ByteShift {
  std::int64_t text_offset = 0;
  std::int64_t file_delta = 0;
};

struct TextBlock {
  BlockType type = BlockType::kParagraph;
  int level = 0;                ///< heading level 1–6, else 0
  std::string text;             ///< valid UTF-8, no control characters but \t and \n
  std::int64_t byte_begin = 0;  ///< in the file; for UTF-16, in its text as UTF-8
  std::int64_t byte_end = 0;
  std::int64_t line_begin = 1;  ///< 1-based, inclusive
  std::int64_t line_end = 1;
  std::vector<ByteShift> shifts;  ///< ascending; empty where the text is the file's bytes

  /// Where text[offset] stands in the file.
  std::int64_t file_offset(std::int64_t offset) const;
};

struct ParsedDocument {
  std::string title;       ///< front matter, else the first level-1 heading, else the file's stem
  std::string media_type;  ///< "text/markdown", "text/plain"
  std::vector<TextBlock> blocks;
  std::vector<std::string> notices;  ///< what was repaired ("3 malformed characters replaced")
};

/// Largest document that is parsed.
inline constexpr std::int64_t kMaxDocumentBytes = std::int64_t{256} << 20;

/// Parses the bytes of a file by its suffix: .md .markdown → Markdown; .txt .text .log and no
/// suffix → plain text. UTF-8, or UTF-16 with a BOM; malformed characters become U+FFFD and a
/// notice. Throws kUnsupported (the suffix by name; binary content; more than kMaxDocumentBytes),
/// kInvalidInput (nothing to read in it). Linear in the bytes.
ParsedDocument parse_document(std::string_view file_name, std::string_view bytes);

/// Whether a file name's suffix is one parse_document takes.
bool is_supported_suffix(std::string_view file_name);

}  // namespace kvlink::retrieval
