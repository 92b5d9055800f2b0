// SPDX-License-Identifier: Apache-2.0
#include "retrieval/chunker.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/base/result.h"
#include "kernels/base/utf8.h"
#include "retrieval/text_pieces.h"

namespace kvlink::retrieval {
namespace {

constexpr std::string_view kPathSeparator = " \u203A ";
constexpr std::size_t kMaxHeadingBytes = 80;  // of one heading in a path
constexpr std::size_t kMaxPieces = 4096;      // in a chunk, whatever the counter says

bool begins_with_line(std::string_view text, std::string_view line) {
  return !line.empty() && text.starts_with(line) &&
         (text.size() == line.size() || text[line.size()] == '\n');
}

std::string clip(std::string_view text, std::size_t max_bytes) {
  text = text.substr(0, std::min(text.find('\n'), text.size()));
  if (text.size() <= max_bytes) return std::string(text);
  text = text.substr(0, max_bytes);
  return std::string(text.substr(0, complete_utf8_prefix(text)));
}

constexpr std::string_view kWhiteSpace = " \t\n";

/// The heading in effect at each block, as a path built only when a chunk asks for it.
class HeadingPaths {
 public:
  HeadingPaths(std::string_view title, const std::vector<TextBlock>& blocks)
      : title_(title), blocks_(blocks), heading_of_(blocks.size(), kNone) {
    std::array<std::size_t, 7> last{};
    last.fill(kNone);
    std::size_t current = kNone;
    parent_.assign(blocks.size(), kNone);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (blocks[i].type == BlockType::kHeading) {
        const auto level = static_cast<std::size_t>(std::clamp(blocks[i].level, 1, 6));
        for (std::size_t l = 1; l < level; ++l) {
          if (last[l] != kNone) parent_[i] = last[l];
        }
        last[level] = i;
        for (std::size_t l = level + 1; l < last.size(); ++l) last[l] = kNone;
        current = i;
      }
      heading_of_[i] = current;
    }
  }

  /// Path of a block; a leading heading that is the document's title is left out.
  std::string path(std::size_t block) const {
    std::vector<std::string> parts;
    for (std::size_t h = heading_of_[block]; h != kNone; h = parent_[h]) {
      parts.push_back(clip(blocks_[h].text, kMaxHeadingBytes));
    }
    std::string out;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      if (part->empty() || (part == parts.rbegin() && *part == title_)) continue;
      if (!out.empty()) out += kPathSeparator;
      out += *part;
    }
    return out;
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::string_view title_;
  const std::vector<TextBlock>& blocks_;
  std::vector<std::size_t> heading_of_;
  std::vector<std::size_t> parent_;
};

class Packer {
 public:
  Packer(std::string_view title, const std::vector<TextBlock>& blocks,
         const TokenCounter& count_tokens, const ChunkerOptions& options)
      : title_(title),
        blocks_(blocks),
        count_tokens_(count_tokens),
        options_(options),
        paths_(title, blocks),
        join_tokens_(std::max<std::int64_t>(1, count_tokens("\n\n"))) {
    // A quarter for title and heading, a quarter for the largest piece: then every chunk is filled
    // to at least half.
    const std::int64_t row_tokens = most_row_tokens(options);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const bool table = blocks[i].type == BlockType::kTable;
      append_pieces(blocks[i], i, count_tokens, table ? row_tokens : options.max_tokens / 4,
                    pieces_);
    }
  }

  std::vector<Chunk> run() {
    std::vector<Chunk> chunks;
    std::size_t begin = 0;
    while (begin < pieces_.size()) {
      if (is_blank(begin)) {
        ++begin;
        continue;
      }
      const std::string heading = fitting_heading(begin);
      const std::string names = column_names(begin);
      std::size_t end =
          find_end(begin, overhead(heading) + (names.empty() ? 0 : count_tokens_(names)));
      chunks.push_back(make_chunk(begin, end, heading));
      shrink(begin, end, chunks.back());
      begin = end;
    }
    return chunks;
  }

 private:
  /// A row stays whole as long as it fits beside title, path and the names of its columns. An
  /// eighth is left, because tokens of parts do not quite add up.
  std::int64_t most_row_tokens(const ChunkerOptions& options) const {
    const std::int64_t title = count_tokens_(prompt_text(title_, "", ""));
    const std::int64_t taken = std::max(title, options.max_tokens / 4) + options.max_tokens / 8;
    return std::max(options.max_tokens / 4, options.max_tokens - taken - options.max_tokens / 8);
  }

  /// The row that names the columns, with the line under it; empty when the chunk begins with it,
  /// or when it takes more than an eighth of a chunk.
  std::string column_names(std::size_t begin) const {
    const Piece& first = pieces_[begin];
    const TextBlock& block = blocks_[first.block];
    if (block.type != BlockType::kTable || first.begin == 0) return {};
    const std::size_t line = block.text.find('\n');
    if (line == block.text.npos) return {};
    std::size_t end = line + 1;
    const std::size_t rule = std::min(block.text.find('\n', end), block.text.size());
    const bool ruled = block.text.find_first_not_of("|-: \t", end) >= rule && rule > end;
    if (!ruled && block.level != 1) return {};
    if (ruled) end = std::min(rule + 1, block.text.size());
    if (first.begin < end) return {};
    std::string names = block.text.substr(0, end);
    if (count_tokens_(names) > options_.max_tokens / 8) return {};
    return names;
  }

  bool is_heading(std::size_t piece) const {
    return blocks_[pieces_[piece].block].type == BlockType::kHeading;
  }

  std::int64_t overhead(const std::string& heading) const {
    return count_tokens_(prompt_text(title_, heading, "")) + 1;
  }

  /// Heading path at a chunk's first words of text, shortened until title and path take at most a
  /// quarter of the chunk.
  std::string fitting_heading(std::size_t begin) const {
    std::size_t piece = begin;
    while (piece + 1 < pieces_.size() && piece - begin < 8 && is_heading(piece)) ++piece;
    if (is_heading(piece)) piece = begin;
    std::string heading = paths_.path(pieces_[piece].block);
    while (!heading.empty() && overhead(heading) > options_.max_tokens / 4) {
      const std::size_t cut = heading.find(kPathSeparator);
      if (cut == heading.npos) return {};
      heading.erase(0, cut + kPathSeparator.size());
    }
    return heading;
  }

  /// Tokens of a piece in a chunk that already has others.
  std::int64_t cost(std::size_t piece, std::size_t begin) const {
    const bool joined = piece > begin && pieces_[piece].block != pieces_[piece - 1].block;
    return pieces_[piece].n_tokens + (joined ? join_tokens_ : 0);
  }

  /// One past the last piece of the chunk that starts at `begin`.
  std::size_t find_end(std::size_t begin, std::int64_t used) const {
    const std::int64_t prefix = used;
    std::size_t end = begin;
    std::size_t best = begin;  // the best border so far that leaves the chunk half full
    Border best_border = Border::kCharacter;
    for (; end < pieces_.size() && end - begin < kMaxPieces; ++end) {
      const Border border = pieces_[end].border;
      const std::int64_t filled = used - prefix;
      if (end > begin && !is_heading(end - 1)) {
        if (border == Border::kHeading && filled >= options_.target_tokens / 4) return end;
        if (border >= Border::kItem && used >= options_.target_tokens) return end;
        if (filled >= options_.target_tokens / 2 && border >= best_border) {
          best = end;
          best_border = border;
        }
      }
      const std::int64_t piece = cost(end, begin);
      if (end > begin && used + piece > options_.max_tokens) {
        return best > begin ? best : without_trailing_headings(begin, end);
      }
      used += piece;
    }
    return end;
  }

  std::size_t without_trailing_headings(std::size_t begin, std::size_t end) const {
    std::size_t last = end;
    while (last > begin && is_heading(last - 1)) --last;
    return last > begin ? last : end;
  }

  std::string_view view(std::size_t piece) const {
    const Piece& p = pieces_[piece];
    return std::string_view(blocks_[p.block].text).substr(p.begin, p.end - p.begin);
  }

  bool is_blank(std::size_t piece) const {
    return view(piece).find_first_not_of(kWhiteSpace) == std::string_view::npos;
  }

  /// Bytes to leave out at the front of a chunk that starts inside a block. Indentation of code
  /// stays.
  std::size_t leading_space(std::size_t piece) const {
    if (pieces_[piece].begin == 0) return 0;
    const bool code = blocks_[pieces_[piece].block].type == BlockType::kCode;
    return view(piece).find_first_not_of(code ? "\n" : kWhiteSpace);
  }

  /// The text of pieces [begin, end); the first and the last are not blank.
  std::string text_of(std::size_t begin, std::size_t end) const {
    std::string text;
    for (std::size_t i = begin; i < end;) {
      const std::size_t block = pieces_[i].block;
      std::size_t last = i;
      while (last + 1 < end && pieces_[last + 1].block == block) ++last;
      if (i > begin) {
        const bool items = blocks_[block].type == BlockType::kListItem &&
                           blocks_[block - 1].type == BlockType::kListItem;
        text += items ? "\n" : "\n\n";
      }
      text.append(blocks_[block].text, pieces_[i].begin, pieces_[last].end - pieces_[i].begin);
      i = last + 1;
    }
    text.erase(text.find_last_not_of(kWhiteSpace) + 1);
    return text.substr(leading_space(begin));
  }

  Chunk make_chunk(std::size_t begin, std::size_t end, const std::string& heading,
                   bool with_names = true) const {
    while (is_blank(end - 1)) --end;
    const Piece& first = pieces_[begin];
    const Piece& last = pieces_[end - 1];
    Chunk chunk;
    chunk.heading = heading;
    chunk.text = (with_names ? column_names(begin) : "") + text_of(begin, end);
    const std::size_t skipped = leading_space(begin);
    const std::size_t kept = view(end - 1).find_last_not_of(kWhiteSpace) + 1;
    chunk.anchor.byte_begin = offset_of(first, skipped);
    chunk.anchor.byte_end = offset_of(last, kept);
    chunk.anchor.line_begin = line_of(first, skipped);
    chunk.anchor.line_end = line_of(last, kept);
    const Place& place = blocks_[first.block].place;
    chunk.anchor.place = place.kind;
    chunk.anchor.place_begin = place.number;
    chunk.anchor.place_end = blocks_[last.block].place.number;
    chunk.anchor.place_label = place.label;
    chunk.n_tokens = count_tokens_(prompt_text(title_, heading, chunk.text));
    return chunk;
  }

  /// Place in the file of the byte `inner` bytes into a piece.
  std::int64_t offset_of(const Piece& piece, std::size_t inner) const {
    return blocks_[piece.block].file_offset(static_cast<std::int64_t>(piece.begin + inner));
  }

  std::int64_t line_of(const Piece& piece, std::size_t inner) const {
    const TextBlock& block = blocks_[piece.block];
    const auto text = std::string_view(block.text).substr(piece.begin, inner);
    return block.line_begin + piece.line + std::count(text.begin(), text.end(), '\n');
  }

  /// Token counts add up only nearly: takes pieces away until the exact count fits. Each step takes
  /// at least a quarter, so that the work stays linear.
  void shrink(std::size_t begin, std::size_t& end, Chunk& chunk) const {
    while (chunk.n_tokens > options_.max_tokens && end - begin > 1) {
      const std::size_t n = end - begin;
      end = begin + std::max<std::size_t>(1, n - std::max<std::size_t>(1, n / 4));
      chunk = make_chunk(begin, end, chunk.heading);
    }
    if (chunk.n_tokens > options_.max_tokens && !chunk.heading.empty()) {
      chunk = make_chunk(begin, end, "");
    }
    if (chunk.n_tokens > options_.max_tokens) chunk = make_chunk(begin, end, "", false);
  }

  std::string_view title_;
  const std::vector<TextBlock>& blocks_;
  const TokenCounter& count_tokens_;
  const ChunkerOptions& options_;
  HeadingPaths paths_;
  std::int64_t join_tokens_;
  std::vector<Piece> pieces_;
};

}  // namespace

std::string prompt_text(std::string_view title, std::string_view heading, std::string_view text) {
  std::string out;
  if (!title.empty() && !begins_with_line(text, title)) {
    out += title;
    out += '\n';
  }
  // Headings in front of the one the text begins with.
  std::size_t shown = heading.size();
  for (std::size_t pos = 0; pos < heading.size();) {
    const std::size_t cut = std::min(heading.find(kPathSeparator, pos), heading.size());
    if (begins_with_line(text, heading.substr(pos, cut - pos))) {
      shown = pos >= kPathSeparator.size() ? pos - kPathSeparator.size() : 0;
      break;
    }
    pos = cut + kPathSeparator.size();
  }
  if (shown > 0 && !begins_with_line(text, title)) {
    out += heading.substr(0, shown);
    out += '\n';
  }
  out += text;
  out += "\n\n";
  return out;
}

std::vector<Chunk> chunk_text(std::string_view title, const std::vector<TextBlock>& blocks,
                              const TokenCounter& count_tokens, const ChunkerOptions& options) {
  if (options.max_tokens < ChunkerOptions::kMinMaxTokens || options.target_tokens < 1 ||
      options.target_tokens > options.max_tokens) {
    fail(ErrorCode::kInvalidInput, "a chunk's limit must be at least " +
                                       std::to_string(ChunkerOptions::kMinMaxTokens) +
                                       " tokens and its target between 1 and the limit");
  }
  const std::int64_t title_tokens = count_tokens(prompt_text(title, "", ""));
  if (title_tokens > options.max_tokens * 5 / 8) {
    fail(ErrorCode::kInvalidInput, "the document's title alone takes " +
                                       std::to_string(title_tokens) + " of a chunk's " +
                                       std::to_string(options.max_tokens) + " tokens");
  }
  return Packer(title, blocks, count_tokens, options).run();
}

}  // namespace kvlink::retrieval
