// SPDX-License-Identifier: Apache-2.0
// Frames: what one side sends the other understands, and nothing else passes.
#include "retrieval/extract/frames.h"

#include <gtest/gtest.h>

#include <cstring>

#include "kernels/base/result.h"
#include "kernels/base/utf8.h"

namespace kvlink::retrieval {
namespace {

TextBlock sample_block() {
  TextBlock block;
  block.type = BlockType::kTable;
  block.level = 1;
  block.text = "| a | b |";
  block.byte_begin = 10;
  block.byte_end = 19;
  block.line_begin = 3;
  block.line_end = 4;
  block.shifts = {{2, 1}, {5, 2}};
  block.place = {PlaceKind::kSheet, 2, "Costs"};
  return block;
}

std::string whole_report(const TextBlock& block) {
  ParsedDocument document;
  document.title = "Title";
  document.media_type = "text/csv";
  document.notices = {"one", "two"};
  return hello_frame(true) + document_frame(document) + block_frame(block) + end_frame();
}

TEST(Frames, CarryADocument) {
  const std::string bytes = whole_report(sample_block());
  FrameReader reader({});
  for (const char c : bytes) reader.feed(std::string_view(&c, 1));  // in the smallest parts
  ASSERT_TRUE(reader.is_complete());
  const auto report = reader.take_report();
  EXPECT_TRUE(report.filtered);
  EXPECT_EQ(report.document.title, "Title");
  EXPECT_EQ(report.document.media_type, "text/csv");
  EXPECT_EQ(report.document.notices, (std::vector<std::string>{"one", "two"}));
  ASSERT_EQ(report.document.blocks.size(), 1u);
  const auto& block = report.document.blocks[0];
  EXPECT_EQ(block.type, BlockType::kTable);
  EXPECT_EQ(block.level, 1);
  EXPECT_EQ(block.text, "| a | b |");
  EXPECT_EQ(block.byte_begin, 10);
  EXPECT_EQ(block.line_end, 4);
  EXPECT_EQ(block.shifts[1].file_delta, 2);
  EXPECT_EQ(block.place, (Place{PlaceKind::kSheet, 2, "Costs"}));
}

TEST(Frames, CarryARequest) {
  ReadRequest request{"a.pdf", "secret", true, 3, 800, "words"};
  const auto read = decode_request(encode_request(request));
  EXPECT_EQ(read.file_name, "a.pdf");
  EXPECT_EQ(read.password, "secret");
  EXPECT_TRUE(read.archives);
  EXPECT_EQ(read.page, 3);
  EXPECT_EQ(read.pixel_width, 800);
  EXPECT_EQ(read.passage, "words");
  const std::string bytes = encode_request(request);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_THROW(decode_request(bytes.substr(0, n)), Exception) << n;
  }
}

TEST(Frames, CarryAPageWithItsBoxes) {
  PageImage image;
  image.width = 2;
  image.height = 1;
  image.pixels = "12345678";
  image.passage = {{0.25F, 0.5F, 0.1F, 0.1F}, {2.0F, -1.0F, 0.1F, 0.1F}};
  FrameReader reader({});
  reader.feed(hello_frame(true) + image_frame(image) + end_frame());
  const auto report = reader.take_report();
  ASSERT_TRUE(report.image);
  EXPECT_EQ(report.image->pixels, "12345678");
  EXPECT_FLOAT_EQ(report.image->passage[0].left, 0.25F);
  EXPECT_FLOAT_EQ(report.image->passage[1].left, 0.0F) << "outside the page";
  image.height = 7;
  FrameReader wrong({});
  wrong.feed(hello_frame(true));
  EXPECT_THROW(wrong.feed(image_frame(image)), Exception);
}

TEST(Frames, CleanTextThatWasNotCleaned) {
  TextBlock block = sample_block();
  block.text =
      "a\x01\xFF"
      "b\x7F";
  FrameReader reader({});
  reader.feed(whole_report(block));
  const auto report = reader.take_report();
  EXPECT_EQ(report.document.blocks[0].text,
            "a\uFFFD"
            "b");
}

TEST(Frames, RefuseWhatMakesNoSense) {
  for (int which = 0; which < 6; ++which) {
    TextBlock block = sample_block();
    if (which == 0) block.type = static_cast<BlockType>(77);
    if (which == 1) block.level = 9;
    if (which == 2) block.place.kind = static_cast<PlaceKind>(99);
    if (which == 3) block.byte_end = 3;
    if (which == 4) block.line_begin = 0;
    if (which == 5) block.byte_begin = -5;
    FrameReader reader({});
    EXPECT_THROW(reader.feed(whole_report(block)), Exception) << which;
  }
  FrameReader silent({});
  EXPECT_THROW(silent.feed(end_frame()), Exception) << "no greeting";
  FrameReader twice({});
  EXPECT_THROW(twice.feed(hello_frame(true) + hello_frame(true)), Exception);
}

TEST(Frames, RefuseMoreThanTheLimits) {
  FrameReader bytes({.bytes = 100});
  EXPECT_THROW(bytes.feed(std::string(101, '\0')), Exception);
  FrameReader blocks({.blocks = 1});
  TextBlock block = sample_block();
  blocks.feed(hello_frame(true) + block_frame(block));
  EXPECT_THROW(blocks.feed(block_frame(block)), Exception);
  const std::uint32_t length = 0x7FFFFFFF;
  std::string header(5, '\2');
  std::memcpy(header.data(), &length, sizeof(length));
  FrameReader reader({});
  EXPECT_THROW(reader.feed(header), Exception) << "before anything is allocated";
}

}  // namespace
}  // namespace kvlink::retrieval
