// SPDX-License-Identifier: Apache-2.0
// kvlink-ocr: words in pictures, in its sandbox, and pictures that are made to hurt.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "app/extract/picture_turn.h"
#include "retrieval/extract/extractor.h"
#include "tests/retrieval/made_documents.h"
#include "tests/support/sanitized.h"
#include "tests/support/test_paths.h"

namespace kvlink::retrieval::tests {
namespace {

constexpr const char* kLine = "Seven sails were counted from the lighthouse";

class Ocr : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = why_no_ocr(); !reason.empty()) GTEST_SKIP() << reason;
  }

  static ReadReport read(const std::string& picture, std::int32_t page = 0,
                         ExtractorLimits limits = {.seconds = 60, .wall_factor = 20}) {
    ReadRequest request;
    request.file_name = "photo.png";
    request.page = page;
    auto made =
        Extractor(beside_this_test("kvlink-ocr"), limits, {"eng"}).read(picture, request, {});
    if (!made) throw Exception(made.error());
    peak_bytes_ = made->use.peak_bytes;
    return std::move(made->report);
  }

  static std::string text_of(const ReadReport& report) {
    std::string text;
    for (const auto& block : report.document.blocks) text += block.text + "\n";
    return text;
  }

  inline static std::int64_t peak_bytes_ = 0;
};

TEST_F(Ocr, ReadsTheWordsOfAPicture) {
  const auto report = read(png(picture_of_line(kLine)));
  EXPECT_EQ(report.problem, ReadProblem::kNone) << report.reason;
  EXPECT_TRUE(report.filtered);
  EXPECT_EQ(text_of(report), std::string(kLine) + "\n");
  EXPECT_EQ(report.document.media_type, "image/png");
  EXPECT_TRUE(report.document.pages_without_text.empty());
}

TEST_F(Ocr, ReadsOnePictureOfATiffAndNamesTheOthers) {
  const std::string bytes =
      tiff({picture_of_line("First of the pages"), picture_of_line("Second of the pages")});
  const auto first = read(bytes);
  EXPECT_EQ(first.document.media_type, "image/tiff");
  EXPECT_EQ(text_of(first), "First of the pages\n");
  EXPECT_EQ(first.document.pages_without_text, std::vector<std::int32_t>{2});
  EXPECT_EQ(text_of(read(bytes, 2)), "Second of the pages\n");
  EXPECT_EQ(read(bytes, 3).problem, ReadProblem::kDamaged);
}

const std::vector<std::string> kLines = {
    "Seven sails were counted from the lighthouse", "before the fog took the harbour away.",
    "The keeper wrote all of them down by hand,",   "and kept the book behind the lamp for",
    "the pilots who came up on the next tide.",     "Nobody looked for the eighth ship then.",
    "It had left the bay the evening before,",      "with a load of planks and dried fish."};

TEST_F(Ocr, ReadsPicturesThatLieOnTheirSideOrStandOnTheirHead) {
  GreyPicture picture = picture_of_lines(kLines);
  for (int quarters = 0; quarters < 4; ++quarters) {
    const std::string text = text_of(read(png(picture)));
    EXPECT_NE(text.find("The keeper wrote all of them down by hand"), std::string::npos)
        << quarters << " quarters: " << text;
    picture = turned_clockwise(picture);
  }
}

/// An Exif segment with an orientation.
std::string exif_of(char orientation, bool big_endian = false) {
  const std::string little("II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0", 18);
  const std::string big("MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1", 18);
  std::string exif = std::string("Exif\0\0", 6) + (big_endian ? big : little);
  exif += big_endian ? std::string(1, '\0') + orientation : orientation + std::string(1, '\0');
  exif += std::string(6, '\0');
  return "\xFF\xE1" + std::string(1, '\0') + static_cast<char>(exif.size() + 2) + exif;
}

TEST(ExifTurn, IsThatOfTheCamera) {
  const std::string app0("\xFF\xE0\0\4ab", 6);
  for (const bool big_endian : {false, true}) {
    const auto turn = [&](char n) {
      return extract::exif_turn("\xFF\xD8" + app0 + exif_of(n, big_endian) + "\xFF\xDA");
    };
    EXPECT_EQ(turn(1).quarters, 0);
    EXPECT_EQ(turn(3).quarters, 2);
    EXPECT_EQ(turn(6).quarters, 1);
    EXPECT_EQ(turn(8).quarters, 3);
    EXPECT_FALSE(turn(8).mirrored);
    EXPECT_TRUE(turn(5).mirrored);
    EXPECT_EQ(turn(5).quarters, 3);
    EXPECT_EQ(turn(9).quarters, 0);
  }
}

TEST(ExifTurn, IsNoneWhereTheBytesMakeNoSense) {
  const std::string whole = "\xFF\xD8" + exif_of(6);
  EXPECT_EQ(extract::exif_turn(whole).quarters, 1);
  for (std::size_t n = 0; n + 8 < whole.size(); ++n) {
    EXPECT_EQ(extract::exif_turn(std::string_view(whole).substr(0, n)).quarters, 0) << n;
  }
  std::string far = whole;
  far.replace(16, 4, std::string("\xFF\xFF\xFF\x7F", 4));  // its directory lies outside
  EXPECT_EQ(extract::exif_turn(far).quarters, 0);
  std::string many = whole;
  many.replace(20, 4, "\xFF\xFF\x11\x01");  // more entries than bytes
  EXPECT_EQ(extract::exif_turn(many).quarters, 0);
}

TEST_F(Ocr, HoldsAPhotographAsTheCameraWasHeld) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  const auto folder = *kvlink::tests::test_data() / "documents" / "unstructured" / "img";
  std::ifstream in(folder / "double-column-A.jpg", std::ios::binary);
  const std::string upright(std::istreambuf_iterator<char>(in), {});
  // It says that it lies on its side, which is wrong: so it is turned, and turned back.
  const std::string text = text_of(read(upright.substr(0, 2) + exif_of(6) + upright.substr(2)));
  EXPECT_NE(text.find("The rules in this subchapter shall apply"), std::string::npos) << text;
}

TEST_F(Ocr, FindsNothingWhereNothingIsWritten) {
  const auto white = read(png({400, 300, std::string(400 * 300, '\xFF')}));
  EXPECT_EQ(white.problem, ReadProblem::kNone) << white.reason;
  EXPECT_TRUE(white.document.blocks.empty());
  const auto dot = read(png({1, 1, std::string(1, '\0')}));
  EXPECT_EQ(dot.problem, ReadProblem::kNone) << dot.reason;
  EXPECT_TRUE(dot.document.blocks.empty());
}

TEST_F(Ocr, ReadsPhotographsOfTheTestData) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  const auto folder = *kvlink::tests::test_data() / "documents" / "unstructured" / "img";
  std::ifstream in(folder / "double-column-A.jpg", std::ios::binary);
  ASSERT_TRUE(in);
  const auto report = read(std::string(std::istreambuf_iterator<char>(in), {}));
  EXPECT_EQ(report.document.media_type, "image/jpeg");
  const std::string text = text_of(report);
  EXPECT_NE(text.find("The rules in this subchapter shall apply"), std::string::npos) << text;
  EXPECT_NE(text.find("competitive service"), std::string::npos);  // divided in the picture
}

TEST_F(Ocr, RefusesPicturesThatUnpackToTooMuch) {
  std::string bomb = png({30'000, 4, std::string(120'000, '\0')});
  bomb.replace(20, 4, std::string("\0\0\x75\x30", 4));  // 30,000 rows, it says
  const auto report = read(bomb);
  EXPECT_EQ(report.problem, ReadProblem::kTooLarge);
  EXPECT_NE(report.reason.find("900 million pixels"), std::string::npos) << report.reason;
  if (!kvlink::tests::kSanitized) {
    EXPECT_LT(peak_bytes_, std::int64_t{256} << 20);
  }
}

TEST_F(Ocr, RefusesPicturesWhoseSizeIsKnownOnlyDecoded) {
  // A GIF of one white pixel, whole: a decoder would take it.
  const std::string gif("GIF89a\1\0\1\0\x80\0\0\xFF\xFF\xFF\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
                        35);
  const std::string bmp = "BM" + std::string(64, '\0');
  for (const std::string& picture : {gif, bmp}) {
    const auto report = read(picture);
    EXPECT_EQ(report.problem, ReadProblem::kUnsupported) << report.reason;
    EXPECT_NE(report.reason.find("save it as PNG"), std::string::npos) << report.reason;
  }
}

TEST_F(Ocr, StaysBelowItsMemory) {
  const GreyPicture large{7'900, 7'900, std::string(std::size_t{7'900} * 7'900, '\xFF')};
  const auto report = read(png(large), 0, {.memory_bytes = std::int64_t{200} << 20, .seconds = 60});
  // Decoding fails, or Tesseract: what is refused ends the page, and the child with it.
  EXPECT_NE(report.problem, ReadProblem::kNone);
  EXPECT_TRUE(report.document.blocks.empty());
}

TEST_F(Ocr, EndsAtItsTime) {
  const auto report = read(png(picture_of_line(kLine)), 0, {.wall_factor = 0});
  EXPECT_EQ(report.problem, ReadProblem::kTooSlow) << report.reason;
  EXPECT_TRUE(report.document.blocks.empty());
}

TEST_F(Ocr, NamesWhatIsNoPicture) {
  const std::string whole = png(picture_of_line(kLine));
  for (const std::size_t size : {std::size_t{8}, std::size_t{40}, whole.size() / 2}) {
    EXPECT_EQ(read(whole.substr(0, size)).problem, ReadProblem::kDamaged) << size;
  }
  EXPECT_EQ(read("Words, and no picture at all.").problem, ReadProblem::kUnsupported);
  EXPECT_EQ(read("").problem, ReadProblem::kDamaged);
  std::string endless = tiff({picture_of_line(kLine)});
  endless.replace(8 + 2 + 9 * 12, 4, std::string("\x08\0\0\0", 4));  // its next page is itself
  EXPECT_LE(read(endless).document.pages_without_text.size(), 2'000U);
}

TEST_F(Ocr, SaysThatALanguageIsMissing) {
  const auto made = Extractor(beside_this_test("kvlink-ocr"), {}, {"xxx"})
                        .read(png(picture_of_line(kLine)), {}, {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->report.problem, ReadProblem::kNeedsOcr);
}

}  // namespace
}  // namespace kvlink::retrieval::tests
