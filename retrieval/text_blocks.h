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

/// What a place in a document counts. Persistent in library.db: append only, do not renumber.
enum class PlaceKind : std::uint8_t {
  kLine = 0,       ///< a text file's own lines and bytes; number and label are not used
  kParagraph = 1,  ///< blocks of a document without pages, from 1
  kPage = 2,       ///< pages of a PDF, from 1
  kSlide = 3,      ///< slides, from 1
  kSheet = 4,      ///< sheets, from 1; label: the sheet's name; lines are the sheet's rows
  kChapter = 5,    ///< files of an e-book in reading order, from 1
  kMessage = 6,    ///< messages of a mailbox, from 1
  kCell = 7,       ///< cells of a notebook, from 1
  kMoment = 8,     ///< subtitles, in whole seconds from the start
  kMember = 9,     ///< files of an archive, from 1; label: the file's name in it
};

/// Where a block stands, in what a reader of the document sees.
struct Place {
  PlaceKind kind = PlaceKind::kLine;
  std::int64_t number = 0;
  std::string label;
  bool operator==(const Place&) const = default;
};

struct TextBlock {
  BlockType type = BlockType::kParagraph;
  /// Heading level 1–6; of a table, 1 when its first row names the columns; else 0.
  int level = 0;
  std::string text;  ///< valid UTF-8, no control characters but \t and \n
  /// In the file, or in its text as UTF-8 when it has another encoding; unless place.kind is kLine,
  /// in the extracted text: the blocks' texts with a blank line between them.
  std::int64_t byte_begin = 0;
  std::int64_t byte_end = 0;
  std::int64_t line_begin = 1;  ///< 1-based, inclusive
  std::int64_t line_end = 1;
  std::vector<ByteShift> shifts;  ///< ascending; empty where the text is the file's bytes
  Place place = {};

  /// Where text[offset] stands in the file.
  std::int64_t file_offset(std::int64_t offset) const;
};

struct ParsedDocument {
  std::string title;       ///< front matter, else the first level-1 heading, else the file's stem
  std::string media_type;  ///< "text/markdown", "application/pdf"
  std::vector<TextBlock> blocks;
  std::vector<std::string> notices;  ///< what was repaired ("3 malformed characters replaced")
  /// Pages, from 1 and ascending, that may be pictures of text (a scanner's).
  std::vector<std::int32_t> pages_without_text = {};
};

/// A document has at most so many pages.
inline constexpr std::int32_t kMaxPages = 20'000;

/// Gives the blocks of a document that is no text file their places in the extracted text, one
/// after the other: the blocks' texts with a blank line between them.
class ExtractedText {
 public:
  /// Sets the block's bytes and lines. `first_line` above 0: the line it says it begins at.
  void place(TextBlock& block, std::int64_t first_line = 0);

 private:
  std::int64_t n_bytes_ = 0;
  std::int64_t n_lines_ = 0;
  bool empty_ = true;
};

/// Largest document that is parsed.
inline constexpr std::int64_t kMaxDocumentBytes = std::int64_t{256} << 20;

/// Parses the bytes of a file by its suffix: .md .markdown → Markdown; .txt .text .log and no
/// suffix → plain text. UTF-8, or UTF-16 with a BOM; malformed characters become U+FFFD and a
/// notice. Throws kUnsupported (the suffix by name; binary content; more than kMaxDocumentBytes),
/// kInvalidInput (nothing to read in it). Linear in the bytes.
ParsedDocument parse_document(std::string_view file_name, std::string_view bytes);

/// Lower-case suffix of a file name with its dot; "" when it has none.
std::string lower_suffix(std::string_view file_name);

/// Whether files with this name are read without looking into them first: their suffix is one of a
/// format that `kvlink-extract` reads, or missing.
bool is_supported_suffix(std::string_view file_name);

/// One line, without white space around it, at most 160 bytes: fit to be a title.
std::string tidy_title(std::string_view text);

/// The title a document has without one of its own: its first level-1 heading, else its file's
/// stem.
std::string fallback_title(const ParsedDocument& document, std::string_view file_name);

}  // namespace kvlink::retrieval
