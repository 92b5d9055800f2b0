// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <string>

#include "app/extract/record_readers.h"

namespace kvlink::extract {
namespace {

constexpr std::int64_t kParagraphSeconds = 30;

/// "01:02:03,500" or "02:03.500" as whole seconds; -1 when it is neither.
std::int64_t seconds_of(std::string_view text) {
  std::int64_t total = 0, part = 0;
  int n_colons = 0;
  bool digit = false;
  for (const char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      part = std::min<std::int64_t>(part * 10 + (c - '0'), 1'000'000);
      digit = true;
    } else if (c == ':' && n_colons < 2) {
      total = (total + part) * 60;
      part = 0;
      ++n_colons;
    } else {
      break;
    }
  }
  return digit && n_colons > 0 ? total + part : -1;
}

/// Without <i>, {\an8} and the like.
std::string without_tags(std::string_view line) {
  std::string out;
  int depth = 0;
  for (const char c : line) {
    if (c == '<' || c == '{') ++depth;
    if (depth == 0) out += c;
    if ((c == '>' || c == '}') && depth > 0) --depth;
  }
  return depth == 0 ? out : std::string(line);
}

bool is_number(std::string_view line) {
  return !line.empty() && line.find_first_not_of("0123456789") == line.npos;
}

}  // namespace

void read_subtitles(std::string_view text, DocumentBuilder& out) {
  std::string said, last_line;
  std::int64_t begin = 0;
  bool in_cue = false, in_comment = false;
  const auto flush = [&](std::int64_t next) {
    out.set_place({PlaceKind::kMoment, begin, {}});
    out.paragraph(said);
    said.clear();
    begin = next;
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    const std::size_t arrow = line.find("-->");
    if (line.empty()) {
      in_cue = in_comment = false;
    } else if (arrow != line.npos && seconds_of(line) >= 0) {
      const std::int64_t at = seconds_of(line);
      const bool pause = !said.empty() && (said.back() == '.' || said.back() == '?');
      if (at - begin >= 2 * kParagraphSeconds || (at - begin >= kParagraphSeconds && pause)) {
        flush(at);
      }
      in_cue = true;
    } else if (line.starts_with("NOTE") || line.starts_with("STYLE") ||
               line.starts_with("REGION") || line.starts_with("WEBVTT")) {
      in_comment = !in_cue;
    }
    if (line.empty() || arrow != line.npos || in_comment || (!in_cue && is_number(line))) continue;
    if (!in_cue) continue;
    const std::string words = without_tags(line);
    if (words == last_line) continue;  // captions that roll say each line twice
    last_line = words;
    if (!said.empty()) said += ' ';
    said += words;
  }
  flush(0);
}

}  // namespace kvlink::extract
