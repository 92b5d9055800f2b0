// SPDX-License-Identifier: Apache-2.0
#include "retrieval/source_text.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "kernels/base/result.h"
#include "kernels/base/utf8.h"

namespace kvlink::retrieval {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::size_t kBinaryProbeBytes = 8000;  // a NUL further on is taken for damage, not format

std::string plural(std::int64_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

/// UTF-16 code units after the BOM, as UTF-8; a lone surrogate becomes U+FFFD.
std::string decode_utf16(std::string_view bytes, std::endian order, std::int64_t& n_malformed) {
  auto unit = [&](std::size_t i) {
    const auto a = static_cast<unsigned char>(bytes[i]);
    const auto b = static_cast<unsigned char>(bytes[i + 1]);
    return static_cast<std::uint32_t>(order == std::endian::little ? a | b << 8 : a << 8 | b);
  };
  std::string out;
  out.reserve(bytes.size());
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) {
    std::uint32_t c = unit(i);
    if (c >= 0xD800 && c < 0xDC00 && i + 3 < bytes.size()) {
      const std::uint32_t low = unit(i + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        i += 2;
      }
    }
    if (c >= 0xD800 && c < 0xE000) {
      c = 0xFFFD;
      ++n_malformed;
    }
    append_utf8(out, c);
  }
  if (i < bytes.size()) {
    out += kReplacement;
    ++n_malformed;
  }
  return out;
}

bool is_control(unsigned char c) { return (c < 0x20 && c != '\t' && c != '\n') || c == 0x7F; }

void refuse_binary(std::string_view bytes) {
  const auto probe = bytes.substr(0, kBinaryProbeBytes);
  std::int64_t n_controls = 0;
  for (const char c : bytes) n_controls += is_control(static_cast<unsigned char>(c)) && c != '\r';
  if (probe.find('\0') != std::string_view::npos ||
      n_controls * 10 > static_cast<std::int64_t>(bytes.size())) {
    fail(ErrorCode::kUnsupported, "this is binary content, not text");
  }
}

/// Copies input to output byte ranges while keeping the shifts.
class Cleaner {
 public:
  Cleaner(std::string_view in, std::int64_t file_begin, SourceText& out)
      : in_(in), delta_(file_begin), out_(out) {
    out_.text.reserve(in.size());
    if (delta_ != 0) out_.shifts.push_back({0, delta_});
  }

  void run() {
    std::size_t pos = 0;
    while (pos < in_.size()) {
      const std::size_t valid = pos + valid_utf8_prefix(in_.substr(pos));
      copy_valid(pos, valid);
      pos = valid;
      if (pos < in_.size()) {
        replace(kReplacement, 1);
        ++pos;
        ++n_malformed;
      }
    }
  }

  std::int64_t n_malformed = 0;
  std::int64_t n_controls = 0;

 private:
  void copy_valid(std::size_t pos, std::size_t end) {
    std::size_t run_begin = pos;
    while (pos < end) {
      const auto c = static_cast<unsigned char>(in_[pos]);
      const bool c1 = c == 0xC2 && static_cast<unsigned char>(in_[pos + 1]) < 0xA0;
      if (!is_control(c) && !c1) {
        ++pos;
        continue;
      }
      out_.text.append(in_.substr(run_begin, pos - run_begin));
      const std::size_t length = c1 ? 2 : 1;
      if (c == '\r') {
        const bool pair = pos + 1 < end && in_[pos + 1] == '\n';
        if (pair) {
          replace("", 1);
        } else {
          replace("\n", 1);
        }
      } else {
        replace("", length);
        ++n_controls;
      }
      pos += length;
      run_begin = pos;
    }
    out_.text.append(in_.substr(run_begin, end - run_begin));
  }

  void replace(std::string_view with, std::size_t length) {
    out_.text.append(with);
    if (with.size() == length) return;
    delta_ += static_cast<std::int64_t>(length) - static_cast<std::int64_t>(with.size());
    out_.shifts.push_back({static_cast<std::int64_t>(out_.text.size()), delta_});
  }

  std::string_view in_;
  std::int64_t delta_;
  SourceText& out_;
};

std::vector<SourceLine> split_lines(std::string_view text) {
  std::vector<SourceLine> lines;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back({begin, end});
    begin = end + 1;
  }
  return lines;
}

/// Index of the first shift behind `offset`.
std::size_t shifts_until(const std::vector<ByteShift>& shifts, std::int64_t offset) {
  const auto it = std::upper_bound(
      shifts.begin(), shifts.end(), offset,
      [](std::int64_t value, const ByteShift& s) { return value < s.text_offset; });
  return static_cast<std::size_t>(it - shifts.begin());
}

std::int64_t delta_at(const std::vector<ByteShift>& shifts, std::int64_t offset) {
  const std::size_t n = shifts_until(shifts, offset);
  return n == 0 ? 0 : shifts[n - 1].file_delta;
}

}  // namespace

std::int64_t TextBlock::file_offset(std::int64_t offset) const {
  if (offset >= static_cast<std::int64_t>(text.size())) return byte_end;
  return byte_begin + offset + delta_at(shifts, offset);
}

SourceText clean_source(std::string_view bytes) {
  SourceText out;
  std::int64_t n_malformed = 0;
  std::int64_t file_begin = 0;
  std::string utf16;
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    const auto order = bytes.starts_with("\xFF\xFE") ? std::endian::little : std::endian::big;
    utf16 = decode_utf16(bytes.substr(2), order, n_malformed);
    bytes = utf16;
    out.notices.push_back("converted from UTF-16");
  } else if (bytes.starts_with("\xEF\xBB\xBF")) {
    bytes.remove_prefix(3);
    file_begin = 3;
  }
  refuse_binary(bytes);
  Cleaner cleaner(bytes, file_begin, out);
  cleaner.run();
  n_malformed += cleaner.n_malformed;
  if (n_malformed > 0) {
    out.notices.push_back(plural(n_malformed, "malformed character", "malformed characters") +
                          " replaced (the file is not UTF-8)");
  }
  if (cleaner.n_controls > 0) {
    out.notices.push_back(plural(cleaner.n_controls, "control character", "control characters") +
                          " dropped");
  }
  out.lines = split_lines(out.text);
  return out;
}

TextBlock cut_block(const SourceText& source, BlockType type, std::size_t begin, std::size_t end,
                    std::size_t first_line, std::size_t last_line) {
  const auto text_begin = static_cast<std::int64_t>(begin);
  const auto text_end = static_cast<std::int64_t>(end);
  TextBlock block;
  block.type = type;
  block.text = source.text.substr(begin, end - begin);
  block.byte_begin = text_begin + delta_at(source.shifts, text_begin);
  // The smaller of both: without a carriage return dropped behind the last byte, and without the
  // two bytes by which a replaced character is longer than what stood there.
  block.byte_end = end == begin ? block.byte_begin
                                : text_end + std::min(delta_at(source.shifts, text_end - 1),
                                                      delta_at(source.shifts, text_end));
  block.line_begin = static_cast<std::int64_t>(first_line) + 1;
  block.line_end = static_cast<std::int64_t>(last_line) + 1;
  const std::int64_t base = block.byte_begin - text_begin;
  for (std::size_t i = shifts_until(source.shifts, text_begin);
       i < source.shifts.size() && source.shifts[i].text_offset < text_end; ++i) {
    block.shifts.push_back(
        {source.shifts[i].text_offset - text_begin, source.shifts[i].file_delta - base});
  }
  return block;
}

}  // namespace kvlink::retrieval
