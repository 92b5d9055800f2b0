// SPDX-License-Identifier: Apache-2.0
#include "app/cli/source_lines.h"

#include <cstdio>

#include "app/cli/output.h"
#include "app/place_words.h"
#include "kernels/base/utf8.h"

namespace kvlink::app {

std::string source_line(std::int64_t number, const retrieval::StoredChunk& chunk,
                        const std::string& path, double score) {
  const auto& anchor = chunk.chunk.anchor;
  // "file:3-9" is what editors open; other places are said in words.
  const bool lines = anchor.place == retrieval::PlaceKind::kLine;
  const std::string place =
      lines ? ":" + std::to_string(anchor.line_begin) + "-" + std::to_string(anchor.line_end)
            : ", " + place_in_words(anchor);
  std::string line = "[" + std::to_string(number) + "] " + path + place + "  " +
                     (chunk.chunk.heading.empty() ? chunk.title : chunk.chunk.heading);
  if (score > 0) {
    char text[32];
    std::snprintf(text, sizeof(text), "  (%.3f)", score);
    line += text;
  }
  return printable(line);
}

std::string excerpt(std::string_view text, std::size_t limit) {
  std::string line;
  std::size_t at = 0;
  for (std::size_t n = 0; n < limit && at < text.size(); ++n) {
    const auto c = next_code_point(text, at);
    append_utf8(line, c == '\n' || c == '\t' ? ' ' : c);
  }
  return printable(line) + (at < text.size() ? "…" : "");
}

}  // namespace kvlink::app
