// SPDX-License-Identifier: Apache-2.0
// Any bytes → blocks → chunks. The first byte chooses the format, the vocabulary and the limits.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "kernels/base/result.h"
#include "kernels/base/utf8.h"
#include "retrieval/chunker.h"
#include "retrieval/lexical_query.h"

namespace {

using namespace kvlink;
using namespace kvlink::retrieval;

std::int64_t count_bytes(std::string_view text) { return static_cast<std::int64_t>(text.size()); }

std::int64_t count_words(std::string_view text) {
  std::int64_t n = 0;
  for (std::size_t i = 0; i < text.size(); ++i) n += text[i] == ' ' || i % 7 == 0;
  return n;
}

/// The chunk without the column names that one from inside a table repeats.
std::string_view own_text(const ParsedDocument& document, const Chunk& chunk) {
  std::string_view text = chunk.text;
  for (const auto& block : document.blocks) {
    const bool inside = block.type == BlockType::kTable &&
                        chunk.anchor.byte_begin > block.byte_begin &&
                        chunk.anchor.byte_begin < block.byte_end;
    if (!inside) continue;
    const std::size_t rule = std::min(block.text.find('\n') + 1, block.text.size());
    const std::size_t end = std::min(block.text.find('\n', rule), block.text.size() - 1) + 1;
    const auto names = std::string_view(block.text).substr(0, end);
    if (text.starts_with(names)) text.remove_prefix(names.size());
  }
  return text;
}

void append_without_space(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c != ' ' && c != '\t' && c != '\n') out += c;
  }
}

void check(std::string_view file_name, std::string_view bytes, const TokenCounter& counter,
           const ChunkerOptions& options) {
  const ParsedDocument document = parse_document(file_name, bytes);
  const auto chunks = chunk_text(document.title, document.blocks, counter, options);
  const bool utf16 = bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
  std::string in, out;
  std::int64_t end = 0;
  for (const TextBlock& block : document.blocks) {
    KVLINK_CHECK(is_valid_utf8(block.text));
    KVLINK_CHECK(block.byte_begin >= end && block.byte_end >= block.byte_begin);
    KVLINK_CHECK(utf16 || block.byte_end <= static_cast<std::int64_t>(bytes.size()));
    end = block.byte_end;
    append_without_space(in, block.text);
  }
  end = 0;
  for (const Chunk& chunk : chunks) {
    KVLINK_CHECK(is_valid_utf8(chunk.text) && is_valid_utf8(chunk.heading));
    KVLINK_CHECK(chunk.n_tokens <= options.max_tokens);
    KVLINK_CHECK(chunk.anchor.byte_begin >= end);
    KVLINK_CHECK(chunk.anchor.byte_end > chunk.anchor.byte_begin);
    KVLINK_CHECK(chunk.anchor.line_end >= chunk.anchor.line_begin);
    end = chunk.anchor.byte_end;
    append_without_space(out, own_text(document, chunk));
  }
  KVLINK_CHECK(in == out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool by_bytes = (data[0] & 2) != 0;
  const ChunkerOptions options =
      (data[0] & 4) != 0 ? ChunkerOptions{180, 256} : ChunkerOptions{200, 300};
  try {
    check((data[0] & 1) != 0 ? "a.md" : "a.txt", bytes, by_bytes ? count_bytes : count_words,
          options);
  } catch (const Exception&) {  // a typed refusal is an answer
  }
  lexical_query(bytes);
  return 0;
}
