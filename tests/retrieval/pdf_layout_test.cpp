// SPDX-License-Identifier: Apache-2.0
// Lines with their places on a page: the order of reading, tables, and what only looks like one.
#include "app/extract/pdf_layout.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "retrieval/extract/extractor.h"
#include "tests/retrieval/made_documents.h"

namespace kvlink::extract {
namespace {

constexpr float kHeight = 8, kPitch = 12, kLetter = 5;

PlacedText at(float left, float top, std::string text) {
  const float width = kLetter * static_cast<float>(text.size());
  return {std::move(text), {left, top, left + width, top + kHeight}};
}

PlacedLine line(float left, float top, std::string text) {
  return {{at(left, top, std::move(text))}, false};
}

std::vector<TextBlock> blocks_of(std::vector<PlacedLine> lines) {
  DocumentBuilder out;
  out.set_place({PlaceKind::kPage, 1, {}});
  add_page_lines(std::move(lines), {}, out);
  return out.finish("application/pdf", "page.pdf").blocks;
}

std::string text_of(const std::vector<TextBlock>& blocks) {
  std::string text;
  for (const auto& block : blocks) text += (text.empty() ? "" : "\n\n") + block.text;
  return text;
}

TEST(PdfLayout, ReadsWhatStandsAboveBeforeWhatWasDrawnFirst) {
  EXPECT_EQ(text_of(blocks_of({line(50, 40, "The sum is below."), line(50, 70, "It is forty two."),
                               line(60, 10, "Invoice")})),
            "Invoice\nThe sum is below. It is forty two.");
}

TEST(PdfLayout, KeepsColumnsInTheOrderInWhichTheyWereDrawn) {
  std::vector<PlacedLine> lines;
  for (int row = 0; row < 10; ++row) {
    lines.push_back(line(50, 20 + kPitch * static_cast<float>(row), "left column of long lines"));
  }
  for (int row = 0; row < 10; ++row) {
    lines.push_back(line(300, 20 + kPitch * static_cast<float>(row), "right column of long lines"));
  }
  const std::string text = text_of(blocks_of(lines));
  EXPECT_LT(text.rfind("left"), text.find("right"));
}

TEST(PdfLayout, PutsCellsBelowTheNamesOfTheirColumns) {
  const auto blocks = blocks_of({{{at(50, 10, "Work"), at(200, 10, "Hours"), at(300, 10, "Cost")}},
                                 {{at(50, 22, "Parts"), at(300, 22, "2,100")}},
                                 {{at(50, 34, "Body"), at(210, 34, "2"), at(300, 34, "300")}}});
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_EQ(blocks[0].type, BlockType::kTable);
  EXPECT_EQ(blocks[0].level, 1) << "the first row names the columns";
  EXPECT_EQ(blocks[0].text, "| Work | Hours | Cost |\n| Parts |  | 2,100 |\n| Body | 2 | 300 |");
}

TEST(PdfLayout, PutsTogetherARowWhoseCellsWereDrawnOneByOne) {
  EXPECT_EQ(text_of(blocks_of({line(50, 10, "Name"), line(150, 10, "Gabriel Diaz"),
                               line(50, 22, "Phone"), line(150, 22, "555 0100")})),
            "| Name | Gabriel Diaz |\n| Phone | 555 0100 |");
}

TEST(PdfLayout, KeepsTheSecondLineOfACellInItsTable) {
  EXPECT_EQ(text_of(blocks_of({{{at(50, 10, "1"), at(100, 10, "Holiday"), at(300, 10, "$9")}},
                               line(100, 20, "(142 min)"),
                               {{at(50, 30, "2"), at(100, 30, "Winter"), at(300, 30, "$7")}}})),
            "| 1 | Holiday | $9 |\n|  | (142 min) |  |\n| 2 | Winter | $7 |");
}

TEST(PdfLayout, BeginsAnotherTableBelowItsName) {
  const auto blocks = blocks_of({{{at(50, 10, "Start"), at(150, 10, "Shows")}},
                                 {{at(50, 22, "12/20"), at(150, 22, "48")}},
                                 line(50, 34, "Totals"),
                                 {{at(50, 46, "Month"), at(120, 46, "Net"), at(200, 46, "Gross")}},
                                 {{at(50, 58, "May"), at(120, 58, "$5"), at(200, 58, "$6")}}});
  EXPECT_EQ(text_of(blocks),
            "| Start | Shows |\n| 12/20 | 48 |\n\nTotals\n\n"
            "| Month | Net | Gross |\n| May | $5 | $6 |");
}

TEST(PdfLayout, ReadsColumnsOfTextOneAfterTheOtherWhereTheyWereDrawnAcross) {
  std::vector<PlacedLine> lines;
  for (int row = 0; row < 8; ++row) {
    const float top = 10 + kPitch * static_cast<float>(row);
    lines.push_back({{at(50, top, "words of the left column, long"),
                      at(300, top, "words of the right column, long")}});
  }
  const auto blocks = blocks_of(lines);
  for (const auto& block : blocks) EXPECT_NE(block.type, BlockType::kTable);
  const std::string text = text_of(blocks);
  EXPECT_LT(text.rfind("left"), text.find("right"));
}

TEST(PdfLayout, KeepsBulletsAsAList) {
  for (const auto& block : blocks_of({{{at(50, 10, "\u2022"), at(80, 10, "first of them")}},
                                      {{at(50, 22, "\u2022"), at(80, 22, "second of them")}}})) {
    EXPECT_NE(block.type, BlockType::kTable) << block.text;
  }
}

TEST(PdfLayout, TakesWideGapsInProseForNoTable) {
  const auto blocks =
      blocks_of({{{at(50, 10, "a line with"), at(130, 10, "one gap in its middle")}},
                 {{at(50, 22, "and another line whose"), at(190, 22, "gap is not")}}});
  for (const auto& block : blocks) EXPECT_NE(block.type, BlockType::kTable) << block.text;
}

TEST(PdfLayout, GoesOnBehindFullLinesAndJoinsDividedWords) {
  auto divided = line(50, 22, "and goes on to where a word is di");
  divided.is_divided = true;
  EXPECT_EQ(text_of(blocks_of(
                {line(50, 10, "A sentence that fills the line"), divided, line(50, 34, "vided.")})),
            "A sentence that fills the line and goes on to where a word is divided.");
}

TEST(PdfLayout, BearsPlacesThatMakeNoSense) {
  std::mt19937 random(5);
  const auto number = [&] { return std::uniform_real_distribution<float>(-1e30F, 1e30F)(random); };
  std::vector<PlacedLine> lines;
  for (int i = 0; i < 300; ++i) {
    PlacedLine made;
    for (int cell = 0; cell <= i % 4; ++cell) {
      made.cells.push_back({"w" + std::to_string(i), {number(), number(), number(), number()}});
    }
    lines.push_back(made);
  }
  const std::string text = text_of(blocks_of(lines));
  for (int i = 0; i < 300; ++i) EXPECT_NE(text.find("w" + std::to_string(i)), text.npos) << i;
}

/// A page whose letterhead was drawn last, as programs that fill in forms do.
std::string form() {
  using namespace retrieval::tests;
  const auto word = [](int x, int y, const std::string& text) {
    return "BT /F 10 Tf " + std::to_string(x) + " " + std::to_string(y) + " Td (" + text +
           ") Tj ET ";
  };
  std::string drawn;
  for (const auto& [y, cells] :
       std::vector<std::pair<int, std::vector<std::string>>>{{300, {"Work", "Hours", "Cost"}},
                                                             {285, {"Body", "2", "300"}},
                                                             {270, {"Paint", "1", "150"}}}) {
    for (int i = 0; i < 3; ++i) drawn += word(60 + 120 * i, y, cells[static_cast<std::size_t>(i)]);
  }
  drawn += word(60, 350, "Repair of a boat");
  return pdf({kPdfCatalogue, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
              "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 400] /Contents 4 0 R /Resources << "
              "/Font << /F 5 0 R >> >> >>",
              pdf_stream("", drawn), kPdfFont});
}

retrieval::ReadReport read(const retrieval::ReadRequest& request) {
  auto made = retrieval::Extractor(retrieval::tests::beside_this_test("kvlink-extract"))
                  .read(form(), request, {});
  if (!made) throw Exception(made.error());
  return std::move(made->report);
}

TEST(PdfLayout, IsThatOfARealFile) {
  const auto report = read({});
  if (report.problem == retrieval::ReadProblem::kUnsupported) GTEST_SKIP() << report.reason;
  EXPECT_EQ(text_of(report.document.blocks),
            "Repair of a boat\n\n| Work | Hours | Cost |\n| Body | 2 | 300 |\n| Paint | 1 | 150 |");
}

TEST(PdfLayout, HasRowsPaintedWhereTheyStand) {
  retrieval::ReadRequest request;
  request.page = 1;
  request.pixel_width = 600;
  request.passage = "| Body | 2 | 300 |\n| Paint | 1 | 150 |";
  const auto report = read(request);
  if (report.problem == retrieval::ReadProblem::kUnsupported) GTEST_SKIP() << report.reason;
  ASSERT_TRUE(report.image);
  ASSERT_FALSE(report.image->passage.empty());
  for (const auto& box : report.image->passage) {
    EXPECT_GT(box.top, 0.26F);
    EXPECT_LT(box.top + box.height, 0.34F);
  }
}

}  // namespace
}  // namespace kvlink::extract
