// SPDX-License-Identifier: Apache-2.0
// Documents made for tests: PDF files from their objects, pictures of words, scanned pages.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kvlink::retrieval::tests {

/// kZlib: with its header; kGzip: with gzip's; kRaw: with none.
enum class Wrapping { kRaw, kZlib, kGzip };
std::string compressed(const std::string& data, Wrapping wrapping);

/// A PDF from its objects, numbered from 1; the first is the catalogue.
std::string pdf(const std::vector<std::string>& objects);
std::string pdf_stream(const std::string& dictionary, const std::string& data);
inline constexpr const char* kPdfCatalogue = "<< /Type /Catalog /Pages 2 0 R >>";
inline constexpr const char* kPdfFont = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>";
/// One page for each text: a line of Helvetica, or an empty page.
std::string pdf_of_lines(const std::vector<std::string>& lines);

/// One byte for a pixel, row by row.
struct GreyPicture {
  int width = 0, height = 0;
  std::string pixels;
};
/// The line as kvlink-extract draws it on a page. Throws when it cannot.
GreyPicture picture_of_line(const std::string& line);
/// A higher page with several lines.
GreyPicture picture_of_lines(const std::vector<std::string>& lines);
GreyPicture turned_clockwise(const GreyPicture& picture);
std::string png(const GreyPicture& picture);
std::string tiff(const std::vector<GreyPicture>& pages);  ///< not compressed
/// A page for each picture, and no text.
std::string scanned_pdf(const std::vector<GreyPicture>& pages);

/// A program beside the running test.
std::filesystem::path beside_this_test(const char* program);
/// Why pictures cannot be read here, for GTEST_SKIP; "" when they can.
std::string why_no_ocr();

}  // namespace kvlink::retrieval::tests
