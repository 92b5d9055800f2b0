// SPDX-License-Identifier: Apache-2.0
// Pages of PDF files as they are drawn and read.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "retrieval/extract/extractor.h"
#include "tests/retrieval/made_documents.h"

namespace kvlink::retrieval::tests {
namespace {

constexpr const char* kLine = "Seven sails were counted from the lighthouse";

/// One line of text on a page that is turned by so many degrees when it is looked at.
std::string page_turned_by(int degrees) {
  return pdf(
      {kPdfCatalogue, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
       "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 400] /Rotate " + std::to_string(degrees) +
           " /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
       pdf_stream("", std::string("BT /F 20 Tf 60 310 Td (") + kLine + ") Tj ET"), kPdfFont});
}

ReadReport read(const std::string& document, const ReadRequest& request) {
  auto made = Extractor(beside_this_test("kvlink-extract")).read(document, request, {});
  if (!made) throw Exception(made.error());
  return std::move(made->report);
}

bool is_dark(const PageImage& image, int x, int y) {
  const auto at = 4 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                       static_cast<std::size_t>(x));
  return static_cast<unsigned char>(image.pixels[at]) < 128;
}

class TurnedPages : public ::testing::TestWithParam<int> {};

TEST_P(TurnedPages, AreReadAsTheOthers) {
  const auto report = read(page_turned_by(GetParam()), {});
  if (report.problem == ReadProblem::kUnsupported) GTEST_SKIP() << report.reason;
  ASSERT_EQ(report.document.blocks.size(), 1U);
  EXPECT_EQ(report.document.blocks[0].text, kLine);
}

TEST_P(TurnedPages, HaveTheirPassagePaintedWhereItStands) {
  ReadRequest request;
  request.page = 1;
  request.pixel_width = 600;
  request.passage = kLine;
  const auto report = read(page_turned_by(GetParam()), request);
  if (report.problem == ReadProblem::kUnsupported) GTEST_SKIP() << report.reason;
  ASSERT_TRUE(report.image);
  const PageImage& image = *report.image;
  ASSERT_FALSE(image.passage.empty());
  int n_dark = 0, n_inside = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      if (!is_dark(image, x, y)) continue;
      ++n_dark;
      const float left = static_cast<float>(x) / static_cast<float>(image.width);
      const float top = static_cast<float>(y) / static_cast<float>(image.height);
      n_inside += std::any_of(image.passage.begin(), image.passage.end(), [&](const PageBox& box) {
        return left >= box.left - 0.01F && left <= box.left + box.width + 0.01F &&
               top >= box.top - 0.01F && top <= box.top + box.height + 0.01F;
      });
    }
  }
  EXPECT_GT(n_dark, 300);
  EXPECT_EQ(n_inside, n_dark);
  float area = 0;
  for (const auto& box : image.passage) area += box.width * box.height;
  EXPECT_LT(area, 0.1F) << "all of the page is painted";
}

INSTANTIATE_TEST_SUITE_P(AllQuarters, TurnedPages, ::testing::Values(0, 90, 180, 270));

}  // namespace
}  // namespace kvlink::retrieval::tests
