// SPDX-License-Identifier: Apache-2.0
// What travels between the library and `kvlink-extract`: one request, then frames of blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/text_blocks.h"

namespace kvlink::retrieval {

/// Why a document's text could not be had. Persistent in library.db: append only, do not renumber.
enum class ReadProblem : std::int32_t {
  kNone = 0,
  kUnsupported = 1,    ///< a format that is not read
  kNeedsPassword = 2,  ///< encrypted, or another password is needed
  kNeedsOcr = 3,       ///< pictures of text only
  kDamaged = 4,        ///< the bytes contradict their own format
  kNoText = 5,         ///< well formed and empty
  kTooLarge = 6,       ///< more memory, output or decompressed bytes than the limits allow
  kTooSlow = 7,        ///< more time than the limits allow
  kCrashed = 8,        ///< the reader stopped unexpectedly
  kSetAside = 9,       ///< it stopped the reader twice and is not tried again
  kUnreadable = 10,    ///< the file itself cannot be read now
};

/// What the reader is asked; it travels through a pipe, because a password is part of it.
struct ReadRequest {
  std::string file_name;  ///< without folders; a hint, the content decides
  std::string password;
  bool archives = false;  ///< whether archives are opened
  /// 0: the text; else a picture of this page of a PDF, from 1. Of `kvlink-ocr`: the picture of a
  /// TIFF whose text is asked for.
  std::int32_t page = 0;
  std::int32_t pixel_width = 0;  ///< of that picture
  std::string passage;           ///< whose place on the page is asked for
};

/// A rectangle in shares of a page's width and height, from its upper left corner.
struct PageBox {
  float left = 0, top = 0, width = 0, height = 0;
};

/// One page as pixels, for looking at.
struct PageImage {
  std::int32_t width = 0, height = 0;
  std::string pixels;            ///< [height, width, 4] bytes: blue, green, red, 255
  std::vector<PageBox> passage;  ///< where the passage asked for stands; may be empty
};

struct ReadReport {
  ParsedDocument document;
  ReadProblem problem = ReadProblem::kNone;
  std::string reason;  ///< of the problem, for the user
  std::optional<PageImage> image;
  bool filtered = false;  ///< system calls were restricted (seccomp), not only resources
};

std::string encode_request(const ReadRequest& request);
/// Throws kCorrupt.
ReadRequest decode_request(std::string_view bytes);

/// Frames: u32 length of the payload, u8 kind, payload; little-endian. The last one is kEnd.
enum class FrameKind : std::uint8_t {
  kHello = 1,
  kBlock = 2,
  kDocument = 3,
  kProblem = 4,
  kImage = 5,
  kEnd = 6
};
inline constexpr std::uint32_t kFrameVersion = 2;

std::string hello_frame(bool filtered);
std::string block_frame(const TextBlock& block);
std::string document_frame(const ParsedDocument& document);  ///< everything but its blocks
std::string problem_frame(ReadProblem problem, std::string_view reason);
std::string image_frame(const PageImage& image);
std::string end_frame();

struct FrameLimits {
  std::int64_t bytes = std::int64_t{256} << 20;  ///< of all frames together
  std::int64_t blocks = 2'000'000;
};

/// Puts frames together again. The other side may have been taken over by what it read: nothing is
/// believed. Text is repaired to UTF-8 without control characters, numbers are checked.
class FrameReader {
 public:
  explicit FrameReader(FrameLimits limits) : limits_(limits) {}

  /// Takes the next bytes. Throws kCorrupt (not our frames), kOutOfMemory (beyond the limits).
  void feed(std::string_view bytes);
  /// Whether the last frame has come.
  bool is_complete() const { return ended_; }
  bool said_hello() const { return hello_; }
  ReadReport take_report() { return std::move(report_); }

 private:
  void take_frame(FrameKind kind, std::string_view payload);
  void take_document(std::string_view payload);
  void take_block(std::string_view payload);
  void take_image(std::string_view payload);

  FrameLimits limits_;
  std::int64_t n_bytes_ = 0;
  std::string pending_;
  ReadReport report_;
  bool hello_ = false;
  bool ended_ = false;
};

}  // namespace kvlink::retrieval
