// SPDX-License-Identifier: Apache-2.0
#include "retrieval/extract/frames.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "kernels/base/byte_reader.h"
#include "kernels/base/utf8.h"

namespace kvlink::retrieval {
namespace {

constexpr std::size_t kHeaderBytes = 5;
constexpr std::size_t kMaxLabelBytes = 400;
constexpr std::size_t kMaxNoticeBytes = 400;
constexpr std::size_t kMaxNotices = 20;
constexpr std::int32_t kMaxPixels = 8192;  // of a page's side
constexpr std::size_t kMaxBoxes = 4096;

class Payload {
 public:
  template <typename T>
  Payload& number(T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    bytes_.append(raw, sizeof(T));
    return *this;
  }
  Payload& text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    bytes_.append(value);
    return *this;
  }
  std::string frame(FrameKind kind) const {
    Payload out;
    out.number(static_cast<std::uint32_t>(bytes_.size())).number(static_cast<std::uint8_t>(kind));
    return out.bytes_ + bytes_;
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

ByteReader reader_of(std::string_view bytes, const char* what) {
  return {std::as_bytes(std::span(bytes.data(), bytes.size())), what};
}

std::string_view take_text(ByteReader& in, std::string_view field) {
  const auto bytes = in.take(in.read<std::uint32_t>(field), field);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Valid UTF-8 without control characters but \t and \n.
std::string cleaned(std::string_view text, std::size_t max_bytes) {
  text = text.substr(0, max_bytes);
  text = text.substr(0, complete_utf8_prefix(text));
  std::string out = is_valid_utf8(text) ? std::string(text) : repair_utf8(text);
  std::erase_if(out, [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u < 0x20 && c != '\t' && c != '\n') || u == 0x7F;
  });
  return out;
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

std::string encode_request(const ReadRequest& request) {
  return Payload()
      .text(request.file_name)
      .text(request.password)
      .number(static_cast<std::uint8_t>(request.archives))
      .number(request.page)
      .number(request.pixel_width)
      .text(request.passage)
      .take();
}

ReadRequest decode_request(std::string_view bytes) {
  ByteReader in = reader_of(bytes, "request");
  ReadRequest request;
  request.file_name = take_text(in, "file name");
  request.password = take_text(in, "password");
  request.archives = in.read<std::uint8_t>("archives") != 0;
  request.page = in.read<std::int32_t>("page");
  request.pixel_width = in.read<std::int32_t>("width");
  request.passage = take_text(in, "passage");
  return request;
}

std::string hello_frame(bool filtered) {
  return Payload()
      .number(kFrameVersion)
      .number(static_cast<std::uint8_t>(filtered))
      .frame(FrameKind::kHello);
}

std::string block_frame(const TextBlock& block) {
  Payload out;
  out.number(static_cast<std::uint8_t>(block.type))
      .number(static_cast<std::uint8_t>(block.level))
      .number(static_cast<std::uint8_t>(block.place.kind))
      .number(block.place.number)
      .text(block.place.label)
      .number(block.byte_begin)
      .number(block.byte_end)
      .number(block.line_begin)
      .number(block.line_end)
      .number(static_cast<std::uint32_t>(block.shifts.size()));
  for (const auto& shift : block.shifts) out.number(shift.text_offset).number(shift.file_delta);
  return out.text(block.text).frame(FrameKind::kBlock);
}

std::string document_frame(const ParsedDocument& document) {
  Payload out;
  out.text(document.title)
      .text(document.media_type)
      .number(static_cast<std::uint32_t>(document.notices.size()));
  for (const auto& notice : document.notices) out.text(notice);
  out.number(static_cast<std::uint32_t>(document.pages_without_text.size()));
  for (const auto page : document.pages_without_text) out.number(page);
  return out.frame(FrameKind::kDocument);
}

std::string problem_frame(ReadProblem problem, std::string_view reason) {
  return Payload()
      .number(static_cast<std::int32_t>(problem))
      .text(reason)
      .frame(FrameKind::kProblem);
}

std::string image_frame(const PageImage& image) {
  Payload out;
  out.number(image.width).number(image.height).text(image.pixels);
  out.number(static_cast<std::uint32_t>(image.passage.size()));
  for (const auto& box : image.passage) {
    out.number(box.left).number(box.top).number(box.width).number(box.height);
  }
  return out.frame(FrameKind::kImage);
}

std::string end_frame() { return Payload().frame(FrameKind::kEnd); }

void FrameReader::feed(std::string_view bytes) {
  n_bytes_ += static_cast<std::int64_t>(bytes.size());
  if (n_bytes_ > limits_.bytes) {
    fail(ErrorCode::kOutOfMemory,
         "its text has more than " + std::to_string(limits_.bytes >> 20) + " MiB");
  }
  pending_.append(bytes);
  std::size_t pos = 0;
  while (pending_.size() - pos >= kHeaderBytes) {
    std::uint32_t length = 0;
    std::memcpy(&length, pending_.data() + pos, sizeof(length));
    if (static_cast<std::int64_t>(length) > limits_.bytes) {
      fail(ErrorCode::kCorrupt, "the reader sent a frame beyond its limit");
    }
    if (pending_.size() - pos - kHeaderBytes < length) break;
    const auto kind = static_cast<FrameKind>(pending_[pos + 4]);
    take_frame(kind, std::string_view(pending_).substr(pos + kHeaderBytes, length));
    pos += kHeaderBytes + length;
  }
  pending_.erase(0, pos);
}

void FrameReader::take_frame(FrameKind kind, std::string_view payload) {
  if (ended_ || (hello_ == (kind == FrameKind::kHello))) {
    fail(ErrorCode::kCorrupt, "the reader sent frames out of order");
  }
  ByteReader in = reader_of(payload, "frame");
  switch (kind) {
    case FrameKind::kHello:
      if (in.read<std::uint32_t>("version") != kFrameVersion) {
        fail(ErrorCode::kCorrupt, "kvlink-extract is of another version; install both together");
      }
      report_.filtered = in.read<std::uint8_t>("filter") != 0;
      hello_ = true;
      return;
    case FrameKind::kBlock:
      return take_block(payload);
    case FrameKind::kDocument:
      return take_document(payload);
    case FrameKind::kProblem: {
      const auto value = in.read<std::int32_t>("problem");
      const bool known = value > 0 && value <= static_cast<std::int32_t>(ReadProblem::kUnreadable);
      report_.problem = known ? static_cast<ReadProblem>(value) : ReadProblem::kDamaged;
      report_.reason = one_line(cleaned(take_text(in, "reason"), kMaxNoticeBytes));
      return;
    }
    case FrameKind::kImage:
      return take_image(payload);
    case FrameKind::kEnd:
      ended_ = true;
      return;
  }
  fail(ErrorCode::kCorrupt, "the reader sent a frame of an unknown kind");
}

void FrameReader::take_document(std::string_view payload) {
  ByteReader in = reader_of(payload, "document");
  ParsedDocument& document = report_.document;
  document.title = tidy_title(cleaned(take_text(in, "title"), 4096));
  document.media_type = one_line(cleaned(take_text(in, "type"), kMaxNoticeBytes));
  const auto n = in.checked_count(in.read<std::uint32_t>("notices"), 4, "notices");
  document.notices.clear();
  for (std::uint64_t i = 0; i < n; ++i) {
    auto notice = one_line(cleaned(take_text(in, "notice"), kMaxNoticeBytes));
    if (i < kMaxNotices) document.notices.push_back(std::move(notice));
  }
  const auto n_pages = in.checked_count(in.read<std::uint32_t>("pages"), 4, "pages");
  document.pages_without_text.clear();
  for (std::uint64_t i = 0, last = 0; i < n_pages; ++i) {
    const auto page = in.read<std::int32_t>("page");
    if (page <= static_cast<std::int64_t>(last) || page > kMaxPages) {
      fail(ErrorCode::kCorrupt, "the reader sent pages that make no sense");
    }
    document.pages_without_text.push_back(page);
    last = static_cast<std::uint64_t>(page);
  }
}

void FrameReader::take_block(std::string_view payload) {
  ByteReader in = reader_of(payload, "block");
  TextBlock block;
  const auto type = in.read<std::uint8_t>("type");
  const auto level = in.read<std::uint8_t>("level");
  const auto kind = in.read<std::uint8_t>("place");
  block.place.number = std::max<std::int64_t>(0, in.read<std::int64_t>("number"));
  block.place.label = one_line(cleaned(take_text(in, "label"), kMaxLabelBytes));
  block.byte_begin = in.read<std::int64_t>("begin");
  block.byte_end = in.read<std::int64_t>("end");
  block.line_begin = in.read<std::int64_t>("first line");
  block.line_end = in.read<std::int64_t>("last line");
  const auto n_shifts = in.checked_count(in.read<std::uint32_t>("shifts"), 16, "shifts");
  for (std::uint64_t i = 0; i < n_shifts; ++i) {
    const auto offset = in.read<std::int64_t>("offset");
    block.shifts.push_back({offset, in.read<std::int64_t>("delta")});
  }
  const auto text = take_text(in, "text");
  block.text = cleaned(text, text.size());
  const std::int64_t last =
      report_.document.blocks.empty() ? 0 : report_.document.blocks.back().byte_begin;
  const bool sound = type <= static_cast<std::uint8_t>(BlockType::kListItem) && level <= 6 &&
                     kind <= static_cast<std::uint8_t>(PlaceKind::kMember) &&
                     block.byte_begin >= last && block.byte_end >= block.byte_begin &&
                     block.line_begin >= 1 && block.line_end >= block.line_begin;
  if (!sound) fail(ErrorCode::kCorrupt, "the reader sent a block that makes no sense");
  if (std::ssize(report_.document.blocks) >= limits_.blocks) {
    fail(ErrorCode::kOutOfMemory,
         "it has more than " + std::to_string(limits_.blocks) + " paragraphs");
  }
  block.type = static_cast<BlockType>(type);
  block.level = level;
  block.place.kind = static_cast<PlaceKind>(kind);
  if (!block.text.empty()) report_.document.blocks.push_back(std::move(block));
}

void FrameReader::take_image(std::string_view payload) {
  ByteReader in = reader_of(payload, "image");
  PageImage image;
  image.width = in.read<std::int32_t>("width");
  image.height = in.read<std::int32_t>("height");
  image.pixels = take_text(in, "pixels");
  const bool sound = image.width > 0 && image.height > 0 && image.width <= kMaxPixels &&
                     image.height <= kMaxPixels &&
                     image.pixels.size() == static_cast<std::size_t>(image.width) *
                                                static_cast<std::size_t>(image.height) * 4;
  if (!sound) fail(ErrorCode::kCorrupt, "the reader sent a picture that makes no sense");
  const auto n = in.checked_count(in.read<std::uint32_t>("boxes"), 16, "boxes");
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(n, kMaxBoxes); ++i) {
    PageBox box;
    for (float* side : {&box.left, &box.top, &box.width, &box.height}) {
      const float value = in.read<float>("box");
      *side = value >= 0 && value <= 1 ? value : 0;  // also for what is not a number
    }
    image.passage.push_back(box);
  }
  report_.image = std::move(image);
}

}  // namespace kvlink::retrieval
